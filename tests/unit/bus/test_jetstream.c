// SPDX-License-Identifier: Apache-2.0
/* Streams, publishes, acks and stored messages over a real server. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/clock.h"
#include "tests/harness/js_world.h"
#include "userspace/domain/json.h"

#define NS_PER_MS 1000000ull

static struct sl_js_world w;

/* ---- an operator ------------------------------------------------------------------------------
 */

struct answer {
	int count;
	const char *member;
	char text[256];
};

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct answer *answer = context;
	struct sl_json_value found;

	assert_int_equal(status, 0);
	assert_int_equal(sl_json_pick(&found, &answer->member, 1, sl_bus_payload(reply), NULL), 0);
	sl_bus_loop_copy(answer->text, sizeof(answer->text), found.raw);
	answer->count++;
}

/* A call of the API beside Sluice: that member of its answer, until the next call. */
static const char *operator_says(const char *call, const char *body, const char *member)
{
	static struct answer answer;
	char subject[128];

	answer = (struct answer){ .member = member };
	(void)snprintf(subject, sizeof(subject), "$JS.API.%s", call);
	assert_int_equal(sl_bus_request(NULL, w.bus, subject, NULL, 0, sl_span_of(body), 2000,
					answered, &answer),
			 0);
	assert_true(sl_bus_loop_count(&w.loop, &answer.count, 1, SL_JS_SOON_MS));
	return answer.text;
}

/* ---- streams and publish -------------------------------------------------------------------- */

static void test_streams_are_made_and_mended(void **state)
{
	const char *subjects[] = { "e.>", NULL }, *more[] = { "e.>", "f", NULL };
	const char *others[] = { "g", NULL };
	struct sl_js_stream stream = { .name = "E", .subjects = subjects, .max_age_s = 100 };
	struct sl_js_end ended = { 0 };

	assert_int_equal(sl_js_ensure_now(&w, &stream), 0);
	assert_int_equal(sl_js_ensure_now(&w, &stream), 0);
	assert_string_equal(operator_says("STREAM.INFO.E", "{}", "config.max_age"), "100000000000");
	/* An operator's, once it is there; unless a setting of ours says it. */
	stream.max_age_s = 200;
	assert_int_equal(sl_js_ensure_now(&w, &stream), 0);
	assert_string_equal(operator_says("STREAM.INFO.E", "{}", "config.max_age"), "100000000000");
	stream.owns_age = true;
	stream.subjects = more;
	assert_int_equal(sl_js_ensure_now(&w, &stream), 0);
	assert_string_equal(operator_says("STREAM.INFO.E", "{}", "config.max_age"), "200000000000");
	assert_string_equal(operator_says("STREAM.INFO.E", "{}", "config.subjects"),
			    "[\"e.\\u003e\",\"f\"]");
	stream.name = "a.b";
	assert_int_equal(sl_js_ensure_stream(w.bus, &stream, sl_js_end, &ended), -EINVAL);
	stream.name = "F"; /* the subjects are E's */
	assert_int_equal(sl_js_ensure_now(&w, &stream), -EREMOTEIO);
	assert_non_null(strstr(sl_js_error(w.bus), "stream F: subjects overlap"));
	/* One server has no room for copies. */
	stream.name = "G";
	stream.subjects = others;
	stream.replicas = 3;
	assert_int_equal(sl_js_ensure_now(&w, &stream), -EREMOTEIO);
	assert_non_null(strstr(sl_js_error(w.bus), "stream G: replicas > 1 not supported"));
}

static void test_a_stream_that_cannot_be_used(void **state)
{
	const char *subjects[] = { "queue", NULL };
	struct sl_js_stream stream = { .name = "Q", .subjects = subjects, .work_queue = true };

	operator_says("STREAM.CREATE.Q", "{\"name\":\"Q\",\"subjects\":[\"queue\"]}",
		      "config.name");
	assert_int_equal(sl_js_ensure_now(&w, &stream), -EEXIST);
	assert_string_equal(sl_js_error(w.bus), "the stream Q that is there cannot be used: its "
						"retention is not \"workqueue\"");
}

static void test_publish_once(void **state)
{
	struct sl_js_place place;
	struct sl_js_published first, again, other;
	struct sl_js_stored nowhere = { 0 };

	sl_js_place_make(&place, &w, false);
	first = sl_js_publish_now(&w, place.stream, "id-1", "x");
	again = sl_js_publish_now(&w, place.stream, "id-1", "x");
	other = sl_js_publish_now(&w, place.stream, "id-2", "x");
	assert_int_equal(first.sequence, 1);
	assert_false(first.duplicate);
	assert_int_equal(again.sequence, 1);
	assert_true(again.duplicate);
	assert_int_equal(other.sequence, 2);
	assert_int_equal(sl_js_publish(w.bus, "no.stream.takes.this", NULL, NULL, 0, SL_SPAN("x"),
				       2000, sl_js_stored, &nowhere),
			 0);
	assert_true(sl_bus_loop_count(&w.loop, &nowhere.count, 1, SL_JS_SOON_MS));
	assert_int_equal(nowhere.status, -EHOSTUNREACH);
}

/* ---- acks ------------------------------------------------------------------------------------ */

static void test_unacked_comes_again(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 200);
	sl_js_publish_now(&w, place.stream, NULL, "one");
	sl_js_take(&taken, &w, &place, 4);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 1, SL_JS_SOON_MS));
	assert_int_equal(taken.deliveries, 1);
	assert_int_equal(taken.pending, 0);
	assert_string_equal(taken.text, "one");
	sl_js_pull_done(taken.pull);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 2, SL_JS_SOON_MS));
	assert_int_equal(taken.deliveries, 2);
	assert_int_equal(taken.sequences[1], 1);
	/* In progress: the wait begins anew. */
	for (int i = 0; i < 4; i++) {
		sl_bus_loop_for(&w.loop, 100);
		assert_int_equal(sl_js_in_progress(w.bus, &taken.tokens[1]), 0);
	}
	assert_int_equal(taken.count, 2);
	assert_int_equal(sl_js_ack(w.bus, &taken.tokens[1]), 0);
	sl_bus_loop_for(&w.loop, 300);
	assert_int_equal(taken.count, 2);
	sl_js_pull_free(taken.pull);
}

static void test_nak_waits_and_term_ends(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };
	uint64_t before_ns;

	sl_js_place_make(&place, &w, false);
	sl_js_place_consumer(&place, &w, 30000);
	sl_js_publish_now(&w, place.stream, NULL, "x");
	sl_js_take(&taken, &w, &place, 10);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 1, SL_JS_SOON_MS));
	assert_int_equal(sl_js_nak(w.bus, &taken.tokens[0], 0), 0);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 2, SL_JS_SOON_MS));
	before_ns = sl_now_ns();
	assert_int_equal(sl_js_nak(w.bus, &taken.tokens[1], 300), 0);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 3, SL_JS_SOON_MS));
	assert_true(taken.at_ns - before_ns >= 280 * NS_PER_MS);
	assert_int_equal(taken.deliveries, 3);
	assert_int_equal(sl_js_term(w.bus, &taken.tokens[2]), 0);
	sl_bus_loop_for(&w.loop, 300);
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

	assert_int_equal(sl_js_get(w.bus, stream, subject, sequence, 2000, got, &at), 0);
	assert_true(sl_bus_loop_count(&w.loop, &at.count, 1, SL_JS_SOON_MS));
	return at;
}

static void test_one_stored_message(void **state)
{
	struct sl_js_place place;
	struct sl_bus_header headers[] = { { "trace_id", SL_SPAN("t: 1") } };
	struct sl_js_stored at = { 0 };
	struct got one;

	sl_js_place_make(&place, &w, false);
	assert_int_equal(sl_js_publish(w.bus, place.stream, NULL, headers, 1, SL_SPAN("first"),
				       2000, sl_js_stored, &at),
			 0);
	assert_true(sl_bus_loop_count(&w.loop, &at.count, 1, SL_JS_SOON_MS));
	sl_js_publish_now(&w, place.stream, NULL, "");
	one = get(place.stream, NULL, 1);
	assert_int_equal(one.status, 0);
	assert_int_equal(one.sequence, 1);
	assert_string_equal(one.subject, place.stream);
	assert_string_equal(one.payload, "first");
	assert_string_equal(one.header, "t: 1");
	one = get(place.stream, place.stream, 0);
	assert_int_equal(one.sequence, 2);
	assert_string_equal(one.payload, "");
	assert_int_equal(get(place.stream, NULL, 3).status, -ENOENT);
	assert_int_equal(get("NONE", NULL, 1).status, -EREMOTEIO);
}

static void test_work_queue_and_ack_sync(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };
	struct sl_js_end acked = { 0 };

	sl_js_place_make(&place, &w, true);
	sl_js_place_consumer(&place, &w, 30000);
	sl_js_publish_now(&w, place.stream, NULL, "x");
	sl_js_take(&taken, &w, &place, 1);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 1, SL_JS_SOON_MS));
	assert_int_equal(get(place.stream, NULL, 1).status, 0);
	assert_int_equal(sl_js_ack_sync(w.bus, &taken.tokens[0], 2000, sl_js_end, &acked), 0);
	assert_int_equal(sl_js_wait(&w, &acked), 0);
	assert_int_equal(get(place.stream, NULL, 1).status, -ENOENT);
	sl_js_pull_free(taken.pull);
}

static void test_backoff_and_max_deliver(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };
	const uint64_t backoff_ms[] = { 50, 100 };

	sl_js_place_make(&place, &w, false);
	assert_int_equal(
		sl_js_ensure_consumer_now(&w, &(struct sl_js_consumer){ .stream = place.stream,
									.durable = "d",
									.max_deliver = 3,
									.max_ack_pending = 10,
									.backoff_ms = backoff_ms,
									.backoff_count = 2 }),
		0);
	sl_js_publish_now(&w, place.stream, NULL, "x");
	sl_js_take(&taken, &w, &place, 10);
	assert_true(sl_bus_loop_count(&w.loop, &taken.count, 3, SL_JS_SOON_MS));
	assert_int_equal(taken.deliveries, 3);
	sl_bus_loop_for(&w.loop, 300);
	assert_int_equal(taken.count, 3);
	sl_js_pull_free(taken.pull);
	assert_int_equal(sl_js_ensure_consumer_now(
				 &w, &(struct sl_js_consumer){ .stream = "NONE", .durable = "d" }),
			 -EREMOTEIO);
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
		cmocka_unit_test(test_streams_are_made_and_mended),
		cmocka_unit_test(test_a_stream_that_cannot_be_used),
		cmocka_unit_test(test_publish_once),
		cmocka_unit_test(test_unacked_comes_again),
		cmocka_unit_test(test_nak_waits_and_term_ends),
		cmocka_unit_test(test_one_stored_message),
		cmocka_unit_test(test_work_queue_and_ack_sync),
		cmocka_unit_test(test_backoff_and_max_deliver),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
