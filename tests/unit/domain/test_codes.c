// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/codes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void has_the_status_of_the_contract(void **state)
{
	static const struct {
		const char *name;
		int status;
	} contract[] = {
		{ "invalid_request", 400 },
		{ "unauthorized", 401 },
		{ "denied", 403 },
		{ "validator_blocked", 403 },
		{ "policy_not_found", 404 },
		{ "extension_not_found", 404 },
		{ "extension_timeout", 504 },
		{ "extension_unavailable", 503 },
		{ "unavailable", 503 },
		{ "service_overloaded", 503 },
		{ "post_processor_failed", 500 },
		{ "extension_error", 500 },
		{ "decision_failed", 500 },
		{ "internal", 500 },
		{ "rate_limit_exceeded", 429 },
		{ "conflict", 409 },
		{ "not_found", 404 },
		{ "invalid_schema", 400 },
	};

	assert_int_equal(COUNT(contract), SL_CODES);
	for (size_t i = 0; i < COUNT(contract); i++) {
		enum sl_code code = sl_code_of(sl_span_of(contract[i].name));

		assert_true(code < SL_CODES);
		assert_string_equal(sl_code_name(code), contract[i].name);
		assert_int_equal(sl_code_status(code), contract[i].status);
		assert_int_equal(sl_code_http_status(sl_span_of(contract[i].name)),
				 contract[i].status);
	}
}

static void an_unknown_word_is_502(void **state)
{
	static const char *const words[] = { "", "ok", "INTERNAL", "internal ", "intern", "200" };

	for (size_t i = 0; i < COUNT(words); i++)
		assert_int_equal(sl_code_http_status(sl_span_of(words[i])), 502);
	assert_int_equal(sl_code_status(SL_CODES), 502);
	assert_string_equal(sl_code_name(SL_CODES), "internal");
}

static void an_intake_code_is_answered_as_the_contract_says(void **state)
{
	static const struct {
		const char *name;
		enum sl_code code;
	} contract[] = {
		{ "SCHEMA_VALIDATION_FAILED", SL_CODE_INVALID_REQUEST },
		{ "VERSION_UNSUPPORTED", SL_CODE_INVALID_REQUEST },
		{ "CORRELATION_FIELDS_INVALID", SL_CODE_INVALID_REQUEST },
		{ "IDEMPOTENCY_VIOLATION", SL_CODE_INVALID_REQUEST },
		{ "PAYLOAD_TOO_SMALL", SL_CODE_INVALID_REQUEST },
		{ "TENANT_FORBIDDEN", SL_CODE_UNAUTHORIZED },
		{ "INTERNAL_VALIDATION_ERROR", SL_CODE_INTERNAL },
	};

	assert_int_equal(COUNT(contract), SL_INTAKES - 1);
	for (size_t i = 0; i < COUNT(contract); i++) {
		enum sl_intake intake = sl_intake_of(sl_span_of(contract[i].name));

		assert_int_not_equal(intake, SL_INTAKE_NONE);
		assert_string_equal(sl_intake_name(intake), contract[i].name);
		assert_int_equal(sl_intake_code(intake), contract[i].code);
	}
	assert_int_equal(sl_intake_of(SL_SPAN("")), SL_INTAKE_NONE);
	assert_null(sl_intake_name(SL_INTAKE_NONE));
	assert_null(sl_intake_name(SL_INTAKES));
}

static void keeps_the_numbers_of_the_matrix(void **state)
{
	assert_int_equal(sl_code_priority(SL_CODE_RATE_LIMIT_EXCEEDED, false), 1);
	assert_int_equal(sl_code_priority(SL_CODE_UNAUTHORIZED, false), 2);
	assert_int_equal(sl_code_priority(SL_CODE_INVALID_REQUEST, false), 3);
	assert_int_equal(sl_code_priority(SL_CODE_CONFLICT, false), 3);
	assert_int_equal(sl_code_priority(SL_CODE_INVALID_REQUEST, true), 4);
	assert_int_equal(sl_code_priority(SL_CODE_UNAUTHORIZED, true), 4);
	assert_int_equal(sl_code_priority(SL_CODE_INTERNAL, true), 5);
	assert_int_equal(sl_code_priority(SL_CODE_UNAVAILABLE, true), 5);
	assert_int_equal(sl_code_priority(SL_CODE_UNAVAILABLE, false), 5);
	assert_int_equal(sl_code_priority(SL_CODE_SERVICE_OVERLOADED, false), 5);
	assert_int_equal(sl_code_priority(SL_CODE_INTERNAL, false), 6);
}

static void assert_body(const struct sl_error_body *error, const char *want)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_span text;

	sl_error_write(&out, error);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(text.length, strlen(want));
	assert_memory_equal(text.at, want, text.length);
}

static void writes_one_body_for_all(void **state)
{
	assert_body(&(struct sl_error_body){ .code = SL_CODE_UNAVAILABLE, .message = "later" },
		    "{\"ok\":false,\"error\":{\"code\":\"unavailable\",\"message\":\"later\","
		    "\"intake_error_code\":null,\"details\":{}},"
		    "\"context\":{\"request_id\":\"\",\"trace_id\":\"\",\"tenant_id\":\"\"}}");
	assert_body(
		&(struct sl_error_body){
			.code = SL_CODE_INVALID_REQUEST,
			.intake = SL_INTAKE_PAYLOAD_TOO_SMALL,
			.message = "a \"quote\"",
			.details = SL_SPAN("{\"a\":1}"),
			.request_id = SL_SPAN("r-1"),
			.trace_id = SL_SPAN("t"),
			.tenant_id = SL_SPAN("acme"),
		},
		"{\"ok\":false,\"error\":{\"code\":\"invalid_request\","
		"\"message\":\"a \\\"quote\\\"\",\"intake_error_code\":\"PAYLOAD_TOO_SMALL\","
		"\"details\":{\"a\":1}},"
		"\"context\":{\"request_id\":\"r-1\",\"trace_id\":\"t\",\"tenant_id\":\"acme\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_status_of_the_contract),
		cmocka_unit_test(an_unknown_word_is_502),
		cmocka_unit_test(an_intake_code_is_answered_as_the_contract_says),
		cmocka_unit_test(keeps_the_numbers_of_the_matrix),
		cmocka_unit_test(writes_one_body_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
