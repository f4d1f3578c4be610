// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domain/limits.h"

#include <string.h>

/* ---- a tenant's limit -------------------------------------------------------------------- */

static const struct sl_limit_input input = { .gen = 7, .now_ns = 1000, .tick_ns = TICK_NS };

static struct sl_tenant_spec open_tenant(void)
{
	return (struct sl_tenant_spec){
		.name = "acme",
		.ingress_packets = UNLIMITED,
		.ingress_bytes = UNLIMITED,
		.egress_packets = UNLIMITED,
		.egress_bytes = UNLIMITED,
		.new_connections = UNLIMITED,
		.fragments = UNLIMITED,
		.safe_packets = UNLIMITED,
		.safe_bytes = UNLIMITED,
	};
}

static struct sl_limit limit_of(const struct sl_tenant_spec *tenant)
{
	struct sl_limit limit;

	memset(&limit, 0xa5, sizeof(limit));
	sl_limit_make(&limit, tenant, &input);
	return limit;
}

static void a_tenant_without_limits_has_a_gen_and_nothing_else(void **state)
{
	const struct sl_tenant_spec tenant = open_tenant();
	const struct sl_limit limit = limit_of(&tenant);
	const struct sl_limit expected = { .ingress = { .gen = 7 }, .egress = { .gen = 7 } };

	assert_memory_equal(&limit, &expected, sizeof(limit));
}

static void each_rate_comes_to_its_place(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();
	struct sl_limit limit;

	tenant.ingress_packets = (struct sl_rate_spec){ .per_s = 1000, .burst = 100 };
	tenant.ingress_bytes = (struct sl_rate_spec){ .per_s = 2000000, .burst = 200000 };
	tenant.egress_packets = (struct sl_rate_spec){ .per_s = 3000, .burst = 300 };
	tenant.egress_bytes = (struct sl_rate_spec){ .per_s = 4000000, .burst = 400000 };
	tenant.new_connections = (struct sl_rate_spec){ .per_s = 50, .burst = 5 };
	tenant.fragments = (struct sl_rate_spec){ .per_s = 60, .burst = 6 };
	tenant.safe_packets = (struct sl_rate_spec){ .per_s = 70, .burst = 7 };
	tenant.safe_bytes = (struct sl_rate_spec){ .per_s = 80000, .burst = 8000 };
	tenant.connections_max = 90;
	tenant.reset = true;
	tenant.mode = SL_MODE_SHADOW;
	limit = limit_of(&tenant);

	assert_int_equal(limit.ingress.packets.cost, count_rate(1000, 100).cost);
	assert_int_equal(limit.ingress.packets.burst_cu, count_rate(1000, 100).burst_cu);
	assert_int_equal(limit.ingress.bytes.cost, byte_rate(2000000, 200000).cost);
	assert_int_equal(limit.egress.packets.cost, count_rate(3000, 300).cost);
	assert_int_equal(limit.egress.bytes.cost, byte_rate(4000000, 400000).cost);
	assert_int_equal(limit.new_conns.cost, count_rate(50, 5).cost);
	assert_int_equal(limit.fragments.cost, count_rate(60, 6).cost);
	assert_int_equal(limit.safe_packets.cost, count_rate(70, 7).cost);
	assert_int_equal(limit.safe_bytes.cost, byte_rate(80000, 8000).cost);
	assert_int_equal(limit.safe_new_conns.cost, count_rate(50, 5).cost);
	assert_int_equal(limit.safe_new_conns.burst_cu, count_rate(50, 5).burst_cu);
	assert_int_equal(limit.conns_max, 90);
	assert_int_equal(limit.ingress.flags, SL_MODE_SHADOW | SL_SIDE_RESET | SL_SIDE_CONNS |
						      SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS);
	assert_int_equal(limit.egress.flags, SL_MODE_SHADOW);
	assert_int_equal(limit.ingress.shed_until_ns, 0);
	assert_int_equal(limit.ingress.gen, 7);
	assert_int_equal(limit.egress.gen, 7);
}

static void a_rate_of_zero_blocks_its_direction(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();

	tenant.ingress_packets = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).ingress.flags, SL_SIDE_BLOCKED);
	assert_int_equal(limit_of(&tenant).egress.flags, 0);

	tenant = open_tenant();
	tenant.egress_bytes = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).ingress.flags, 0);
	assert_int_equal(limit_of(&tenant).egress.flags, SL_SIDE_BLOCKED);

	tenant = open_tenant();
	tenant.new_connections = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).ingress.flags, SL_SIDE_NEW_CONNS);
	assert_int_equal(limit_of(&tenant).new_conns.cost, SL_COST_NEVER);

	tenant = open_tenant();
	tenant.fragments = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).ingress.flags, SL_SIDE_FRAGMENTS);
	assert_int_equal(limit_of(&tenant).fragments.cost, SL_COST_NEVER);
}

static void a_block_has_its_end(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();
	struct sl_limit limit;

	tenant.blocked = true;
	limit = limit_of(&tenant);
	assert_int_equal(limit.ingress.flags, SL_SIDE_BLOCKED);
	assert_int_equal(limit.egress.flags, SL_SIDE_BLOCKED);
	assert_int_equal(limit.blocked_until_ns, 0);

	tenant.blocked_for_ns = 500;
	assert_int_equal(limit_of(&tenant).blocked_until_ns, 1500);

	/* That end must not open a direction that is to admit nothing. */
	tenant.egress_packets = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).blocked_until_ns, 0);

	tenant = open_tenant();
	tenant.blocked_for_ns = 500;
	assert_int_equal(limit_of(&tenant).blocked_until_ns, 0);
	assert_int_equal(limit_of(&tenant).ingress.flags, 0);
}

/* 4 ticks of 4 ms: 16 packets of 1000/s, 16 kB of 1 MB/s. */
static void a_short_burst_needs_the_fine_clock(void **state)
{
	static const struct {
		size_t offset;
		uint64_t per_s, enough;
		bool ingress, egress;
	} cases[] = {
#define AT(member) offsetof(struct sl_tenant_spec, member)
		{ AT(ingress_packets), 1000, 16, true, false },
		{ AT(ingress_bytes), 1000000, 16000, true, false },
		{ AT(egress_packets), 1000, 16, false, true },
		{ AT(egress_bytes), 1000000, 16000, false, true },
		{ AT(new_connections), 1000, 16, true, false },
		{ AT(fragments), 1000, 16, true, false },
		{ AT(safe_packets), 1000, 16, true, true },
		{ AT(safe_bytes), 1000000, 16000, true, true },
#undef AT
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_tenant_spec tenant = open_tenant();
		struct sl_rate_spec *rate = (void *)((char *)&tenant + cases[i].offset);
		struct sl_limit limit;

		tenant.on_lease_expiry = SL_FALLBACK_SAFE;
		*rate = (struct sl_rate_spec){ .per_s = cases[i].per_s, .burst = cases[i].enough };
		limit = limit_of(&tenant);
		assert_false(limit.ingress.flags & SL_SIDE_KTIME);
		assert_false(limit.egress.flags & SL_SIDE_KTIME);
		rate->burst -= cases[i].enough / 16;
		limit = limit_of(&tenant);
		assert_int_equal(!!(limit.ingress.flags & SL_SIDE_KTIME), cases[i].ingress);
		assert_int_equal(!!(limit.egress.flags & SL_SIDE_KTIME), cases[i].egress);
	}
}

static void safe_rates_need_no_clock_where_they_do_not_apply(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();

	tenant.safe_packets = (struct sl_rate_spec){ .per_s = 1000000, .burst = 1 };
	tenant.fragments = (struct sl_rate_spec){ 0 }; /* never: needs no clock either */
	assert_false(limit_of(&tenant).ingress.flags & SL_SIDE_KTIME);
}

static void a_lease_ends_in_its_fallback(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();
	struct sl_limit limit;

	tenant.lease_ns = 30;
	tenant.safe_packets = (struct sl_rate_spec){ .per_s = 10, .burst = 1 };
	for (unsigned fallback = SL_FALLBACK_LAST; fallback <= SL_FALLBACK_OPEN; fallback++) {
		tenant.on_lease_expiry = (enum sl_fallback)fallback;
		limit = limit_of(&tenant);
		assert_int_equal(limit.ingress.lease_until_ns, 1030);
		assert_int_equal(limit.egress.lease_until_ns, 1030);
		assert_int_equal(limit.ingress.flags, fallback << SL_SIDE_FALLBACK_SHIFT);
		assert_int_equal(limit.egress.flags, fallback << SL_SIDE_FALLBACK_SHIFT);
	}
	tenant.lease_ns = 0;
	assert_int_equal(limit_of(&tenant).ingress.lease_until_ns, 0);
}

/* Cost 0 would be "no limit" there. */
static void a_safe_rate_of_zero_is_closed(void **state)
{
	struct sl_tenant_spec tenant = open_tenant();

	tenant.on_lease_expiry = SL_FALLBACK_SAFE;
	tenant.safe_bytes = (struct sl_rate_spec){ 0 };
	assert_int_equal(limit_of(&tenant).ingress.flags,
			 SL_FALLBACK_CLOSED << SL_SIDE_FALLBACK_SHIFT);
	assert_int_equal(limit_of(&tenant).egress.flags,
			 SL_FALLBACK_CLOSED << SL_SIDE_FALLBACK_SHIFT);
}

static void an_id_without_a_tenant_is_blocked(void **state)
{
	const struct sl_limit expected = {
		.ingress = { .gen = 3, .flags = SL_SIDE_BLOCKED },
		.egress = { .gen = 3, .flags = SL_SIDE_BLOCKED },
	};
	struct sl_limit limit;

	memset(&limit, 0xa5, sizeof(limit));
	sl_limit_make_unused(&limit, 3);
	assert_memory_equal(&limit, &expected, sizeof(limit));
}

/* ---- tenant 0 ------------------------------------------------------------------------------ */

static struct sl_unknown_spec unknown_spec(void)
{
	return (struct sl_unknown_spec){
		.on_miss = SL_ON_MISS_LIMIT,
		.mode = SL_MODE_ENFORCE,
		.packets = { .per_s = 10000, .burst = 1000 },
		.bytes = UNLIMITED,
		.egress_packets = UNLIMITED,
		.egress_bytes = { .per_s = 1000000, .burst = 100000 },
		.new_connections = { .per_s = 1000, .burst = 100 },
		.fragments = { .per_s = 100, .burst = 100 },
		.source_packets = { .per_s = 100, .burst = 50 },
		.proven_packets = { .per_s = 5000, .burst = 500 },
		.proven_ns = 600 * S_NS,
	};
}

static struct sl_limit limit_of_unknown(const struct sl_unknown_spec *unknown)
{
	struct sl_limit limit;

	memset(&limit, 0xa5, sizeof(limit));
	sl_limit_make_unknown(&limit, unknown, &input);
	return limit;
}

static struct sl_ctl_half half_of(const struct sl_unknown_spec *unknown)
{
	struct sl_ctl_half half = { 0 };

	sl_limit_fill_half(&half, unknown);
	return half;
}

static void the_unknown_tenant_has_limits_of_its_own(void **state)
{
	const struct sl_unknown_spec unknown = unknown_spec();
	const struct sl_limit limit = limit_of_unknown(&unknown);
	const struct sl_ctl_half half = half_of(&unknown);

	assert_int_equal(limit.ingress.packets.cost, count_rate(10000, 1000).cost);
	assert_int_equal(limit.ingress.bytes.cost, 0);
	assert_int_equal(limit.egress.bytes.cost, byte_rate(1000000, 100000).cost);
	assert_int_equal(limit.new_conns.cost, count_rate(1000, 100).cost);
	assert_int_equal(limit.fragments.cost, count_rate(100, 100).cost);
	assert_int_equal(limit.ingress.flags, SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS);
	assert_int_equal(limit.egress.flags, 0);
	assert_int_equal(limit.ingress.gen, 7);
	assert_int_equal(limit.ingress.lease_until_ns, 0);

	assert_int_equal(half.on_miss, SL_ON_MISS_LIMIT);
	assert_int_equal(half.source_share.cost, count_rate(100, 50).cost);
	assert_int_equal(half.source_share.burst_cu, count_rate(100, 50).burst_cu);
	assert_int_equal(half.proven_packets.cost, count_rate(5000, 500).cost);
	assert_int_equal(half.proven_s, 600);
	assert_int_equal(half.features, SL_FEATURE_PROVEN);
}

static void the_shares_take_the_clock_of_the_unknown_tenant(void **state)
{
	struct sl_unknown_spec unknown = unknown_spec();

	unknown.source_packets = (struct sl_rate_spec){ .per_s = 1000, .burst = 1 };
	assert_true(limit_of_unknown(&unknown).ingress.flags & SL_SIDE_KTIME);
	assert_false(limit_of_unknown(&unknown).egress.flags & SL_SIDE_KTIME);
	unknown = unknown_spec();
	unknown.proven_packets = (struct sl_rate_spec){ .per_s = 100000, .burst = 10 };
	assert_true(limit_of_unknown(&unknown).ingress.flags & SL_SIDE_KTIME);
}

static void no_share_and_no_limit_are_not_confused(void **state)
{
	struct sl_unknown_spec unknown = unknown_spec();
	struct sl_ctl_half half;

	unknown.source_packets = (struct sl_rate_spec){ 0 };
	assert_int_equal(half_of(&unknown).on_miss, SL_ON_MISS_DROP);
	unknown.on_miss = SL_ON_MISS_PASS;
	assert_int_equal(half_of(&unknown).on_miss, SL_ON_MISS_PASS);

	unknown = unknown_spec();
	unknown.source_packets = (struct sl_rate_spec)UNLIMITED;
	assert_int_equal(half_of(&unknown).on_miss, SL_ON_MISS_LIMIT);
	assert_int_equal(half_of(&unknown).source_share.cost, 0);

	/* No reserve: proven sources share the rest. No limit: a bucket that never empties. */
	unknown = unknown_spec();
	unknown.proven_packets = (struct sl_rate_spec){ 0 };
	assert_int_equal(half_of(&unknown).proven_packets.cost, 0);
	unknown.proven_packets = (struct sl_rate_spec)UNLIMITED;
	half = half_of(&unknown);
	assert_int_equal(half.proven_packets.cost, 1);
	assert_int_equal(half.proven_packets.burst_cu, S_NS << 10);
}

static void a_proof_lasts_whole_seconds(void **state)
{
	struct sl_unknown_spec unknown = unknown_spec();

	unknown.proven_ns = S_NS + 1;
	assert_int_equal(half_of(&unknown).proven_s, 2);
	unknown.proven_ns = 0;
	assert_int_equal(half_of(&unknown).features, 0);
	unknown = unknown_spec();
	unknown.on_miss = SL_ON_MISS_DROP;
	assert_int_equal(half_of(&unknown).features, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenant_without_limits_has_a_gen_and_nothing_else),
		cmocka_unit_test(each_rate_comes_to_its_place),
		cmocka_unit_test(a_rate_of_zero_blocks_its_direction),
		cmocka_unit_test(a_block_has_its_end),
		cmocka_unit_test(a_short_burst_needs_the_fine_clock),
		cmocka_unit_test(safe_rates_need_no_clock_where_they_do_not_apply),
		cmocka_unit_test(a_lease_ends_in_its_fallback),
		cmocka_unit_test(a_safe_rate_of_zero_is_closed),
		cmocka_unit_test(an_id_without_a_tenant_is_blocked),
		cmocka_unit_test(the_unknown_tenant_has_limits_of_its_own),
		cmocka_unit_test(the_shares_take_the_clock_of_the_unknown_tenant),
		cmocka_unit_test(no_share_and_no_limit_are_not_confused),
		cmocka_unit_test(a_proof_lasts_whole_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
