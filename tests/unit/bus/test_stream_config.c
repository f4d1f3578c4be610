// SPDX-License-Identifier: Apache-2.0
/* What is asked of a stream that is there already, by what the server says of it. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/stream_config.h"

static const char *const subjects[] = { "a.b", NULL };
static const struct sl_js_stream plain = { .name = "S",
					   .subjects = subjects,
					   .max_age_s = 100,
					   .max_bytes = 1000,
					   .duplicate_window_s = 60 };

#define INFO(config)                                                                                     \
	"{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"config\":{\"name\":\"S\"," config \
	"},\"created\":\"2026-01-01T00:00:00Z\",\"state\":{\"messages\":1}}"
#define LIMITS "\"retention\":\"limits\",\"storage\":\"file\","
#define QUEUE  "\"retention\":\"workqueue\",\"storage\":\"file\","
#define WINDOW "\"duplicate_window\":60000000000"
#define AB     "\"subjects\":[\"a.b\"],"

/* What is written for @info; "" when there is nothing to change, or the negative errno. */
static int asked(char ret[1024], const struct sl_js_stream *stream, bool bucket, const char *info)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out json = SL_JSON_OUT(4096);
	char why[SL_JS_TEXT_BYTES] = "";
	struct sl_span text = { "", 0 };
	int r = sl_js_write_update(&json, why, stream, bucket, sl_span_of(info));

	if (r > 0) {
		assert_int_equal(sl_json_done(&text, &json), 0);
		assert_true(text.length < 1024);
	}
	memcpy(ret, text.at, text.length);
	ret[text.length] = '\0';
	if (r == -EEXIST)
		(void)snprintf(ret, 1024, "%s", why);
	return r;
}

static void expect(const struct sl_js_stream *stream, bool bucket, const char *info,
		   const char *wanted)
{
	char text[1024];
	int r = asked(text, stream, bucket, info);

	assert_int_equal(r, wanted[0] ? 1 : 0);
	assert_string_equal(text, wanted);
}

static void test_what_an_operator_chose_stays(void **state)
{
	expect(&plain, false,
	       INFO(AB LIMITS WINDOW ",\"num_replicas\":3,\"max_age\":5,\"max_bytes\":7,"
				     "\"placement\":{\"tags\":[\"x\"]}"),
	       "{\"name\":\"S\",\"subjects\":[\"a.b\"],\"retention\":\"limits\",\"storage\":\"file\","
	       "\"num_replicas\":3,\"max_age\":5,\"max_bytes\":7,\"placement\":{\"tags\":[\"x\"]},"
	       "\"duplicate_window\":5}");
	expect(&plain, false,
	       INFO(AB LIMITS WINDOW ",\"num_replicas\":5,\"max_age\":0,\"max_bytes\":-1,"
				     "\"discard\":\"new\",\"max_msgs_per_subject\":3"),
	       "");
}

static void test_a_change_keeps_the_rest(void **state)
{
	expect(&plain, false,
	       INFO(AB LIMITS "\"unknown\":{\"x\":[1,\"}\"]},\"duplicate_window\":1,"
			      "\"placement\":{\"cluster\":\"c\"},\"num_replicas\":3"),
	       "{\"name\":\"S\",\"subjects\":[\"a.b\"],\"retention\":\"limits\",\"storage\":\"file\","
	       "\"unknown\":{\"x\":[1,\"}\"]},\"placement\":{\"cluster\":\"c\"},\"num_replicas\":3,"
	       "\"duplicate_window\":60000000000}");
}

static void test_replicas_only_grow(void **state)
{
	static const struct {
		uint32_t wanted;
		const char *info, *asked;
	} cases[] = {
		{ 0, "1", "" },
		{ 0, "3", "" },
		{ 1, "3", "" },
		{ 3, "3", "" },
		{ 3, "5", "" },
		{ 3, "1",
		  "{\"name\":\"S\",\"subjects\":[\"a.b\"],\"retention\":\"limits\","
		  "\"storage\":\"file\",\"duplicate_window\":60000000000,\"num_replicas\":3}" },
	};
	struct sl_js_stream stream = plain;
	char info[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		(void)snprintf(info, sizeof(info), INFO(AB LIMITS WINDOW ",\"num_replicas\":%s"),
			       cases[i].info);
		stream.replicas = cases[i].wanted;
		expect(&stream, false, info, cases[i].asked);
	}
}

/* Go writes > as \u003e. */
static void test_subjects_are_added(void **state)
{
	static const char *const wanted[] = { "a.b", "c.>", NULL };
	struct sl_js_stream stream = plain;

	stream.subjects = wanted;
	expect(&stream, false, INFO("\"subjects\":[\"a.*\",\"c.\\u003e\"]," LIMITS WINDOW), "");
	expect(&stream, false, INFO("\"subjects\":[\"x\",\"c.d\",\"a.b\"]," LIMITS WINDOW),
	       "{\"name\":\"S\",\"retention\":\"limits\",\"storage\":\"file\","
	       "\"duplicate_window\":60000000000,\"subjects\":[\"x\",\"a.b\",\"c.>\"]}");
	expect(&stream, false, INFO(LIMITS WINDOW),
	       "{\"name\":\"S\",\"retention\":\"limits\",\"storage\":\"file\","
	       "\"duplicate_window\":60000000000,\"subjects\":[\"a.b\",\"c.>\"]}");
}

static void test_a_full_work_queue_refuses(void **state)
{
	struct sl_js_stream stream = plain;

	stream.work_queue = true;
	expect(&stream, false, INFO(AB QUEUE WINDOW ",\"discard\":\"new\""), "");
	expect(&stream, false, INFO(AB QUEUE WINDOW ",\"discard\":\"old\""),
	       "{\"name\":\"S\",\"subjects\":[\"a.b\"],\"retention\":\"workqueue\","
	       "\"storage\":\"file\",\"duplicate_window\":60000000000,\"discard\":\"new\"}");
}

/* Its window is the server's: two minutes, or the age where that is less. */
static void test_a_bucket_follows_its_settings(void **state)
{
	struct sl_js_stream bucket = { .name = "S",
				       .subjects = subjects,
				       .max_age_s = 50,
				       .max_bytes = 1000,
				       .duplicate_window_s = 50,
				       .memory = true,
				       .direct_get = true,
				       .owns_age = true,
				       .owns_bytes = true };

	expect(&bucket, true,
	       INFO(AB LIMITS "\"discard\":\"new\",\"max_age\":50000000000,\"max_bytes\":1000,"
			      "\"allow_direct\":true,\"duplicate_window\":50000000000"),
	       "");
	expect(&bucket, true,
	       INFO(AB LIMITS "\"discard\":\"old\",\"max_age\":0,\"max_bytes\":-1,"
			      "\"duplicate_window\":120000000000,\"max_msgs_per_subject\":5"),
	       "{\"name\":\"S\",\"subjects\":[\"a.b\"],\"retention\":\"limits\",\"storage\":\"file\","
	       "\"max_msgs_per_subject\":5,\"duplicate_window\":50000000000,\"discard\":\"new\","
	       "\"max_age\":50000000000,\"max_bytes\":1000,\"allow_direct\":true}");
	bucket.owns_bytes = false;
	expect(&bucket, true,
	       INFO(AB LIMITS "\"discard\":\"new\",\"max_age\":50000000000,\"max_bytes\":7,"
			      "\"allow_direct\":true,\"duplicate_window\":50000000000"),
	       "");
}

static void test_what_cannot_be_used_is_said(void **state)
{
	static const struct {
		const char *info, *why;
	} cases[] = {
		{ INFO(AB QUEUE WINDOW), "its retention is not \"limits\"" },
		{ INFO(AB "\"retention\":\"interest\",\"storage\":\"file\""),
		  "its retention is not \"limits\"" },
		{ INFO(AB "\"x\":1"), "its retention is not \"limits\"" },
		{ INFO(AB "\"retention\":\"limits\",\"storage\":\"memory\""),
		  "its storage is not \"file\"" },
		{ INFO(AB LIMITS "\"mirror\":{\"name\":\"o\"}"), "it is a mirror" },
		{ INFO(AB LIMITS "\"sealed\":true"), "it is sealed" },
		{ INFO(AB LIMITS "\"no_ack\":true"), "it has no_ack" },
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(asked(text, &plain, false, cases[i].info), -EEXIST);
		assert_non_null(strstr(text, "the stream S that is there cannot be used: "));
		if (!strstr(text, cases[i].why))
			fail_msg("%s: %s", cases[i].info, text);
	}
}

static void test_what_is_no_answer(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"config\":[]}",
		"{\"config\":null}",
		INFO(AB LIMITS "\"num_replicas\":\"3\""),
		INFO(AB LIMITS "\"max_age\":1e40"),
		INFO(AB LIMITS "\"num_replicas\":3,\"num_replicas\":1"),
		INFO(AB LIMITS
		     "\"a_name_that_is_longer_than_any_of_the_members_of_the_api_ever_were"
		     "\":1"),
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (asked(text, &plain, false, bad[i]) != -EPROTO)
			fail_msg("accepted: %s", bad[i]);
}

static void test_covering(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool covers;
	} cases[] = {
		{ "a", "a", true },	     { "a", "b", false },      { "a.b", "a", false },
		{ "a", "a.b", false },	     { "a.*", "a.b", true },   { "a.*", "a.*", true },
		{ "a.b", "a.*", false },     { "a.>", "a.b.c", true }, { "a.>", "a.>", true },
		{ "a.>", "a", false },	     { "a.*", "a.>", false },  { "*.b", "a.b", true },
		{ "*", "a.b", false },	     { ">", "a.b", true },     { "a.*.c", "a.b.c", true },
		{ "a.*.c", "a.b.d", false }, { "", "a", false },       { "a", "", false },
		{ "a.b.c", "a.>", false },   { ">", ">", true },       { "*.>", ">", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (sl_js_subject_covers(sl_span_of(cases[i].outer), sl_span_of(cases[i].inner)) !=
		    cases[i].covers)
			fail_msg("%s and %s", cases[i].outer, cases[i].inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_operator_chose_stays),
		cmocka_unit_test(test_a_change_keeps_the_rest),
		cmocka_unit_test(test_replicas_only_grow),
		cmocka_unit_test(test_subjects_are_added),
		cmocka_unit_test(test_a_full_work_queue_refuses),
		cmocka_unit_test(test_a_bucket_follows_its_settings),
		cmocka_unit_test(test_what_cannot_be_used_is_said),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_covering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
