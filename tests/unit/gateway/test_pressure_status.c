// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/gateway/pressure_status.h"

/* As the router writes it. */
static const char whole[] =
	"{\"ok\":true,\"subject\":\"beamline.router.v1.decide\",\"status\":\"active\",\"metrics\":"
	"{\"pending_messages\":1200,\"latency_p95_ms\":5100,\"inflight_messages\":501},"
	"\"thresholds\":{\"pending_messages\":1000,\"latency_p95_ms\":5000,"
	"\"inflight_messages\":500},\"policy\":{\"retry_after_seconds\":30,"
	"\"max_retry_attempts\":3},\"timestamp\":1790000000000}";

static void the_whole_map_is_read(void **state)
{
	struct sl_pressure_status status;

	assert_int_equal(sl_pressure_status_read(&status, sl_span_of(whole), NULL), 0);
	assert_int_equal(status.level, SL_PRESSURE_ACTIVE);
	assert_int_equal(status.retry_after_s, 30);
	assert_int_equal(status.pending, 1200);
	assert_int_equal(status.p95_ms, 5100);
	assert_int_equal(status.in_flight, 501);
}

static void the_words_of_the_contract_are_known(void **state)
{
	for (int level = SL_PRESSURE_UNKNOWN; level <= SL_PRESSURE_ACTIVE; level++) {
		struct sl_pressure_status status;
		char text[64];

		(void)snprintf(text, sizeof(text), "{\"status\":\"%s\"}",
			       sl_pressure_name((enum sl_pressure_level)level));
		assert_int_equal(sl_pressure_status_read(&status, sl_span_of(text), NULL), 0);
		assert_int_equal(status.level, level);
		assert_int_equal(status.retry_after_s, 0);
	}
}

static void what_is_wrong_changes_nothing(void **state)
{
	static const char *const rows[] = {
		"",
		"active",
		"[]",
		"{}",
		"{\"status\":null}",
		"{\"status\":3}",
		"{\"status\":\"Active\"}",
		"{\"status\":\"activeactiveactive\"}",
		"{\"status\":\"\"}",
		"{\"status\":\"active\",\"status\":\"inactive\"}",
		"{\"status\":\"active\"",
		"{\"status\":\"active\"} x",
		"{\"status\":\"active\",\"policy\":{\"retry_after_seconds\":3601}}",
		"{\"status\":\"active\",\"policy\":{\"retry_after_seconds\":-1}}",
		"{\"status\":\"active\",\"policy\":{\"retry_after_seconds\":1.5}}",
		"{\"status\":\"active\",\"policy\":{\"retry_after_seconds\":\"30\"}}",
		"{\"status\":\"active\",\"metrics\":{\"pending_messages\":-5}}",
		"{\"status\":\"active\",\"metrics\":{\"latency_p95_ms\":1e300}}",
		"{\"ok\":false,\"error\":{\"code\":\"internal\"}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_pressure_status status = { .level = SL_PRESSURE_WARNING, .pending = 7 };
		struct sl_fields_error error = { .message = "" };

		if (sl_pressure_status_read(&status, sl_span_of(rows[i]), &error) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
		assert_true(error.message[0]);
		assert_int_equal(status.level, SL_PRESSURE_WARNING);
		assert_int_equal(status.pending, 7);
	}
}

static void a_long_one_is_not_read(void **state)
{
	static const char begin[] = "{\"status\":\"active\",\"x\":\"";
	struct sl_pressure_status status;
	char text[SL_PRESSURE_BYTES_MAX + 2];

	memset(text, 'x', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + SL_PRESSURE_BYTES_MAX - 2, "\"}  ", 4);
	assert_int_equal(sl_pressure_status_read(
				 &status, (struct sl_span){ text, SL_PRESSURE_BYTES_MAX }, NULL),
			 0);
	assert_int_equal(
		sl_pressure_status_read(&status,
					(struct sl_span){ text, SL_PRESSURE_BYTES_MAX + 1 }, NULL),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_map_is_read),
		cmocka_unit_test(the_words_of_the_contract_are_known),
		cmocka_unit_test(what_is_wrong_changes_nothing),
		cmocka_unit_test(a_long_one_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
