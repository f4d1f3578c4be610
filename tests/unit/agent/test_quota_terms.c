// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/agent/quota_terms.h"

#define S_NS 1000000000ull

static const struct sl_quota_spec quota = {
	.nodes = 4, .generation = 7, .period_ns = S_NS / 2, .ttl_ns = 3 * S_NS
};

static struct sl_tenant_spec tenant_of(void)
{
	return (struct sl_tenant_spec){
		.name = "t",
		.ingress_packets = { .per_s = 5000, .burst = 600 },
		.ingress_bytes = { .per_s = 1000000, .burst = 50000 },
		.new_connections = { .per_s = 100, .burst = 10 },
		.requests = { .per_window = { [SL_REQUEST_GLOBAL] = 600, [SL_REQUEST_COST] = 90 },
			      .window_ns = 60 * S_NS,
			      .cost_window_ns = 30 * S_NS },
		.class = SL_TENANT_CRITICAL,
		.global = { true, true, true, true, true, 100, 100, 100 },
		.on_lease_expiry = SL_FALLBACK_BLEND,
	};
}

static void each_limit_is_in_milli_units(void **state)
{
	static const struct {
		enum sl_quota_kind kind;
		int64_t rate_mu_per_s, burst_mu, cost_max_mu;
		bool small;
	} rows[] = {
		{ SL_QUOTA_PACKETS, 5000000, 600000, 2000, false },
		{ SL_QUOTA_BYTES, 1000000, 50000, 16384, false },
		{ SL_QUOTA_NEW_CONNS, 100000, 10000, 2000, false },
		{ SL_QUOTA_REQUESTS, 10000, 600000, 2000, true },
		{ SL_QUOTA_COST, 3000, 90000, 2000, true },
	};
	const struct sl_tenant_spec tenant = tenant_of();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_terms terms = sl_quota_terms_of(&quota, &tenant, rows[i].kind);

		assert_true(sl_quota_is_global(&tenant, rows[i].kind));
		assert_int_equal(terms.rate_mu_per_s, rows[i].rate_mu_per_s);
		assert_int_equal(terms.burst_mu, rows[i].burst_mu);
		assert_int_equal(terms.cost_max_mu, rows[i].cost_max_mu);
		assert_int_equal(terms.small, rows[i].small);
		assert_int_equal(terms.gen, 7);
		assert_int_equal(terms.period_ms, 500);
		assert_int_equal(terms.ttl_ms, 3000);
		assert_int_equal(sl_terms_check(&terms, NULL), 0);
	}
}

static void what_is_no_limit_is_not_shared(void **state)
{
	struct sl_tenant_spec tenant = tenant_of();

	(void)state;
	tenant.ingress_packets = (struct sl_rate_spec){ .unlimited = true };
	tenant.ingress_bytes = (struct sl_rate_spec){ .per_s = 0 };
	tenant.global.new_connections = false;
	tenant.requests.per_window[SL_REQUEST_GLOBAL] = SL_REQUESTS_UNLIMITED;
	tenant.requests.per_window[SL_REQUEST_COST] = 0;
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++)
		assert_false(sl_quota_is_global(&tenant, (enum sl_quota_kind)kind));
}

static void the_largest_limits_are_cut_to_what_can_be_summed(void **state)
{
	struct sl_tenant_spec tenant = tenant_of();
	struct sl_terms terms;

	(void)state;
	tenant.requests.per_window[SL_REQUEST_GLOBAL] = SL_REQUESTS_MAX;
	tenant.requests.window_ns = S_NS;
	tenant.ingress_bytes = (struct sl_rate_spec){ .per_s = SL_BYTES_PER_S_MAX,
						      .burst = SL_BYTES_PER_S_MAX * 86400 };
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		terms = sl_quota_terms_of(&quota, &tenant, (enum sl_quota_kind)kind);
		assert_int_equal(sl_terms_check(&terms, NULL), 0);
	}
}

static void every_fallback_is_a_term(void **state)
{
	static const enum sl_on_expiry expected[] = {
		[SL_FALLBACK_LAST] = SL_EXPIRY_LAST,	 [SL_FALLBACK_SAFE] = SL_EXPIRY_SAFE,
		[SL_FALLBACK_CLOSED] = SL_EXPIRY_CLOSED, [SL_FALLBACK_OPEN] = SL_EXPIRY_OPEN,
		[SL_FALLBACK_BLEND] = SL_EXPIRY_BLEND,
	};
	struct sl_tenant_spec tenant = tenant_of();

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		tenant.on_lease_expiry = (enum sl_fallback)i;
		assert_int_equal(sl_quota_terms_of(&quota, &tenant, SL_QUOTA_PACKETS).on_expiry,
				 expected[i]);
	}
}

static void parts_of_the_capacity_are_terms(void **state)
{
	static const enum sl_quota_class classes[] = {
		[SL_TENANT_SHEDDABLE] = SL_QUOTA_SHEDDABLE,
		[SL_TENANT_SHEDDABLE_PLUS] = SL_QUOTA_SHEDDABLE_PLUS,
		[SL_TENANT_CRITICAL] = SL_QUOTA_CRITICAL,
		[SL_TENANT_CRITICAL_PLUS] = SL_QUOTA_CRITICAL_PLUS,
	};
	struct sl_tenant_spec tenant = tenant_of();
	struct sl_terms terms = sl_quota_terms_of(&quota, &tenant, SL_QUOTA_PACKETS);

	(void)state;
	assert_int_equal(terms.guarantee_mu_per_s, 5000000);
	assert_int_equal(terms.ceiling_mu_per_s, 5000000);
	tenant.global.guarantee_percent = 0;
	tenant.global.ceiling_percent = 250;
	tenant.global.weight = 7;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		tenant.class = (enum sl_tenant_class)i;
		terms = sl_quota_terms_of(&quota, &tenant, SL_QUOTA_PACKETS);
		assert_int_equal(terms.class, classes[i]);
	}
	assert_int_equal(terms.guarantee_mu_per_s, 0);
	assert_int_equal(terms.ceiling_mu_per_s, 12500000);
	assert_int_equal(terms.weight, 7);
	assert_int_equal(sl_terms_check(&terms, NULL), 0);
	/* The largest limit with the largest ceiling is still one that can be summed. */
	tenant.ingress_bytes = (struct sl_rate_spec){ .per_s = SL_BYTES_PER_S_MAX, .burst = 50000 };
	tenant.global.ceiling_percent = 1000;
	terms = sl_quota_terms_of(&quota, &tenant, SL_QUOTA_BYTES);
	assert_int_equal(sl_terms_check(&terms, NULL), 0);
}

static void a_capacity_is_in_milli_units_or_not_known(void **state)
{
	const struct sl_capacity_spec capacity = {
		.packets = { .per_s = 2000 },
		.bytes = { .per_s = 2000 },
		.new_connections = { .unlimited = true },
		.requests = { .unlimited = true },
		.cost = { .per_s = UINT64_MAX },
	};

	(void)state;
	assert_int_equal(sl_quota_capacity_of(&capacity, SL_QUOTA_PACKETS), 2000000);
	assert_int_equal(sl_quota_capacity_of(&capacity, SL_QUOTA_BYTES), 2000);
	assert_int_equal(sl_quota_capacity_of(&capacity, SL_QUOTA_NEW_CONNS), -1);
	assert_int_equal(sl_quota_capacity_of(&capacity, SL_QUOTA_REQUESTS), -1);
	assert_true(sl_quota_capacity_of(&capacity, SL_QUOTA_COST) == SL_QUOTA_RATE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_is_in_milli_units),
		cmocka_unit_test(what_is_no_limit_is_not_shared),
		cmocka_unit_test(the_largest_limits_are_cut_to_what_can_be_summed),
		cmocka_unit_test(every_fallback_is_a_term),
		cmocka_unit_test(parts_of_the_capacity_are_terms),
		cmocka_unit_test(a_capacity_is_in_milli_units_or_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
