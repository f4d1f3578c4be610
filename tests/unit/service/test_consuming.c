// SPDX-License-Identifier: Apache-2.0
/* From a connection to a pull consumer, over a real server. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness/js_world.h"
#include "userspace/service/consuming.h"

#define NS_PER_S 1000000000ull

static const char *const subjects[] = { "work.one", NULL };
static const struct sl_js_stream stream = { .name = "WORK", .subjects = subjects };
static const struct sl_js_stream *const streams[] = { &stream, NULL };

struct world {
	struct sl_js_world js;
	struct sl_log *log;
	int log_fd;
	struct sl_consuming_terms terms;
	struct sl_consuming *consuming;
	struct sl_js_pull *pull;
	int begun, messages;
};

static void begun(void *context, struct sl_js_pull *pull)
{
	struct world *world = context;

	world->begun++;
	world->pull = pull;
}

static void handle(void *context, const struct sl_bus_message *message,
		   const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct world *world = context;

	(void)message;
	(void)meta;
	world->messages++;
	assert_int_equal(sl_js_ack(world->js.bus, token), 0);
	sl_js_pull_done(world->pull);
}

static void open_world(struct world *ret)
{
	*ret = (struct world){ .begun = 0 };
	sl_js_world_open(&ret->js);
	ret->log_fd = memfd_create("log", 0);
	assert_true(ret->log_fd >= 0);
	assert_int_equal(sl_log_new(&ret->log, ret->log_fd, SL_LOG_TEXT, SL_LOG_DEBUG), 0);
	ret->terms = (struct sl_consuming_terms){
		.streams = streams,
		.consumer = { .stream = "WORK", .durable = "d", .ack_wait_ms = 30000 },
		.window = 4,
		.handler = handle,
		.begun = begun,
		.context = ret
	};
	assert_int_equal(sl_consuming_new(&ret->consuming, ret->js.bus, ret->log, &ret->terms), 0);
}

static void close_world(struct world *world)
{
	sl_js_pull_free(world->pull);
	sl_js_world_close(&world->js);
	sl_consuming_free(world->consuming);
	sl_log_free(world->log);
	close(world->log_fd);
}

static bool logged(const struct world *world, const char *what)
{
	char text[8192] = "";

	return pread(world->log_fd, text, sizeof(text) - 1, 0) > 0 && strstr(text, what);
}

static void test_a_consumer_begins_once(void **state)
{
	struct world world;

	open_world(&world);
	sl_consuming_tick(world.consuming, 1);
	assert_true(sl_bus_loop_count(&world.js.loop, &world.begun, 1, SL_JS_SOON_MS));
	sl_consuming_tick(world.consuming, 10 * NS_PER_S);
	sl_js_publish_now(&world.js, "work.one", NULL, "x");
	assert_true(sl_bus_loop_count(&world.js.loop, &world.messages, 1, SL_JS_SOON_MS));
	assert_int_equal(world.begun, 1);
	close_world(&world);
}

static void deleted(void *context, int status, const struct sl_bus_message *reply)
{
	(void)reply;
	sl_js_end(context, status);
}

/* A stream that takes the subject, until an operator has taken it away. */
static void test_what_failed_is_tried_again(void **state)
{
	const struct sl_js_stream other = { .name = "OTHER", .subjects = subjects };
	struct sl_js_end ended = { 0 };
	struct world world;

	open_world(&world);
	assert_int_equal(sl_js_ensure_now(&world.js, &other), 0);
	sl_consuming_tick(world.consuming, NS_PER_S);
	for (int i = 0; i < 400 && !logged(&world, "will try again"); i++)
		sl_bus_loop_for(&world.js.loop, 10);
	assert_true(logged(&world, "stream WORK: subjects overlap"));
	assert_int_equal(sl_bus_request(NULL, world.js.bus, "$JS.API.STREAM.DELETE.OTHER", NULL, 0,
					SL_SPAN(""), 2000, deleted, &ended),
			 0);
	assert_int_equal(sl_js_wait(&world.js, &ended), 0);
	/* Not before two seconds are over. */
	sl_consuming_tick(world.consuming, 3 * NS_PER_S - 1);
	assert_int_equal(sl_bus_stats(world.js.bus).requests_in_flight, 0);
	sl_consuming_tick(world.consuming, 3 * NS_PER_S);
	assert_true(sl_bus_loop_count(&world.js.loop, &world.begun, 1, SL_JS_SOON_MS));
	close_world(&world);
}

static void test_nothing_begins_after_a_stop(void **state)
{
	struct sl_js_end ended = { 0 };
	struct world world;

	open_world(&world);
	sl_consuming_tick(world.consuming, 1);
	sl_consuming_stop(world.consuming);
	assert_int_equal(sl_bus_flush(world.js.bus, 2000, sl_js_end, &ended), 0);
	assert_int_equal(sl_js_wait(&world.js, &ended), 0);
	sl_bus_loop_for(&world.js.loop, 200);
	sl_consuming_tick(world.consuming, 10 * NS_PER_S);
	assert_int_equal(sl_bus_stats(world.js.bus).requests_in_flight, 0);
	assert_int_equal(world.begun, 0);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_consumer_begins_once),
		cmocka_unit_test(test_what_failed_is_tried_again),
		cmocka_unit_test(test_nothing_begins_after_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
