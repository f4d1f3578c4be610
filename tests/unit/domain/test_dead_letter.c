// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/dead_letter.h"

#include "tests/harness/test.h"

#include <errno.h>

static const struct sl_dead_letter letter = {
	.original_subject = "beamline.router.v1.decide",
	.msg_id = "m-1",
	.reason = SL_DEAD_VALIDATION,
	.error_code = "PAYLOAD_TOO_SMALL",
	.timestamp_ms = 1700000000123,
	.trace_id = "0af7651916cd43dd8448eb211c80319c",
	.tenant_id = "steady",
};

#define HEAD                                                                                       \
	"{\"original_subject\":\"beamline.router.v1.decide\",\"msg_id\":\"m-1\","                  \
	"\"reason\":\"validation_failed\",\"error_code\":\"PAYLOAD_TOO_SMALL\","                   \
	"\"timestamp\":1700000000123,\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","           \
	"\"tenant_id\":\"steady\""

static void assert_written(struct sl_span message, enum sl_dead_body body, const char *wanted)
{
	struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_dead_letter copy = letter;
	struct sl_span text = { NULL, 0 };

	copy.message = message;
	sl_dead_letter_write(&out, &copy, body);
	assert_int_equal(sl_json_done(&text, &out), 0);
	if (!sl_span_is(text, wanted))
		fail_msg("%.*s", (int)text.length, text.at);
	sl_json_out_free(&out);
}

static void the_message_is_there_when_it_is_asked_for(void **state)
{
	const struct sl_span json = SL_SPAN("{\"password\":\"x\",\"a\":1}");

	assert_written(json, SL_DEAD_BODY_NONE, HEAD "}");
	assert_written(json, SL_DEAD_BODY_MASKED,
		       HEAD ",\"message\":{\"password\":\"[REDACTED]\",\"a\":1}}");
	assert_written(json, SL_DEAD_BODY_WHOLE, HEAD ",\"message\":{\"password\":\"x\",\"a\":1}}");
	assert_written(SL_SPAN("[1"), SL_DEAD_BODY_WHOLE, HEAD ",\"message\":\"[1\"}");
}

static void assert_message(const char *text, const char *wanted)
{
	struct sl_fields_error error = { .message = "" };
	struct sl_dead_letter read;
	struct sl_span message = { NULL, 0 };
	char buffer[64];

	assert_int_equal(sl_dead_letter_read(&read, sl_span_of(text), &error), 0);
	assert_string_equal(read.original_subject, letter.original_subject);
	assert_int_equal(read.timestamp_ms, letter.timestamp_ms);
	assert_string_equal(read.tenant_id, "steady");
	assert_int_equal(sl_dead_letter_message(&message, buffer, sizeof(buffer), &read),
			 wanted ? 0 : -ENODATA);
	if (wanted)
		assert_true(sl_span_is(message, wanted));
}

static void what_is_read_can_be_replayed(void **state)
{
	assert_message(HEAD "}", NULL);
	assert_message(HEAD ",\"message\":{\"a\": 1}}", "{\"a\": 1}");
	assert_message(HEAD ",\"message\":\"[1\"}", "[1");
	assert_message("{\"version\":\"v1\",\"kind\":\"dlq\",\"data\":" HEAD "}}", NULL);
}

static void what_is_no_letter_is_refused(void **state)
{
	static const char *const cases[] = { "", "[]", "{}", "{\"original_subject\":\"a\"}",
					     "{\"original_subject\":5,\"reason\":\"x\"}" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_dead_letter read;
		struct sl_fields_error error = { .message = "" };

		assert_int_equal(sl_dead_letter_read(&read, sl_span_of(cases[i]), &error), -EINVAL);
		assert_true(error.message[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_is_there_when_it_is_asked_for),
		cmocka_unit_test(what_is_read_can_be_replayed),
		cmocka_unit_test(what_is_no_letter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
