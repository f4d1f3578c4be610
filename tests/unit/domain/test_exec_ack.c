// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/exec_ack.h"

static void an_ack_reads_back(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	const struct sl_exec_ack ack = { .assignment_id = "a",
					 .tenant_id = "t",
					 .trace_id = "x",
					 .worker_id = "w",
					 .reason = "the queue is full" };
	struct sl_exec_ack again;
	struct sl_span text;

	sl_exec_ack_write(&out, &ack);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(
		text, "{\"version\":\"1\",\"assignment_id\":\"a\",\"status\":\"rejected\","
		      "\"reason\":\"the queue is full\",\"correlation\":{\"trace_id\":\"x\"},"
		      "\"tenant_id\":\"t\",\"metadata\":{\"worker_id\":\"w\"}}"));
	assert_int_equal(sl_exec_ack_read(&again, text, NULL), 0);
	assert_false(again.accepted);
	assert_string_equal(again.reason, ack.reason);
	assert_string_equal(again.trace_id, "x");
	assert_string_equal(again.worker_id, "w");
}

static void an_ack_needs_its_id_and_status(void **state)
{
	static const char *const bad[] = {
		"{\"status\":\"accepted\"}",
		"{\"assignment_id\":\"a\"}",
		"{\"assignment_id\":\"a\",\"status\":\"perhaps\"}",
		"{\"version\":\"3\",\"assignment_id\":\"a\",\"status\":\"accepted\"}",
	};
	struct sl_exec_ack ack;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sl_exec_ack_read(&ack, sl_span_of(bad[i]), NULL), -EINVAL);
	assert_int_equal(
		sl_exec_ack_read(&ack, SL_SPAN("{\"assignment_id\":\"a\",\"status\":\"accepted\"}"),
				 NULL),
		0);
	assert_true(ack.accepted);
}

static void a_cancellation_reads_back(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	const struct sl_exec_cancel cancel = { .assignment_id = "a", .reason = "timeout" };
	struct sl_exec_cancel again;
	struct sl_span text;

	sl_exec_cancel_write(&out, &cancel);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_exec_cancel_read(&again, text, NULL), 0);
	assert_string_equal(again.assignment_id, "a");
	assert_string_equal(again.reason, "timeout");
	assert_int_equal(sl_exec_cancel_read(&again, SL_SPAN("{\"reason\":\"x\"}"), NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ack_reads_back),
		cmocka_unit_test(an_ack_needs_its_id_and_status),
		cmocka_unit_test(a_cancellation_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
