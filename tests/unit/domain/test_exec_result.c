// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/exec_result.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define IDS	"\"assignment_id\":\"a\",\"request_id\":\"r\","
#define FIGURES "\"latency_ms\":12,\"cost\":0.25,\"timestamp\":1795219200000,"

static const char bare[] = "{\"version\":\"1\"," IDS
			   "\"status\":\"error\",\"provider_id\":\"p\",\"job\":{\"type\":\"chat\"},"
			   "\"latency_ms\":12,\"cost\":0.25,\"timestamp\":1795219200000,"
			   "\"trace_id\":\"x\",\"tenant_id\":\"t\",\"run_id\":\"u\","
			   "\"error_code\":\"HTTP_ERROR\",\"error_message\":\"502\","
			   "\"result\":{\"payload\":{\"a\":1},\"metrics\":{\"n\":2}}}";

static void check_same(const struct sl_exec_result *read)
{
	assert_string_equal(read->assignment_id, "a");
	assert_string_equal(read->request_id, "r");
	assert_int_equal(read->status, SL_WORKER_ERROR);
	assert_string_equal(read->provider_id, "p");
	assert_string_equal(read->job_type, "chat");
	assert_true(read->latency_ms == 12 && read->cost == 0.25);
	assert_int_equal(read->timestamp_ms, 1795219200000);
	assert_string_equal(read->trace_id, "x");
	assert_string_equal(read->tenant_id, "t");
	assert_string_equal(read->run_id, "u");
	assert_string_equal(read->error_code, "HTTP_ERROR");
	assert_string_equal(read->error_message, "502");
}

static void what_is_written_reads_back(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_exec_result read;
	struct sl_span text;

	assert_int_equal(sl_exec_result_read(&read, sl_span_of(bare), NULL), 0);
	check_same(&read);
	assert_true(sl_span_is(read.payload, "{\"a\":1}"));
	assert_true(sl_span_is(read.metrics, "{\"n\":2}"));
	sl_exec_result_write(&out, &read);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(text, bare)); /* our order is the contract's */
}

static void the_wrapped_form_reads_the_same(void **state)
{
	struct sl_exec_result read;

	assert_int_equal(
		sl_exec_result_read(
			&read,
			SL_SPAN("{\"version\":\"v1\",\"kind\":\"exec_result\",\"data\":{" IDS
				"\"status\":\"error\",\"provider_id\":\"p\",\"job_type\":\"chat\"," FIGURES
				"\"trace_id\":\"x\",\"tenant_id\":\"t\",\"run_id\":\"u\","
				"\"error_code\":\"HTTP_ERROR\",\"error_message\":\"502\"}}"),
			NULL),
		0);
	check_same(&read);
}

static void both_spellings_of_cancelled_are_one(void **state)
{
	struct sl_exec_result read;

	assert_int_equal(sl_exec_result_read(&read,
					     SL_SPAN("{" IDS "\"status\":\"canceled\","
						     "\"provider_id\":\"p\",\"job\":{\"type\":"
						     "\"chat\"}," FIGURES "\"x\":1}"),
					     NULL),
			 0);
	assert_int_equal(read.status, SL_WORKER_CANCELLED);
	assert_string_equal(sl_exec_status_name(read.status), "cancelled");
}

static void long_prose_is_no_reason_to_refuse(void **state)
{
	static char text[4096] = "{" IDS "\"status\":\"error\",\"provider_id\":\"p\","
				 "\"job\":{\"type\":\"chat\"}," FIGURES "\"error_message\":\"";
	struct sl_exec_result read;
	size_t length = strlen(text);

	memset(text + length, 'e', 2000);
	memcpy(text + length + 2000, "\"}", 3);
	assert_int_equal(sl_exec_result_read(&read, sl_span_of(text), NULL), 0);
	assert_string_equal(read.error_message, "");
}

static void refuses_what_the_contract_does_not_allow(void **state)
{
#define REST "\"status\":\"success\",\"provider_id\":\"p\",\"job\":{\"type\":\"chat\"}"
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "{" FIGURES REST "}", "assignment_id or request_id is missing" },
		{ "{" IDS FIGURES "\"provider_id\":\"p\",\"job\":{\"type\":\"chat\"}}",
		  "status is missing" },
		{ "{" IDS FIGURES
		  "\"status\":\"done\",\"provider_id\":\"p\",\"job\":{\"type\":\"chat\"}}",
		  "status must be" },
		{ "{" IDS FIGURES "\"status\":\"success\",\"provider_id\":\"p\"}",
		  "job.type is missing" },
		{ "{" IDS FIGURES "\"status\":\"success\",\"job\":{\"type\":\"chat\"}}",
		  "provider_id is missing" },
		{ "{" IDS "\"latency_ms\":-1,\"cost\":0," REST "}", "latency_ms must be" },
		{ "{" IDS "\"latency_ms\":1,\"cost\":-0.5," REST "}", "cost must be" },
		{ "{" IDS "\"latency_ms\":1,\"cost\":1e300," REST "}", "cost must be" },
		{ "{" IDS "\"latency_ms\":1," REST "}", "cost is missing" },
		{ "{\"version\":\"2\"," IDS FIGURES REST "}", "version must be" },
		{ "{\"version\":\"v2\",\"kind\":\"exec_result\",\"data\":{" IDS FIGURES REST "}}",
		  "version must be" },
		{ "{\"kind\":\"exec_result\",\"data\":[]}", "not a JSON object" },
		{ "{\"kind\":\"heartbeat\",\"data\":{" IDS FIGURES REST "}}", "missing" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_fields_error error = { .message = "" };
		struct sl_exec_result read;

		assert_int_equal(sl_exec_result_read(&read, sl_span_of(cases[i].text), &error),
				 -EINVAL);
		if (!strstr(error.message, cases[i].says))
			print_message("%zu: %s\n", i, error.message);
		assert_non_null(strstr(error.message, cases[i].says));
	}
}

static void every_code_has_the_contracts_word(void **state)
{
	assert_string_equal(sl_exec_code_name(SL_WORKER_NO_CODE), "");
	assert_string_equal(sl_exec_code_name(SL_WORKER_INVALID_INPUT), "INVALID_INPUT");
	assert_string_equal(sl_exec_code_name(SL_WORKER_CANCELLED_BY_TIMEOUT),
			    "CANCELLED_BY_TIMEOUT");
	assert_string_equal(sl_exec_code_name((enum sl_worker_code)999), "INTERNAL_ERROR");
}

static void a_message_is_named_by_the_best_id(void **state)
{
	char id[SL_EXEC_MSG_ID_BYTES];

	assert_string_equal(sl_exec_msg_id(id, SL_MSG_ID_RESULT, "a", "r"), "result-a");
	assert_string_equal(sl_exec_msg_id(id, SL_MSG_ID_RESULT, "", "r"), "result-r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(the_wrapped_form_reads_the_same),
		cmocka_unit_test(both_spellings_of_cancelled_are_one),
		cmocka_unit_test(long_prose_is_no_reason_to_refuse),
		cmocka_unit_test(refuses_what_the_contract_does_not_allow),
		cmocka_unit_test(every_code_has_the_contracts_word),
		cmocka_unit_test(a_message_is_named_by_the_best_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
