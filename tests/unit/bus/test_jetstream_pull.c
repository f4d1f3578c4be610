// SPDX-License-Identifier: Apache-2.0
/* The window of a pull consumer, also over crashes of the server. */
#include "tests/harness/test.h"

#include "tests/harness/js_world.h"

static struct sl_js_world w;

/* ---- the window --------------------------------------------------------------------------------
 */

static void test_window_is_kept(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 30000);
	for (int i = 0; i < 40; i++)
		sl_js_publish_now(&w, place.stream, NULL, "x");
	sl_js_take(&taken, &w, &place, 8);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 8, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(taken.count, 8);
	for (int i = 0; i < 4; i++)
		sl_js_pull_done(taken.pull);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 12, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(taken.count, 12);
	sl_js_pull_window(taken.pull, 0);
	for (int i = 0; i < 8; i++)
		sl_js_pull_done(taken.pull);
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(taken.count, 12);
	sl_js_pull_window(taken.pull, 28);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 40, SL_JS_SOON_MS));
	for (int i = 0; i < 40; i++)
		assert_int_equal(taken.sequences[i], i + 1);
	sl_js_pull_free(taken.pull);
}

/* Reconnects neither lose the window nor ask for it twice. */
static void test_window_over_restarts(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 30000);
	sl_js_take(&taken, &w, &place, 5);
	for (int i = 0; i < 3; i++) {
		sl_bus_loop_for(&w.loop, 30); /* asked and nothing there */
		sl_nats_kill(&w.server);
		assert_true(sl_bus_loop_state(&w.loop, w.bus, SL_BUS_RECONNECTING, SL_JS_SOON_MS));
		sl_nats_start(&w.server);
		assert_true(sl_bus_loop_state(&w.loop, w.bus, SL_BUS_CONNECTED, SL_JS_SOON_MS));
	}
	for (int i = 0; i < 20; i++)
		sl_js_publish_now(&w, place.stream, NULL, "x");
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 5, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(taken.count, 5);
	taken.ack = true;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sl_js_ack(w.bus, &taken.tokens[i]), 0);
		sl_js_pull_done(taken.pull);
	}
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 20, SL_JS_SOON_MS));
	sl_js_pull_free(taken.pull);
}

/* The server lives on and knows the request of the lost connection: it must not count. */
static void test_window_over_a_lost_connection(void **state)
{
	struct sl_bus_options options = { .servers = w.server.url,
					  .ping_interval_ms = 50,
					  .connect_timeout_ms = 500,
					  .reconnect_wait_ms = 20 };
	struct sl_bus *bus = sl_bus_loop_bus(&w.loop, &options);
	struct sl_js_world other = w;
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };

	other.bus = bus;
	assert_true(sl_bus_loop_state(&w.loop, bus, SL_BUS_CONNECTED, SL_JS_SOON_MS));
	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 30000);
	sl_js_take(&taken, &other, &place, 5);
	sl_bus_loop_for(&w.loop, 30);
	sl_nats_freeze(&w.server, true);
	assert_true(sl_bus_loop_state(&w.loop, bus, SL_BUS_RECONNECTING, SL_JS_SOON_MS));
	sl_nats_freeze(&w.server, false);
	assert_true(sl_bus_loop_state(&w.loop, bus, SL_BUS_CONNECTED, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 30);
	for (int i = 0; i < 20; i++)
		sl_js_publish_now(&w, place.stream, NULL, "x");
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 5, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(taken.count, 5);
	sl_js_pull_free(taken.pull);
	sl_bus_free(bus);
}

/* Every message is handled at least once though the server dies in the middle. */
static void test_nothing_lost_over_a_crash(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0, .ack = true };
	bool seen[201] = { false };

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 500);
	for (int i = 0; i < 200; i++)
		sl_js_publish_now(&w, place.stream, NULL, "x");
	sl_js_take(&taken, &w, &place, 4);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 20, SL_JS_SOON_MS));
	taken.ack = false; /* some are in hand when it dies */
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 24, SL_JS_SOON_MS));
	sl_nats_kill(&w.server);
	assert_true(sl_bus_loop_state(&w.loop, w.bus, SL_BUS_RECONNECTING, SL_JS_SOON_MS));
	taken.ack = true;
	for (int i = 0; i < 4; i++)
		sl_js_pull_done(taken.pull);
	sl_nats_start(&w.server);
	for (int i = 0; i < 100; i++) {
		int missing = 0;

		sl_bus_loop_for(&w.loop, 50);
		for (int k = 0; k < taken.count; k++)
			seen[taken.sequences[k]] = true;
		for (int k = 1; k <= 200; k++)
			missing += !seen[k];
		if (!missing)
			break;
	}
	for (int k = 1; k <= 200; k++)
		if (!seen[k])
			fail_msg("message %d never came", k);
	sl_js_pull_free(taken.pull);
}

static void test_pull_waits_for_its_consumer(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0, .ack = true };

	sl_js_place_make(&place, &w, false);
	sl_js_take(&taken, &w, &place, 4);
	sl_bus_loop_for(&w.loop, 50);
	sl_js_place_consumer(&place, &w, 30000);
	sl_js_publish_now(&w, place.stream, NULL, "x");
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 1, SL_JS_SOON_MS));
	sl_js_pull_free(taken.pull);
}

static void leave(void *context, const struct sl_bus_message *message,
		  const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct sl_js_taken *taken = context;

	(void)message;
	(void)meta;
	(void)token;
	taken->count++;
	sl_js_pull_free(taken->pull);
}

static void test_free_in_the_handler(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 30000);
	for (int i = 0; i < 5; i++)
		sl_js_publish_now(&w, place.stream, NULL, "x");
	assert_int_equal(sl_js_pull_new(&taken.pull, w.bus, place.stream, "d", 5, leave, &taken),
			 0);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 1, SL_JS_SOON_MS));
	sl_bus_loop_for(&w.loop, 50);
	assert_int_equal(taken.count, 1);
}

static int open_all(void **state)
{
	sl_js_world_open(&w);
	return 0;
}

static int close_all(void **state)
{
	sl_js_world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_is_kept),
		cmocka_unit_test(test_window_over_restarts),
		cmocka_unit_test(test_window_over_a_lost_connection),
		cmocka_unit_test(test_nothing_lost_over_a_crash),
		cmocka_unit_test(test_pull_waits_for_its_consumer),
		cmocka_unit_test(test_free_in_the_handler),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
