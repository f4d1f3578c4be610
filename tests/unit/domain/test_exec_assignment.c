// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/exec_assignment.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HEAD                                                                                       \
	"\"version\":\"1\",\"assignment_id\":\"a-1\",\"request_id\":\"r 1\",\"tenant_id\":\"acme\","
#define EXECUTOR "\"executor\":{\"provider_id\":\"openai:gpt-4o\",\"channel\":\"nats\"},"
#define JOB	 "\"job\":{\"type\":\"chat\",\"payload\":{\"text\":\"h\\u00e9 { [\"}}"

static const char whole[] =
	"{" HEAD "\"executor\":{\"provider_id\":\"p\",\"channel\":\"grpc\",\"endpoint\":\"x:1\"},"
	"\"job\":{\"type\":\"chat\",\"payload\":[1, 2],\"payload_ref\":\"s3://b/k\"},"
	"\"options\":{\"priority\":-5,\"deadline_ms\":7000,\"retry\":{\"max_attempts\":4,"
	"\"backoff_ms\":9},\"other\":true},"
	"\"correlation\":{\"trace_id\":\"inner\"},\"trace_id\":\"outer\","
	"\"decision\":{\"provider_id\":\"p\"},\"metadata\":{\"k\":1},"
	"\"run_id\":\"run\",\"flow_id\":\"flow\",\"step_id\":\"step\",\"more\":[{}]}";

static void reads_every_member(void **state)
{
	struct sl_exec_assignment read;

	assert_int_equal(sl_exec_assignment_read(&read, sl_span_of(whole), NULL), 0);
	assert_string_equal(read.assignment_id, "a-1");
	assert_string_equal(read.request_id, "r 1");
	assert_string_equal(read.tenant_id, "acme");
	assert_string_equal(read.trace_id, "outer");
	assert_string_equal(read.provider_id, "p");
	assert_string_equal(read.channel, "grpc");
	assert_string_equal(read.endpoint, "x:1");
	assert_string_equal(read.job_type, "chat");
	assert_string_equal(read.payload_ref, "s3://b/k");
	assert_true(sl_span_is(read.payload, "[1, 2]"));
	assert_true(sl_span_is(read.decision, "{\"provider_id\":\"p\"}"));
	assert_true(sl_span_is(read.metadata, "{\"k\":1}"));
	assert_string_equal(read.run_id, "run");
	assert_string_equal(read.step_id, "step");
	assert_int_equal(read.priority, -5);
	assert_int_equal(read.deadline_ms, 7000);
	assert_int_equal(read.retry_max_attempts, 4);
	assert_int_equal(read.retry_backoff_ms, 9);
}

static void what_is_left_out_has_the_defaults(void **state)
{
	struct sl_exec_assignment read;
	static const char text[] = "{" HEAD EXECUTOR JOB "}";

	assert_int_equal(sl_exec_assignment_read(&read, sl_span_of(text), NULL), 0);
	assert_int_equal(read.deadline_ms, SL_EXEC_DEADLINE_MS_DEFAULT);
	assert_int_equal(read.retry_max_attempts, 2);
	assert_int_equal(read.retry_backoff_ms, 200);
	assert_string_equal(read.trace_id, "");
	assert_string_equal(read.run_id, "");
	assert_int_equal(read.options.length, 0);
	assert_true(sl_span_is(read.payload, "{\"text\":\"h\\u00e9 { [\"}"));
}

static void refuses_what_the_contract_does_not_allow(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "", "byte 0" },
		{ "[]", "not a JSON object" },
		{ "{" HEAD EXECUTOR JOB "} x", "byte" },
		{ "{" EXECUTOR JOB "}", "assignment_id is missing" },
		{ "{\"assignment_id\":\"a b\",\"request_id\":\"r\",\"tenant_id\":\"t\"," EXECUTOR
			  JOB "}",
		  "assignment_id must be printable ASCII without space" },
		{ "{\"assignment_id\":\"a\",\"request_id\":\"r\\n\",\"tenant_id\":\"t\"," EXECUTOR
			  JOB "}",
		  "request_id must be text without control characters" },
		{ "{\"assignment_id\":7,\"request_id\":\"r\",\"tenant_id\":\"t\"," EXECUTOR JOB "}",
		  "assignment_id must be a string" },
		{ "{\"assignment_id\":\"\",\"request_id\":\"r\",\"tenant_id\":\"t\"," EXECUTOR JOB
		  "}",
		  "assignment_id must have 1 to 128 bytes" },
		{ "{" HEAD "\"executor\":{}," JOB "}", "executor.provider_id is missing" },
		{ "{" HEAD "\"executor\":{\"provider_id\":\"p\",\"channel\":\"smtp\"}," JOB "}",
		  "executor.channel must be nats or grpc" },
		{ "{" HEAD EXECUTOR "\"job\":{\"type\":\"chat\"}}",
		  "job needs a payload or a payload_ref" },
		{ "{" HEAD EXECUTOR "\"job\":\"chat\"}", "job must be an object" },
		{ "{" HEAD EXECUTOR "\"options\":{\"deadline_ms\":0}," JOB "}",
		  "options.deadline_ms must be 1 to 86400000" },
		{ "{" HEAD EXECUTOR "\"options\":{\"deadline_ms\":-1}," JOB "}",
		  "options.deadline_ms must be a whole number, 0 or more" },
		{ "{" HEAD EXECUTOR "\"options\":{\"retry\":{\"max_attempts\":11}}," JOB "}",
		  "options.retry.max_attempts is at most 10" },
		{ "{\"version\":\"2\",\"assignment_id\":\"a\",\"request_id\":\"r\","
		  "\"tenant_id\":\"t\"," EXECUTOR JOB "}",
		  "version must be \"1\"" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_exec_assignment untouched = { .priority = 77 };
		struct sl_fields_error error = { .message = "" };

		assert_int_equal(
			sl_exec_assignment_read(&untouched, sl_span_of(cases[i].text), &error),
			-EINVAL);
		if (!strstr(error.message, cases[i].says))
			print_message("%zu: %s\n", i, error.message);
		assert_non_null(strstr(error.message, cases[i].says));
		assert_int_equal(untouched.priority, 77);
	}
}

static void an_identifier_has_at_most_128_characters(void **state)
{
	char text[512], id[130];
	struct sl_exec_assignment read;

	memset(id, 'x', sizeof(id));
	for (int length = 128; length <= 129; length++) {
		(void)snprintf(text, sizeof(text),
			       "{\"assignment_id\":\"%.*s\",\"request_id\":\"r\",\"tenant_id\":"
			       "\"t\"," EXECUTOR JOB "}",
			       length, id);
		assert_int_equal(sl_exec_assignment_read(&read, sl_span_of(text), NULL),
				 length == 128 ? 0 : -EINVAL);
	}
}

static void what_is_written_reads_back(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_exec_assignment read, again;
	struct sl_span text;

	assert_int_equal(sl_exec_assignment_read(&read, sl_span_of(whole), NULL), 0);
	sl_exec_assignment_write(&out, &read);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_exec_assignment_read(&again, text, NULL), 0);
	assert_string_equal(again.assignment_id, read.assignment_id);
	assert_string_equal(again.trace_id, "outer");
	assert_string_equal(again.endpoint, "x:1");
	assert_string_equal(again.payload_ref, read.payload_ref);
	assert_string_equal(again.flow_id, "flow");
	assert_int_equal(again.priority, -5);
	assert_int_equal(again.deadline_ms, 7000);
	assert_int_equal(again.retry_max_attempts, 4);
	assert_true(sl_span_equal(again.job, read.job));
	/* The requester's own options are kept, ours are there once. */
	assert_true(
		sl_span_is(again.options,
			   "{\"priority\":-5,\"deadline_ms\":7000,\"retry\":{\"max_attempts\":4,"
			   "\"backoff_ms\":9},\"other\":true}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_member),
		cmocka_unit_test(what_is_left_out_has_the_defaults),
		cmocka_unit_test(refuses_what_the_contract_does_not_allow),
		cmocka_unit_test(an_identifier_has_at_most_128_characters),
		cmocka_unit_test(what_is_written_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
