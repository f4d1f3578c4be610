// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/domain/gcra.h"
#include "userspace/domain/requests.h"

#define S_NS	1000000000ull
#define MINUTE	(60 * S_NS)
#define ALL	((1u << SL_REQUEST_CLASSES) - 1)
#define STARTED (1000 * S_NS)

static struct sl_tenant_spec tenant_of(uint64_t lease_ns, enum sl_fallback fallback)
{
	return (struct sl_tenant_spec){
		.mode = SL_MODE_ENFORCE,
		.lease_ns = lease_ns,
		.on_lease_expiry = fallback,
		.requests = { .set = ALL,
			      .window_ns = MINUTE,
			      .cost_window_ns = 2 * MINUTE,
			      .cost_estimate_milli = 1500,
			      .per_window = { [SL_REQUEST_GLOBAL] = 100,
					      [SL_REQUEST_ROUTES_DECIDE] = 10,
					      [SL_REQUEST_MESSAGES] = 0,
					      [SL_REQUEST_REGISTRY_BLOCKS] = SL_REQUESTS_UNLIMITED,
					      [SL_REQUEST_COST] = 60 } },
	};
}

static struct sl_requests made_of(const struct sl_tenant_spec *tenant)
{
	struct sl_requests requests;

	sl_requests_make(&requests, tenant, 7, STARTED);
	return requests;
}

static struct sl_request_rule_now now(const struct sl_requests *requests,
				      enum sl_request_class which, uint64_t now_ns)
{
	struct sl_request_rule_now rule;

	sl_requests_now(&rule, requests, which, now_ns);
	return rule;
}

static void what_was_asked_for_is_what_gateways_read(void **state)
{
	struct sl_tenant_spec tenant = tenant_of(0, SL_FALLBACK_LAST);
	struct sl_requests made = made_of(&tenant);
	struct sl_request_rule_now rule = now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED);

	assert_int_equal(made.gen, 7);
	assert_int_equal(made.cost_estimate_milli, 1500);
	assert_true(rule.set);
	assert_int_equal(sl_gcra_size(&rule.limit), 10);
	assert_int_equal(rule.limit.period_ns, 6 * S_NS);
	assert_int_equal(rule.window_ns, MINUTE);
	rule = now(&made, SL_REQUEST_MESSAGES, STARTED);
	assert_int_equal(sl_gcra_size(&rule.limit), 0);
	rule = now(&made, SL_REQUEST_REGISTRY_BLOCKS, STARTED);
	assert_true(rule.set && !rule.limit.period_ns);
	rule = now(&made, SL_REQUEST_COST, STARTED + 365 * 86400 * S_NS);
	assert_int_equal(rule.limit.period_ns, 2 * S_NS);
	assert_int_equal(rule.window_ns, 2 * MINUTE);
}

static void what_was_not_said_is_the_gateways(void **state)
{
	struct sl_tenant_spec tenant = tenant_of(0, SL_FALLBACK_LAST);
	struct sl_requests made;

	tenant.requests.set = 1u << SL_REQUEST_GLOBAL;
	made = made_of(&tenant);
	assert_true(now(&made, SL_REQUEST_GLOBAL, STARTED).set);
	for (int i = SL_REQUEST_GLOBAL + 1; i < SL_REQUEST_CLASSES; i++)
		assert_false(now(&made, (enum sl_request_class)i, STARTED).set);
}

static void a_lease_that_ended_falls_back(void **state)
{
	static const struct {
		enum sl_fallback fallback;
		uint64_t size;
	} cases[] = { { SL_FALLBACK_LAST, 10 },
		      { SL_FALLBACK_SAFE, 3 },
		      { SL_FALLBACK_CLOSED, 0 },
		      { SL_FALLBACK_OPEN, UINT64_MAX } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_tenant_spec tenant = tenant_of(5 * S_NS, cases[i].fallback);
		struct sl_requests made = made_of(&tenant);
		struct sl_request_rule_now rule;

		made.rule[SL_REQUEST_ROUTES_DECIDE].safe = sl_gcra_limit(3, MINUTE);
		rule = now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED + 5 * S_NS - 1);
		assert_int_equal(sl_gcra_size(&rule.limit), 10);
		rule = now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED + 5 * S_NS);
		assert_int_equal(sl_gcra_size(&rule.limit), cases[i].size);
		/* Each class has a lease of its own. */
		made.rule[SL_REQUEST_ROUTES_DECIDE].lease_until_ns = 0;
		rule = now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED + 5 * S_NS);
		assert_int_equal(sl_gcra_size(&rule.limit), 10);
	}
}

/* From 10 a minute to 4 a minute: half way it is 7, in rate and in burst. */
static void a_blend_is_a_straight_line_of_rates(void **state)
{
	static const struct {
		uint64_t over_ns, size, least_ns, most_ns;
	} cases[] = { { 0, 10, MINUTE / 10, MINUTE / 10 },
		      { SL_BLEND_NS / 2, 7, MINUTE / 7 - 1, MINUTE / 7 + 1 },
		      { SL_BLEND_NS, 4, MINUTE / 4, MINUTE / 4 },
		      { 100 * SL_BLEND_NS, 4, MINUTE / 4, MINUTE / 4 } };
	struct sl_tenant_spec tenant = tenant_of(5 * S_NS, SL_FALLBACK_BLEND);
	struct sl_requests made = made_of(&tenant);

	made.rule[SL_REQUEST_ROUTES_DECIDE].safe = sl_gcra_limit(4, MINUTE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_request_rule_now rule =
			now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED + 5 * S_NS + cases[i].over_ns);

		assert_int_equal(sl_gcra_size(&rule.limit), cases[i].size);
		assert_in_range(rule.limit.period_ns, cases[i].least_ns, cases[i].most_ns);
	}
	/* The longest periods there are do not overflow. */
	made.rule[SL_REQUEST_ROUTES_DECIDE].limit = sl_gcra_limit(1, 86400 * S_NS);
	made.rule[SL_REQUEST_ROUTES_DECIDE].safe = sl_gcra_limit(1, 86400 * S_NS);
	assert_int_equal(now(&made, SL_REQUEST_ROUTES_DECIDE, STARTED + 9 * S_NS).limit.period_ns,
			 86400 * S_NS);
}

static void a_block_holds_until_its_end_whatever_is_set(void **state)
{
	struct sl_tenant_spec tenant = tenant_of(0, SL_FALLBACK_LAST);
	struct sl_requests made;
	struct sl_request_rule_now rule;

	tenant.requests.set = 0;
	tenant.blocked = true;
	made = made_of(&tenant);
	rule = now(&made, SL_REQUEST_GLOBAL, STARTED + 86400 * S_NS);
	assert_true(rule.set);
	assert_int_equal(sl_gcra_size(&rule.limit), 0);
	tenant.blocked_for_ns = S_NS;
	made = made_of(&tenant);
	rule = now(&made, SL_REQUEST_GLOBAL, STARTED + S_NS - 1);
	assert_int_equal(sl_gcra_size(&rule.limit), 0);
	assert_false(now(&made, SL_REQUEST_GLOBAL, STARTED + S_NS).set);
}

static void the_laxer_mode_applies(void **state)
{
	struct sl_tenant_spec tenant = tenant_of(0, SL_FALLBACK_OPEN);
	struct sl_requests made;

	tenant.mode = SL_MODE_SHADOW;
	made = made_of(&tenant);
	assert_int_equal(sl_requests_mode(&made, SL_MODE_ENFORCE), SL_MODE_SHADOW);
	assert_int_equal(sl_requests_mode(&made, SL_MODE_OFF), SL_MODE_OFF);
	tenant.mode = SL_MODE_ENFORCE;
	made = made_of(&tenant);
	assert_int_equal(sl_requests_mode(&made, SL_MODE_ENFORCE), SL_MODE_ENFORCE);
}

static void every_class_has_a_name(void **state)
{
	for (int i = 0; i < SL_REQUEST_CLASSES; i++)
		assert_non_null(sl_request_class_name((enum sl_request_class)i));
	assert_null(sl_request_class_name(SL_REQUEST_CLASSES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_for_is_what_gateways_read),
		cmocka_unit_test(what_was_not_said_is_the_gateways),
		cmocka_unit_test(a_lease_that_ended_falls_back),
		cmocka_unit_test(a_blend_is_a_straight_line_of_rates),
		cmocka_unit_test(a_block_holds_until_its_end_whatever_is_set),
		cmocka_unit_test(the_laxer_mode_applies),
		cmocka_unit_test(every_class_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
