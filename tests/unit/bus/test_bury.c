// SPDX-License-Identifier: Apache-2.0
/* A dead letter is stored before its message is termed. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "sluice/envelope.h"
#include "tests/harness/js_world.h"
#include "userspace/bus/bury.h"

#define AGAIN_MS 50 /* of the message, when nobody settles it */

static struct sl_js_world w;

struct letter_seen {
	int count;
	char text[1024], reason[64], msg_id[64], tenant[64];
};

static void on_letter(void *context, const struct sl_bus_message *message)
{
	struct letter_seen *seen = context;

	sl_bus_loop_copy(seen->text, sizeof(seen->text), sl_bus_payload(message));
	sl_bus_loop_copy(seen->reason, sizeof(seen->reason),
			 sl_bus_header(message, SL_HEADER_DLQ_REASON));
	sl_bus_loop_copy(seen->msg_id, sizeof(seen->msg_id),
			 sl_bus_header(message, SL_HEADER_DLQ_MSG_ID));
	sl_bus_loop_copy(seen->tenant, sizeof(seen->tenant),
			 sl_bus_header(message, SL_HEADER_TENANT_ID));
	seen->count++;
}

static void letter_make(struct sl_dead_letter *ret, const struct sl_js_place *place)
{
	*ret = (struct sl_dead_letter){ .msg_id = "m-1",
					.reason = SL_DEAD_VALIDATION,
					.error_code = "INVALID_FORMAT",
					.timestamp_ms = 1234,
					.tenant_id = "t-1",
					.message = SL_SPAN("{\"a\":1}") };
	(void)snprintf(ret->original_subject, sizeof(ret->original_subject), "%s", place->stream);
}

/* A stream for the dead letters of @place. */
static void keep_letters(char subject[64], const struct sl_js_place *place)
{
	const char *const subjects[] = { subject, NULL };
	char name[64];
	const struct sl_js_stream stream = { .name = name, .subjects = subjects, .memory = true };

	(void)snprintf(name, sizeof(name), "%s_DLQ", place->stream);
	(void)snprintf(subject, 64, "%s.dlq", place->stream);
	assert_int_equal(sl_js_ensure_now(&w, &stream), 0);
}

/* A message in a stream that nobody settles comes again at once. */
static void take_one(struct sl_js_place *place, struct sl_js_taken *taken)
{
	sl_js_place_make(place, &w, false);
	sl_js_place_consumer(place, &w, AGAIN_MS);
	sl_js_publish_now(&w, place->stream, NULL, "bad");
	sl_js_take(taken, &w, place, 4);
	assert_true(sl_bus_loop_count(&w.loop, &taken->count, 1, SL_JS_SOON_MS));
}

static void test_stored_then_termed(void **state)
{
	struct sl_js_place place;
	struct sl_js_taken taken = { .count = 0 };
	struct letter_seen seen = { .count = 0 };
	struct sl_bus_subscription *subscription;
	struct sl_dead_letter letter, read;
	char subject[64];
	static uint64_t failures; /* outlives the bus */
	int count;

	take_one(&place, &taken);
	keep_letters(subject, &place);
	assert_int_equal(sl_bus_subscribe(&subscription, w.bus, subject, NULL, on_letter, &seen),
			 0);
	letter_make(&letter, &place);
	sl_bus_bury(w.bus, &letter, SL_DEAD_BODY_WHOLE, &taken.tokens[taken.count - 1], &failures);
	assert_true(sl_bus_loop_count(&w.loop, &seen.count, 1, SL_JS_SOON_MS));
	assert_int_equal(sl_dead_letter_read(&read, sl_span_of(seen.text), NULL), 0);
	assert_string_equal(read.original_subject, place.stream);
	assert_string_equal(read.error_code, "INVALID_FORMAT");
	assert_int_equal(read.timestamp_ms, 1234);
	assert_true(sl_span_is(read.message, "{\"a\":1}"));
	assert_string_equal(seen.reason, SL_DEAD_VALIDATION);
	assert_string_equal(seen.msg_id, "m-1");
	assert_string_equal(seen.tenant, "t-1");

	/* Termed: long after ack_wait it has not come again. */
	sl_bus_loop_for(&w.loop, 100);
	count = taken.count;
	sl_bus_loop_for(&w.loop, 8 * AGAIN_MS);
	assert_int_equal(taken.count, count);
	assert_int_equal(failures, 0);
	sl_js_pull_free(taken.pull);
	sl_bus_unsubscribe(subscription);
}

/* No stream takes it: counted, and the message stays. */
static void test_what_cannot_be_stored_is_counted(void **state)
{
	struct sl_js_place place;
	struct sl_dead_letter letter;
	static uint64_t failures; /* outlives the bus */

	sl_js_place_make(&place, &w, false);
	letter_make(&letter, &place);
	sl_bus_bury(w.bus, &letter, SL_DEAD_BODY_NONE, NULL, &failures);
	for (int i = 0; i < 100 && !failures; i++)
		sl_bus_loop_for(&w.loop, 20);
	assert_int_equal(failures, 1);
	/* Not even sent: a subject with a space. */
	(void)snprintf(letter.original_subject, sizeof(letter.original_subject), "a b");
	sl_bus_bury(w.bus, &letter, SL_DEAD_BODY_NONE, NULL, &failures);
	assert_int_equal(failures, 2);
}

/* As the contract wants: nothing of the message unless the operator says so. */
static void test_without_the_body(void **state)
{
	struct letter_seen seen = { .count = 0 };
	struct sl_bus_subscription *subscription;
	struct sl_js_place place;
	struct sl_dead_letter letter;
	static uint64_t failures; /* outlives the bus */
	char subject[64];

	sl_js_place_make(&place, &w, false);
	keep_letters(subject, &place);
	assert_int_equal(sl_bus_subscribe(&subscription, w.bus, subject, NULL, on_letter, &seen),
			 0);
	letter_make(&letter, &place);
	sl_bus_bury(w.bus, &letter, SL_DEAD_BODY_NONE, NULL, &failures);
	assert_true(sl_bus_loop_count(&w.loop, &seen.count, 1, SL_JS_SOON_MS));
	assert_null(strstr(seen.text, "\"message\""));
	sl_bus_loop_for(&w.loop, 100);
	assert_int_equal(failures, 0);
	sl_bus_unsubscribe(subscription);
}

static void on_named(void *context, const struct sl_bus_message *message)
{
	struct {
		char exact[4], tight[3];
	} copies = { "old", "ol" };
	struct sl_dead_letter *letter = context;

	sl_bus_letter_name(letter, message);
	sl_bus_header_copy(copies.exact, sizeof(copies.exact), message, "short");
	assert_string_equal(copies.exact, "a");
	sl_bus_header_copy(copies.exact, sizeof(copies.exact), message, "three");
	assert_string_equal(copies.exact, "abc");
	sl_bus_header_copy(copies.tight, sizeof(copies.tight), message, "three");
	assert_string_equal(copies.tight, "ol");
	sl_bus_header_copy(copies.tight, sizeof(copies.tight), message, "none");
	assert_string_equal(copies.tight, "ol");
	letter->timestamp_ms = 1;
}

static bool is_named(void *context)
{
	return ((struct sl_dead_letter *)context)->timestamp_ms;
}

/* A shorter name takes the place of a longer one, whole. */
static void test_names_come_from_headers(void **state)
{
	static const struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, SL_SPAN("trace") },
		{ SL_HEADER_TENANT_ID, SL_SPAN("t") },
		{ "short", SL_SPAN("a") },
		{ "three", SL_SPAN("abc") },
	};
	struct sl_dead_letter letter = { .tenant_id = "tenant-42", .msg_id = "kept" };
	struct sl_bus_subscription *subscription;

	assert_int_equal(sl_bus_subscribe(&subscription, w.bus, "named", NULL, on_named, &letter),
			 0);
	assert_int_equal(sl_bus_publish(w.bus, "named", NULL, headers,
					sizeof(headers) / sizeof(headers[0]), SL_SPAN("x")),
			 0);
	assert_true(sl_bus_loop_until(&w.loop, is_named, &letter, SL_JS_SOON_MS));
	assert_string_equal(letter.trace_id, "trace");
	assert_string_equal(letter.tenant_id, "t");
	assert_string_equal(letter.msg_id, "kept");
	sl_bus_unsubscribe(subscription);
}

static int open_world(void **state)
{
	sl_js_world_open(&w);
	return 0;
}

static int close_world(void **state)
{
	sl_js_world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored_then_termed),
		cmocka_unit_test(test_what_cannot_be_stored_is_counted),
		cmocka_unit_test(test_without_the_body),
		cmocka_unit_test(test_names_come_from_headers),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
