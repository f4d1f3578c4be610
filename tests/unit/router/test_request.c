// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/router/router_fixture.h"

#include <errno.h>

static void the_trace_of_the_strongest_source_goes_on(void **state)
{
	static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	const struct sl_request_headers all = {
		.traceparent = sl_span_of(parent),
		.tracestate = SL_SPAN("a=b"),
		.trace_id = SL_SPAN("0af7651916cd43dd8448eb211c80319c"),
	};
	const struct sl_request_headers id = { .trace_id = all.trace_id };
	struct sl_decide_fault fault;
	struct sl_request request;

	assert_int_equal(request_read(&request, BODY(""), &all, &fault), 0);
	assert_string_equal(request.trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
	assert_string_equal(request.trace.parent_id, "00f067aa0ba902b7");
	assert_string_equal(request.trace.tracestate, "a=b");
	assert_int_equal(request_read(&request, BODY(""), &id, &fault), 0);
	assert_string_equal(request.trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
	assert_int_equal(request_read(&request,
				      BODY(",\"trace_id\":\"11111111111111111111111111111111\""),
				      NULL, &fault),
			 0);
	assert_string_equal(request.trace.trace_id, "11111111111111111111111111111111");
	/* Also of what is refused. */
	assert_int_equal(request_read(&request, "{", &id, &fault), -EINVAL);
	assert_string_equal(request.trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
}

static void a_version_of_either_side_counts(void **state)
{
	const struct sl_request_headers one = { .version = SL_SPAN("1") };
	const struct sl_request_headers two = { .version = SL_SPAN("2") };
	static const char silent[] = "{\"tenant_id\":\"t\",\"request_id\":\"r\",\"task\":{\"type\":"
				     "\"chat\",\"payload\":{\"text\":\"long enough\"}}}";
	static const char other[] = "{\"version\":\"2\",\"tenant_id\":\"t\",\"request_id\":\"r\"}";
	struct sl_decide_fault fault;
	struct sl_request request;

	assert_int_equal(request_read(&request, silent, &one, &fault), 0);
	assert_int_equal(request_read(&request, BODY(""), &one, &fault), 0);
	assert_int_equal(request_read(&request, BODY(""), &two, &fault), -EINVAL);
	assert_int_equal(fault.intake, SL_INTAKE_VERSION_UNSUPPORTED);
	assert_int_equal(request_read(&request, other, &one, &fault), -EINVAL);
	assert_int_equal(fault.intake, SL_INTAKE_VERSION_UNSUPPORTED);
	assert_int_equal(request_read(&request, silent, NULL, &fault), -EINVAL);
}

static void a_digest_is_of_what_is_asked_for(void **state)
{
	static const char *const same[] = { BODY(""), BODY(",\"trace_id\":\"x\""),
					    BODY(",\"idempotency_key\":\"k\"") };
	static const char *const others[] = { BODY(",\"metadata\":{}"),
					      BODY(",\"policy_id\":\"p\""),
					      BODY(",\"push_assignment\":true"),
					      BODY(",\"constraints\":{\"max_cost\":1}") };
	struct sl_decide_fault fault;
	struct sl_request request;
	struct sl_digest first, digest;

	assert_int_equal(request_read(&request, same[0], NULL, &fault), 0);
	first = sl_request_digest(&request);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(request_read(&request, same[i], NULL, &fault), 0);
		digest = sl_request_digest(&request);
		assert_memory_equal(&digest, &first, sizeof(first));
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(request_read(&request, others[i], NULL, &fault), 0);
		digest = sl_request_digest(&request);
		assert_memory_not_equal(&digest, &first, sizeof(first));
	}
}

static void options_win_over_what_the_router_would_say(void **state)
{
	struct sl_request_options options = { 50, 5000, 2, 200 };
	struct sl_decide_fault fault;
	struct sl_request request;

	assert_int_equal(request_read(&request,
				      BODY(",\"options\":{\"deadline_ms\":9000,"
					   "\"retry\":{\"max_attempts\":5},\"own\":1}"),
				      NULL, &fault),
			 0);
	assert_int_equal(sl_request_options(&options, &request, &fault), 0);
	assert_int_equal(options.priority, 50);
	assert_int_equal(options.deadline_ms, 9000);
	assert_int_equal(options.max_attempts, 5);
	assert_int_equal(options.backoff_ms, 200);
	assert_int_equal(
		request_read(&request, BODY(",\"options\":{\"deadline_ms\":0}"), NULL, &fault), 0);
	assert_int_equal(sl_request_options(&options, &request, &fault), -EINVAL);
	assert_string_equal(fault.message, "options.deadline_ms must be 1 to 86400000");
	assert_int_equal(options.deadline_ms, 9000);
}

static void a_session_is_a_text_or_a_number(void **state)
{
	struct sl_decide_fault fault;
	struct sl_request request;
	char text[8];

	assert_int_equal(request_read(&request,
				      BODY(",\"context\":{\"a\":\"s1\",\"b\":42,\"c\":[],"
					   "\"d\":\"much too long\"}"),
				      NULL, &fault),
			 0);
	sl_request_session(text, sizeof(text), &request, "a");
	assert_string_equal(text, "s1");
	sl_request_session(text, sizeof(text), &request, "b");
	assert_string_equal(text, "42");
	sl_request_session(text, sizeof(text), &request, "c");
	assert_string_equal(text, "");
	sl_request_session(text, sizeof(text), &request, "d");
	assert_string_equal(text, "");
	sl_request_session(text, sizeof(text), &request, "e");
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trace_of_the_strongest_source_goes_on),
		cmocka_unit_test(a_version_of_either_side_counts),
		cmocka_unit_test(a_digest_is_of_what_is_asked_for),
		cmocka_unit_test(options_win_over_what_the_router_would_say),
		cmocka_unit_test(a_session_is_a_text_or_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
