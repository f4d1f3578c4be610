// SPDX-License-Identifier: Apache-2.0
/* Streams, consumers and pulls over a real server. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/clock.h"
#include "tests/harness/nats.h"
#include "userspace/bus/jetstream.h"

#define SOON_MS	  8000u
#define TOKENS	  512
#define NS_PER_MS 1000000ull

static struct sl_nats server;
static struct sl_bus_loop loop;
static struct sl_bus *bus;
static unsigned int names;

struct ended {
	int count;
	int status;
};

static void done(void *context, int status)
{
	struct ended *ended = context;

	ended->count++;
	ended->status = status;
}

static int wait_for(struct ended *ended)
{
	assert_true(sl_bus_loop_count(&loop, &ended->count, 1, SOON_MS));
	assert_int_equal(ended->count, 1);
	return ended->status;
}

static int ensure(const struct sl_js_stream *stream)
{
	struct ended ended = { 0 };

	assert_int_equal(sl_js_ensure_stream(bus, stream, done, &ended), 0);
	return wait_for(&ended);
}

static int ensure_consumer(const struct sl_js_consumer *consumer)
{
	struct ended ended = { 0 };

	assert_int_equal(sl_js_ensure_consumer(bus, consumer, done, &ended), 0);
	return wait_for(&ended);
}

/* A stream of its own for each test, with one subject of the same name. */
struct world {
	char stream[32];
	const char *subjects[2];
};

static struct world *make_world(struct world *world, bool work_queue)
{
	(void)snprintf(world->stream, sizeof(world->stream), "S%u", names++);
	world->subjects[0] = world->stream;
	world->subjects[1] = NULL;
	assert_int_equal(ensure(&(struct sl_js_stream){ .name = world->stream,
							.subjects = world->subjects,
							.work_queue = work_queue }),
			 0);
	return world;
}

static void make_consumer(const struct world *world, uint64_t ack_wait_ms)
{
	assert_int_equal(ensure_consumer(&(struct sl_js_consumer){ .stream = world->stream,
								   .durable = "d",
								   .ack_wait_ms = ack_wait_ms }),
			 0);
}

struct published {
	int count;
	int status;
	struct sl_js_published last;
};

static void published(void *context, int status, const struct sl_js_published *ack)
{
	struct published *at = context;

	assert_true(!ack == (status != 0));
	at->count++;
	at->status = status;
	if (ack)
		at->last = *ack;
}

static struct sl_js_published publish(const char *subject, const char *id, const char *text)
{
	struct published at = { 0 };

	assert_int_equal(
		sl_js_publish(bus, subject, id, NULL, 0, sl_span_of(text), 2000, published, &at),
		0);
	assert_true(sl_bus_loop_count(&loop, &at.count, 1, SOON_MS));
	assert_int_equal(at.status, 0);
	return at.last;
}

struct taken {
	struct sl_js_pull *pull;
	int count;
	uint64_t deliveries; /* of the last */
	uint64_t sequences[TOKENS];
	uint64_t at_ns;
	uint64_t pending;
	struct sl_js_token tokens[TOKENS];
	char text[64];
	bool ack;
};

static void take(void *context, const struct sl_bus_message *message, const struct sl_js_meta *meta,
		 const struct sl_js_token *token)
{
	struct taken *taken = context;
	struct sl_span payload = sl_bus_payload(message);

	assert_true(taken->count < TOKENS);
	taken->tokens[taken->count] = *token;
	taken->sequences[taken->count] = meta->stream_sequence;
	taken->deliveries = meta->deliveries;
	taken->pending = meta->pending;
	taken->at_ns = sl_now_ns();
	sl_bus_loop_copy(taken->text, sizeof(taken->text), payload);
	taken->count++;
	if (taken->ack) {
		assert_int_equal(sl_js_ack(bus, token), 0);
		sl_js_pull_done(taken->pull);
	}
}

static void pull(struct taken *taken, const struct world *world, uint32_t window)
{
	assert_int_equal(sl_js_pull_new(&taken->pull, bus, world->stream, "d", window, take, taken),
			 0);
}

/* ---- streams and publish -------------------------------------------------------------------- */

static void test_streams_are_made_and_changed(void **state)
{
	const char *subjects[] = { "e.>", NULL };
	struct sl_js_stream stream = { .name = "E", .subjects = subjects, .max_age_s = 100 };
	struct ended ended = { 0 };

	assert_int_equal(ensure(&stream), 0);
	assert_int_equal(ensure(&stream), 0);
	stream.max_age_s = 200;
	stream.max_bytes = 1 << 20;
	assert_int_equal(ensure(&stream), 0);
	/* This cannot be changed any more. */
	stream.memory = true;
	assert_int_equal(ensure(&stream), -EREMOTEIO);
	assert_string_not_equal(sl_js_error(bus), "");
	stream.name = "a.b";
	assert_int_equal(sl_js_ensure_stream(bus, &stream, done, &ended), -EINVAL);
	stream.name = "F"; /* the subjects are E's */
	assert_int_equal(ensure(&stream), -EREMOTEIO);
	assert_non_null(strstr(sl_js_error(bus), "overlap"));
}

static void test_publish_once(void **state)
{
	struct world world;
	struct sl_js_published first, again, other;
	struct published nowhere = { 0 };

	make_world(&world, false);
	first = publish(world.stream, "id-1", "x");
	again = publish(world.stream, "id-1", "x");
	other = publish(world.stream, "id-2", "x");
	assert_int_equal(first.sequence, 1);
	assert_false(first.duplicate);
	assert_int_equal(again.sequence, 1);
	assert_true(again.duplicate);
	assert_int_equal(other.sequence, 2);
	assert_int_equal(sl_js_publish(bus, "no.stream.takes.this", NULL, NULL, 0, SL_SPAN("x"),
				       2000, published, &nowhere),
			 0);
	assert_true(sl_bus_loop_count(&loop, &nowhere.count, 1, SOON_MS));
	assert_int_equal(nowhere.status, -EHOSTUNREACH);
}

/* ---- acks ------------------------------------------------------------------------------------ */

static void test_unacked_comes_again(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };

	make_world(&world, false);
	make_consumer(&world, 200);
	publish(world.stream, NULL, "one");
	pull(&taken, &world, 4);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 1, SOON_MS));
	assert_int_equal(taken.deliveries, 1);
	assert_int_equal(taken.pending, 0);
	assert_string_equal(taken.text, "one");
	sl_js_pull_done(taken.pull);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 2, SOON_MS));
	assert_int_equal(taken.deliveries, 2);
	assert_int_equal(taken.sequences[1], 1);
	/* In progress: the wait begins anew. */
	for (int i = 0; i < 4; i++) {
		sl_bus_loop_for(&loop, 100);
		assert_int_equal(sl_js_in_progress(bus, &taken.tokens[1]), 0);
	}
	assert_int_equal(taken.count, 2);
	assert_int_equal(sl_js_ack(bus, &taken.tokens[1]), 0);
	sl_bus_loop_for(&loop, 300);
	assert_int_equal(taken.count, 2);
	sl_js_pull_free(taken.pull);
}

static void test_nak_waits_and_term_ends(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };
	uint64_t before_ns;

	make_world(&world, false);
	make_consumer(&world, 30000);
	publish(world.stream, NULL, "x");
	pull(&taken, &world, 10);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 1, SOON_MS));
	assert_int_equal(sl_js_nak(bus, &taken.tokens[0], 0), 0);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 2, SOON_MS));
	before_ns = sl_now_ns();
	assert_int_equal(sl_js_nak(bus, &taken.tokens[1], 300), 0);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 3, SOON_MS));
	assert_true(taken.at_ns - before_ns >= 280 * NS_PER_MS);
	assert_int_equal(taken.deliveries, 3);
	assert_int_equal(sl_js_term(bus, &taken.tokens[2]), 0);
	sl_bus_loop_for(&loop, 300);
	assert_int_equal(taken.count, 3);
	sl_js_pull_free(taken.pull);
}

struct got {
	int count, status;
	uint64_t sequence;
	char subject[64], payload[64], header[64];
};

static void got(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct got *at = context;
	struct sl_span span;

	at->count++;
	at->status = status;
	at->sequence = sequence;
	if (!message)
		return;
	span = sl_bus_subject(message);
	sl_bus_loop_copy(at->subject, sizeof(at->subject), span);
	span = sl_bus_payload(message);
	sl_bus_loop_copy(at->payload, sizeof(at->payload), span);
	span = sl_bus_header(message, "trace_id");
	sl_bus_loop_copy(at->header, sizeof(at->header), span);
}

static struct got get(const char *stream, const char *subject, uint64_t sequence)
{
	struct got at = { 0 };

	assert_int_equal(sl_js_get(bus, stream, subject, sequence, 2000, got, &at), 0);
	assert_true(sl_bus_loop_count(&loop, &at.count, 1, SOON_MS));
	return at;
}

static void test_one_stored_message(void **state)
{
	struct world world;
	struct sl_bus_header headers[] = { { "trace_id", SL_SPAN("t: 1") } };
	struct published at = { 0 };
	struct got one;

	make_world(&world, false);
	assert_int_equal(sl_js_publish(bus, world.stream, NULL, headers, 1, SL_SPAN("first"), 2000,
				       published, &at),
			 0);
	assert_true(sl_bus_loop_count(&loop, &at.count, 1, SOON_MS));
	publish(world.stream, NULL, "");
	one = get(world.stream, NULL, 1);
	assert_int_equal(one.status, 0);
	assert_int_equal(one.sequence, 1);
	assert_string_equal(one.subject, world.stream);
	assert_string_equal(one.payload, "first");
	assert_string_equal(one.header, "t: 1");
	one = get(world.stream, world.stream, 0);
	assert_int_equal(one.sequence, 2);
	assert_string_equal(one.payload, "");
	assert_int_equal(get(world.stream, NULL, 3).status, -ENOENT);
	assert_int_equal(get("NONE", NULL, 1).status, -EREMOTEIO);
}

static void test_work_queue_and_ack_sync(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };
	struct ended acked = { 0 };

	make_world(&world, true);
	make_consumer(&world, 30000);
	publish(world.stream, NULL, "x");
	pull(&taken, &world, 1);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 1, SOON_MS));
	assert_int_equal(get(world.stream, NULL, 1).status, 0);
	assert_int_equal(sl_js_ack_sync(bus, &taken.tokens[0], 2000, done, &acked), 0);
	assert_int_equal(wait_for(&acked), 0);
	assert_int_equal(get(world.stream, NULL, 1).status, -ENOENT);
	sl_js_pull_free(taken.pull);
}

static void test_backoff_and_max_deliver(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };
	const uint64_t backoff_ms[] = { 50, 100 };

	make_world(&world, false);
	assert_int_equal(ensure_consumer(&(struct sl_js_consumer){ .stream = world.stream,
								   .durable = "d",
								   .max_deliver = 3,
								   .max_ack_pending = 10,
								   .backoff_ms = backoff_ms,
								   .backoff_count = 2 }),
			 0);
	publish(world.stream, NULL, "x");
	pull(&taken, &world, 10);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 3, SOON_MS));
	assert_int_equal(taken.deliveries, 3);
	sl_bus_loop_for(&loop, 300);
	assert_int_equal(taken.count, 3);
	sl_js_pull_free(taken.pull);
	assert_int_equal(
		ensure_consumer(&(struct sl_js_consumer){ .stream = "NONE", .durable = "d" }),
		-EREMOTEIO);
}

/* ---- the window --------------------------------------------------------------------------------
 */

static void test_window_is_kept(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };

	make_world(&world, false);
	make_consumer(&world, 30000);
	for (int i = 0; i < 40; i++)
		publish(world.stream, NULL, "x");
	pull(&taken, &world, 8);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 8, SOON_MS));
	sl_bus_loop_for(&loop, 100);
	assert_int_equal(taken.count, 8);
	for (int i = 0; i < 4; i++)
		sl_js_pull_done(taken.pull);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 12, SOON_MS));
	sl_bus_loop_for(&loop, 100);
	assert_int_equal(taken.count, 12);
	sl_js_pull_window(taken.pull, 0);
	for (int i = 0; i < 8; i++)
		sl_js_pull_done(taken.pull);
	sl_bus_loop_for(&loop, 100);
	assert_int_equal(taken.count, 12);
	sl_js_pull_window(taken.pull, 28);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 40, SOON_MS));
	for (int i = 0; i < 40; i++)
		assert_int_equal(taken.sequences[i], i + 1);
	sl_js_pull_free(taken.pull);
}

/* Reconnects neither lose the window nor ask for it twice. */
static void test_window_over_restarts(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };

	make_world(&world, false);
	make_consumer(&world, 30000);
	pull(&taken, &world, 5);
	for (int i = 0; i < 3; i++) {
		sl_bus_loop_for(&loop, 30); /* asked and nothing there */
		sl_nats_kill(&server);
		assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_RECONNECTING, SOON_MS));
		sl_nats_start(&server);
		assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	}
	for (int i = 0; i < 20; i++)
		publish(world.stream, NULL, "x");
	assert_true(sl_bus_loop_count(&loop, &taken.count, 5, SOON_MS));
	sl_bus_loop_for(&loop, 100);
	assert_int_equal(taken.count, 5);
	taken.ack = true;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sl_js_ack(bus, &taken.tokens[i]), 0);
		sl_js_pull_done(taken.pull);
	}
	assert_true(sl_bus_loop_count(&loop, &taken.count, 20, SOON_MS));
	sl_js_pull_free(taken.pull);
}

/* Every message is handled at least once though the server dies in the middle. */
static void test_nothing_lost_over_a_crash(void **state)
{
	struct world world;
	struct taken taken = { .count = 0, .ack = true };
	bool seen[201] = { false };

	make_world(&world, false);
	make_consumer(&world, 500);
	for (int i = 0; i < 200; i++)
		publish(world.stream, NULL, "x");
	pull(&taken, &world, 4);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 20, SOON_MS));
	taken.ack = false; /* some are in hand when it dies */
	assert_true(sl_bus_loop_count(&loop, &taken.count, 24, SOON_MS));
	sl_nats_kill(&server);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_RECONNECTING, SOON_MS));
	taken.ack = true;
	for (int i = 0; i < 4; i++)
		sl_js_pull_done(taken.pull);
	sl_nats_start(&server);
	for (int i = 0; i < 100; i++) {
		int missing = 0;

		sl_bus_loop_for(&loop, 50);
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
	struct world world;
	struct taken taken = { .count = 0, .ack = true };

	make_world(&world, false);
	pull(&taken, &world, 4);
	sl_bus_loop_for(&loop, 50);
	make_consumer(&world, 30000);
	publish(world.stream, NULL, "x");
	assert_true(sl_bus_loop_count(&loop, &taken.count, 1, SOON_MS));
	sl_js_pull_free(taken.pull);
}

static void leave(void *context, const struct sl_bus_message *message,
		  const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct taken *taken = context;

	(void)message;
	(void)meta;
	(void)token;
	taken->count++;
	sl_js_pull_free(taken->pull);
}

static void test_free_in_the_handler(void **state)
{
	struct world world;
	struct taken taken = { .count = 0 };

	make_world(&world, false);
	make_consumer(&world, 30000);
	for (int i = 0; i < 5; i++)
		publish(world.stream, NULL, "x");
	assert_int_equal(sl_js_pull_new(&taken.pull, bus, world.stream, "d", 5, leave, &taken), 0);
	assert_true(sl_bus_loop_count(&loop, &taken.count, 1, SOON_MS));
	sl_bus_loop_for(&loop, 50);
	assert_int_equal(taken.count, 1);
}

static int open_all(void **state)
{
	sl_nats_open(&server, NULL);
	sl_bus_loop_open(&loop);
	bus = sl_bus_loop_connect(&loop, server.url);
	return 0;
}

static int close_all(void **state)
{
	sl_bus_free(bus);
	sl_bus_loop_close(&loop);
	sl_nats_close(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams_are_made_and_changed),
		cmocka_unit_test(test_publish_once),
		cmocka_unit_test(test_unacked_comes_again),
		cmocka_unit_test(test_nak_waits_and_term_ends),
		cmocka_unit_test(test_one_stored_message),
		cmocka_unit_test(test_work_queue_and_ack_sync),
		cmocka_unit_test(test_backoff_and_max_deliver),
		cmocka_unit_test(test_window_is_kept),
		cmocka_unit_test(test_window_over_restarts),
		cmocka_unit_test(test_nothing_lost_over_a_crash),
		cmocka_unit_test(test_pull_waits_for_its_consumer),
		cmocka_unit_test(test_free_in_the_handler),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
