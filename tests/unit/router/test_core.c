// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/router/router_fixture.h"

#include <errno.h>

static int choose(struct sl_core_choice *ret, struct sl_core *core, const char *body,
		  struct sl_decide_fault *fault)
{
	struct sl_request request;

	assert_int_equal(request_read(&request, body, NULL, fault), 0);
	return sl_core_choose(ret, core, &request, true, START, fault);
}

static void it_chooses_and_says_why(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	struct sl_json_out decision = SL_JSON_OUT(4096), out = SL_JSON_OUT(4096);
	struct sl_decide_fault fault;
	struct sl_core_choice choice;
	struct sl_request request;
	struct sl_span text;

	assert_int_equal(
		request_read(&request, BODY(",\"constraints\":{\"max_cost\":0.005}"), NULL, &fault),
		0);
	assert_int_equal(sl_core_choose(&choice, core, &request, true, START, &fault), 0);
	sl_core_write_decision(&decision, &choice, "a-1");
	assert_int_equal(sl_json_done(&text, &decision), 0);
	sl_core_write_answer(&out, text, &request);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(
		text, "{\"ok\":true,\"decision\":{\"provider_id\":\"cheap\",\"priority\":50,"
		      "\"expected_latency_ms\":800,\"expected_cost\":0.001,"
		      "\"reason\":\"only candidate of 2\",\"policy_id\":\"everyday\","
		      "\"metadata\":{\"assignment_id\":\"a-1\"}},"
		      "\"context\":{\"request_id\":\"r-1\","
		      "\"trace_id\":\"0102030405060708090a0b0c01020304\"}}"));
	sl_json_out_free(&decision);
	sl_json_out_free(&out);
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void what_cannot_be_is_refused_by_its_code(void **state)
{
	static const struct {
		const char *body;
		enum sl_code code;
	} cases[] = {
		{ BODY(",\"policy_id\":\"lost\""), SL_CODE_POLICY_NOT_FOUND },
		{ BODY(",\"policy_id\":\"own\""), SL_CODE_POLICY_NOT_FOUND },
		{ BODY(",\"constraints\":{\"required_capability\":\"video\"}"), SL_CODE_DENIED },
		{ BODY(",\"constraints\":{\"required_capabilities\":[\"chat\",\"video\"]}"),
		  SL_CODE_DENIED },
		{ BODY(",\"constraints\":{\"max_cost\":\"1\"}"), SL_CODE_INVALID_REQUEST },
		{ BODY(",\"constraints\":{\"max_latency_ms\":-1}"), SL_CODE_INVALID_REQUEST },
		{ BODY(",\"constraints\":{\"required_capability\":7}"), SL_CODE_INVALID_REQUEST },
	};
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_decide_fault fault = { .message = "" };
		struct sl_core_choice choice;

		assert_true(choose(&choice, core, cases[i].body, &fault) < 0);
		assert_int_equal(fault.code, cases[i].code);
		assert_true(fault.message[0] != '\0');
	}
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void an_open_breaker_leaves_its_tenant_to_others(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	struct sl_decide_fault fault;
	struct sl_core_choice choice;
	bool moved = false;

	for (int i = 0; i < 5; i++)
		moved = sl_core_result(core, SL_SPAN("steady"), SL_SPAN("cheap"), false, 0, START);
	assert_true(moved);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(choose(&choice, core, BODY(""), &fault), 0);
		assert_string_equal(choice.provider->id, "fast");
	}
	for (int i = 0; i < 5; i++)
		(void)sl_core_result(core, SL_SPAN("steady"), SL_SPAN("fast"), false, 0, START);
	assert_int_equal(choose(&choice, core, BODY(""), &fault), 0);
	assert_string_equal(choice.provider->id, "spare");
	for (int i = 0; i < 5; i++)
		(void)sl_core_result(core, SL_SPAN("steady"), SL_SPAN("spare"), false, 0, START);
	assert_int_equal(choose(&choice, core, BODY(""), &fault), -EHOSTUNREACH);
	assert_int_equal(fault.code, SL_CODE_UNAVAILABLE);
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void a_session_keeps_its_provider(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	struct sl_decide_fault fault;
	struct sl_core_choice first, choice;

	assert_int_equal(choose(&first, core, BODY(",\"context\":{\"session_id\":\"s\"}"), &fault),
			 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(
			choose(&choice, core, BODY(",\"context\":{\"session_id\":\"s\"}"), &fault),
			0);
		assert_ptr_equal(choice.provider, first.provider);
		assert_string_equal(choice.route.reason, "sticky session");
	}
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void workers_that_fall_silent_take_their_provider_down(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	const struct sl_heartbeat beat = { .worker_id = "w",
					   .status = "ready",
					   .provider_id = "cheap" };
	struct sl_decide_fault fault;
	struct sl_core_choice choice;

	sl_health_heard(core->health, &beat, START);
	sl_core_tick(core, START + 14 * S_NS);
	assert_int_equal(core->providers[0], SL_PROVIDER_READY);
	sl_core_tick(core, START + 15 * S_NS);
	assert_int_equal(core->providers[0], SL_PROVIDER_DOWN);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(choose(&choice, core, BODY(""), &fault), 0);
		assert_string_equal(choice.provider->id, "fast");
	}
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void a_tenant_that_is_not_listed_is_refused(void **state)
{
	const struct sl_request_headers other = { .tenant_id = SL_SPAN("stranger") };
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	struct sl_decide_fault fault;
	struct sl_request request;

	assert_int_equal(request_read(&request, BODY(""), NULL, &fault), 0);
	assert_int_equal(sl_core_admit(core, &request, &fault), 0);
	assert_int_equal(request_read(&request, BODY(""), &other, &fault), 0);
	assert_string_equal(request.tenant_id, "stranger");
	assert_int_equal(sl_core_admit(core, &request, &fault), -EACCES);
	assert_int_equal(fault.intake, SL_INTAKE_TENANT_FORBIDDEN);
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void assignments_go_to_allowed_subjects_only(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);
	struct sl_decide_fault fault;
	struct sl_request request;

	assert_int_equal(request_read(&request,
				      BODY(",\"push_assignment\":true,"
					   "\"assignment_subject\":\"caf.exec.assign.v1\""),
				      NULL, &fault),
			 0);
	assert_int_equal(sl_core_admit(core, &request, &fault), 0);
	assert_int_equal(request_read(&request,
				      BODY(",\"push_assignment\":1,"
					   "\"assignment_subject\":\"beamline.router.v1.decide\""),
				      NULL, &fault),
			 0);
	assert_int_equal(sl_core_admit(core, &request, &fault), -EINVAL);
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void a_deadline_is_five_times_what_is_expected(void **state)
{
	struct sl_provider provider = { .latency_ns = 100 * 1000000ull };

	assert_int_equal(sl_core_deadline_ms(&provider), 5000);
	provider.latency_ns = 2 * S_NS;
	assert_int_equal(sl_core_deadline_ms(&provider), 10000);
	provider.latency_ns = 20 * S_NS;
	assert_int_equal(sl_core_deadline_ms(&provider), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_chooses_and_says_why),
		cmocka_unit_test(what_cannot_be_is_refused_by_its_code),
		cmocka_unit_test(an_open_breaker_leaves_its_tenant_to_others),
		cmocka_unit_test(a_session_keeps_its_provider),
		cmocka_unit_test(workers_that_fall_silent_take_their_provider_down),
		cmocka_unit_test(a_tenant_that_is_not_listed_is_refused),
		cmocka_unit_test(assignments_go_to_allowed_subjects_only),
		cmocka_unit_test(a_deadline_is_five_times_what_is_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
