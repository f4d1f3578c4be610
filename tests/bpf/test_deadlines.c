// SPDX-License-Identifier: Apache-2.0
/* Blocks and leases: what ends at a time, and what holds from then on. */
#include "tests/harness/test.h"

#include <netinet/tcp.h>

#include "tests/harness/suite.h"

#define HOUR_NS (SL_HOUR_S * SL_NS_S)

static struct sl_pkt udp(void)
{
	return SL_PKT(.to = SL_LOCAL4);
}

static void spin_until(const struct sl_shield *s, uint64_t at_ns)
{
	while (sl_shield_now_ns() < at_ns + 2 * s->tick_ns)
		;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void a_blocked_prefix_is_dropped(void **state)
{
	static const struct {
		const char *prefix, *from, *to;
		bool blocked;
	} rows[] = {
		{ "10.9.0.0/16", "10.9.255.255", SL_LOCAL4, true },
		{ "10.9.0.0/16", "10.8.255.255", SL_LOCAL4, false },
		{ "10.9.9.9/32", "10.9.9.9", SL_LOCAL4, true },
		{ "10.9.9.9/32", "10.9.9.8", SL_LOCAL4, false },
		{ "0.0.0.0/0", "203.0.113.9", SL_LOCAL4, true },
		{ "0.0.0.0/0", "2001:db8:9::1", SL_LOCAL6, false },
		{ "2001:db8:9::/48", "2001:db8:9:ffff::1", SL_LOCAL6, true },
		{ "2001:db8:9::/48", "2001:db8:a::1", SL_LOCAL6, false },
		{ "2001:db8:9::1/128", "2001:db8:9::1", SL_LOCAL6, true },
		{ "2001:db8:9::1/128", "2001:db8:9::2", SL_LOCAL6, false },
		{ "::/0", "2001:db8:9::1", SL_LOCAL6, true },
	};

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p = SL_PKT(.from = rows[i].from, .to = rows[i].to);
		struct sl_shield *s = *state;

		(void)sl_setup_world(state);
		sl_shield_block(s, rows[i].prefix, 0);
		sl_expect_at(SL_HERE(rows[i].prefix), s, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = rows[i].blocked
								     ? SL_REASON_BLOCKED_PREFIX
								     : SL_REASON_PASS });
	}
}

static void a_block_ends(void **state)
{
	const struct sl_pkt v4 = udp(), v6 = SL_PKT(.to = SL_LOCAL6);
	const uint64_t until_ns = sl_shield_now_ns() + 200 * SL_NS_MS;
	struct sl_shield *s = *state;

	sl_shield_block(s, "10.0.0.0/8", until_ns);
	sl_shield_block(s, "2001:db8:9::/64", until_ns);
	sl_expect(s, &v4, SL_TENANT, SL_REASON_BLOCKED_PREFIX);
	sl_expect(s, &v6, SL_TENANT, SL_REASON_BLOCKED_PREFIX);
	spin_until(s, until_ns);
	sl_expect(s, &v4, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &v6, SL_TENANT, SL_REASON_PASS);
}

/* A hole in a block: the longest prefix decides, an ended one opens. */
static void the_longest_block_decides(void **state)
{
	const struct sl_pkt in = udp(), out = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.2");
	struct sl_shield *s = *state;

	sl_shield_block(s, "10.0.0.0/8", 0);
	sl_shield_block(s, "10.0.0.1/32", 1);
	sl_expect(s, &in, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &out, SL_TENANT, SL_REASON_BLOCKED_PREFIX);
}

/* Only protected services are judged: a blocked source reaches the rest. */
static void a_block_guards_what_is_protected(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_OTHER4);
	struct sl_shield *s = *state;

	sl_shield_block(s, "0.0.0.0/0", 0);
	sl_expect_bypass(s, &p, SL_FOUND_UNPROTECTED);
}

static void a_blocked_tenant_is_dropped_until_then(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_BLOCKED;
	sl_expect(s, &p, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	l->blocked_until_ns = sl_shield_now_ns() + HOUR_NS;
	sl_expect(s, &p, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	l->blocked_until_ns = sl_shield_now_ns() + 200 * SL_NS_MS;
	sl_expect(s, &p, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	spin_until(s, l->blocked_until_ns);
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	/* The flag is what blocks: without it the time means nothing. */
	l->blocked_until_ns = sl_shield_now_ns() + HOUR_NS;
	l->ingress.flags = 0;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
}

/* ---- leases -----------------------------------------------------------------------------------
 */

static struct sl_limit *leased(struct sl_shield *s, enum sl_fallback fallback, uint64_t until_ns)
{
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.gen++;
	l->ingress.flags = sl_side_fallback_flags(fallback);
	l->ingress.lease_until_ns = until_ns;
	l->ingress.packets = sl_shield_rate(0, 3);
	l->safe_packets = sl_shield_rate(0, 1);
	l->safe_bytes = (struct sl_rate){ 0 };
	return l;
}

static void expect_three(const struct sl_shield *s, enum sl_reason first, enum sl_reason second,
			 enum sl_reason fourth)
{
	const struct sl_pkt p = udp();

	sl_expect(s, &p, SL_TENANT, first);
	sl_expect(s, &p, SL_TENANT, second);
	sl_expect(s, &p, SL_TENANT, second);
	sl_expect(s, &p, SL_TENANT, fourth);
}

static void within_its_lease_a_limit_is_itself(void **state)
{
	static const enum sl_fallback fallbacks[] = { SL_FALLBACK_LAST, SL_FALLBACK_SAFE,
						      SL_FALLBACK_CLOSED, SL_FALLBACK_OPEN,
						      SL_FALLBACK_BLEND };
	const struct sl_pkt p = udp();

	for (size_t i = 0; i < SL_ROWS(fallbacks); i++) {
		for (uint64_t ahead_ns = 0; ahead_ns <= HOUR_NS; ahead_ns += HOUR_NS) {
			struct sl_explanation e;

			(void)leased(*state, fallbacks[i],
				     ahead_ns ? sl_shield_now_ns() + ahead_ns : 0);
			expect_three(*state, SL_REASON_PASS, SL_REASON_PASS,
				     SL_REASON_RATE_PACKETS);
			e = sl_explain(*state, SL_AT_XDP, &p);
			assert_false(e.lease_over);
			assert_int_equal(e.fallback, fallbacks[i]);
		}
	}
}

static void after_its_lease_the_fallback_holds(void **state)
{
	static const struct {
		enum sl_fallback fallback;
		enum sl_reason first, second, fourth;
	} rows[] = {
		{ SL_FALLBACK_LAST, SL_REASON_PASS, SL_REASON_PASS, SL_REASON_RATE_PACKETS },
		{ SL_FALLBACK_SAFE, SL_REASON_PASS, SL_REASON_LEASE_SAFE, SL_REASON_LEASE_SAFE },
		{ SL_FALLBACK_CLOSED, SL_REASON_LEASE_CLOSED, SL_REASON_LEASE_CLOSED,
		  SL_REASON_LEASE_CLOSED },
		{ SL_FALLBACK_OPEN, SL_REASON_PASS, SL_REASON_PASS, SL_REASON_PASS },
	};
	const struct sl_pkt p = udp();

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		(void)leased(*state, rows[i].fallback, sl_shield_now_ns() - SL_NS_S);
		expect_three(*state, rows[i].first, rows[i].second, rows[i].fourth);
		assert_true(sl_explain(*state, SL_AT_XDP, &p).lease_over);
	}
}

static void safe_bytes_are_a_limit_too(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_limit *l = leased(*state, SL_FALLBACK_SAFE, 1);

	l->safe_packets = (struct sl_rate){ 0 };
	l->safe_bytes = sl_shield_bytes_rate(0, 3ull * p.length);
	expect_three(*state, SL_REASON_PASS, SL_REASON_PASS, SL_REASON_LEASE_SAFE);
}

/* Of 40 at once while the lease lasted, 8 when it is long over; between, a mix. */
struct walk {
	uint64_t over_ns;
	unsigned int least, most;
};

static const struct walk walks[] = {
	{ 100 * SL_NS_MS, 39, 40 },
	{ SL_BLEND_NS / 2, 23, 25 },
	{ SL_BLEND_NS - SL_NS_S, 8, 10 },
	{ SL_BLEND_NS + SL_NS_S, 8, 8 },
};

static void a_blend_walks_from_the_last_limit_to_the_safe_one(void **state)
{
	const struct sl_pkt p = udp();

	for (size_t i = 0; i < SL_ROWS(walks); i++) {
		struct sl_limit *l =
			leased(*state, SL_FALLBACK_BLEND, sl_shield_now_ns() - walks[i].over_ns);
		uint64_t before = sl_counted(*state, SL_TENANT, SL_REASON_PASS).packets;

		l->ingress.packets = sl_shield_rate(1, 40);
		l->safe_packets = sl_shield_rate(1, 8);
		(void)sl_run(*state, SL_AT_XDP, &p, 41, NULL);
		assert_in_range(sl_counted(*state, SL_TENANT, SL_REASON_PASS).packets - before,
				walks[i].least, walks[i].most);
	}
}

static struct sl_pkt syn(void)
{
	return SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
}

/* The tenant's packets are not limited: what refuses is the rate of new connections. */
static struct sl_limit *leased_conns(struct sl_shield *s, enum sl_fallback fallback,
				     uint64_t over_ns)
{
	struct sl_limit *l = leased(s, fallback, sl_shield_now_ns() - over_ns);

	l->ingress.flags |= SL_SIDE_NEW_CONNS;
	l->ingress.packets = l->safe_packets = (struct sl_rate){ 0 };
	l->new_conns = sl_shield_rate(0, 3);
	l->safe_new_conns = sl_shield_rate(0, 1);
	return l;
}

static void after_its_lease_new_connections_have_their_fallback(void **state)
{
	static const struct {
		enum sl_fallback fallback;
		enum sl_reason first, second, fourth, other;
	} rows[] = {
		{ SL_FALLBACK_LAST, SL_REASON_PASS, SL_REASON_PASS, SL_REASON_RATE_NEW_CONNS,
		  SL_REASON_PASS },
		{ SL_FALLBACK_SAFE, SL_REASON_PASS, SL_REASON_LEASE_SAFE, SL_REASON_LEASE_SAFE,
		  SL_REASON_PASS },
		{ SL_FALLBACK_CLOSED, SL_REASON_LEASE_CLOSED, SL_REASON_LEASE_CLOSED,
		  SL_REASON_LEASE_CLOSED, SL_REASON_LEASE_CLOSED },
		{ SL_FALLBACK_OPEN, SL_REASON_PASS, SL_REASON_PASS, SL_REASON_PASS,
		  SL_REASON_PASS },
	};
	const struct sl_pkt s1 = syn(), p = udp();

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		(void)leased_conns(*state, rows[i].fallback, SL_NS_S);
		sl_expect(*state, &s1, SL_TENANT, rows[i].first);
		sl_expect(*state, &p, SL_TENANT, rows[i].other);
		sl_expect(*state, &s1, SL_TENANT, rows[i].second);
		sl_expect(*state, &s1, SL_TENANT, rows[i].second);
		sl_expect(*state, &s1, SL_TENANT, rows[i].fourth);
		sl_expect(*state, &p, SL_TENANT, rows[i].other);
	}
}

/* Nor is anything charged that another limit refuses. */
static void safe_connections_and_packets_are_taken_together(void **state)
{
	const struct sl_pkt s1 = syn(), p = udp();
	struct sl_limit *l = leased_conns(*state, SL_FALLBACK_SAFE, SL_NS_S);

	l->safe_packets = sl_shield_rate(0, 2);
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_PASS);
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_LEASE_SAFE);
	sl_expect(*state, &p, SL_TENANT, SL_REASON_PASS);
	sl_expect(*state, &p, SL_TENANT, SL_REASON_LEASE_SAFE);
	l->safe_new_conns = sl_shield_rate(0, 2);
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_LEASE_SAFE);
	l->safe_packets = (struct sl_rate){ 0 };
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_PASS);
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_LEASE_SAFE);
	/* No safe rate, or no limit of new connections: none. */
	l->safe_new_conns = (struct sl_rate){ 0 };
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_PASS);
	l->safe_new_conns.cost = SL_COST_NEVER;
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_LEASE_SAFE);
	l->ingress.flags &= ~(uint32_t)SL_SIDE_NEW_CONNS;
	sl_expect(*state, &s1, SL_TENANT, SL_REASON_PASS);
}

static void new_connections_walk_to_the_safe_rate_too(void **state)
{
	const struct sl_pkt s1 = syn();

	for (size_t i = 0; i < SL_ROWS(walks); i++) {
		struct sl_limit *l = leased_conns(*state, SL_FALLBACK_BLEND, walks[i].over_ns);
		uint64_t before = sl_counted(*state, SL_TENANT, SL_REASON_PASS).packets;

		l->new_conns = sl_shield_rate(1, 40);
		l->safe_new_conns = sl_shield_rate(1, 8);
		(void)sl_run(*state, SL_AT_XDP, &s1, 41, NULL);
		assert_in_range(sl_counted(*state, SL_TENANT, SL_REASON_PASS).packets - before,
				walks[i].least, walks[i].most);
	}
}

/* Nobody writes: the kernel's own clock ends the lease. */
static void a_lease_ends_by_itself(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;
	const struct sl_limit *l =
		leased(s, SL_FALLBACK_CLOSED, sl_shield_now_ns() + 100 * SL_NS_MS);

	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	spin_until(s, l->ingress.lease_until_ns);
	sl_expect(s, &p, SL_TENANT, SL_REASON_LEASE_CLOSED);
}

/* A block outlives the lease, and shedding does not reach into an open fallback. */
static void a_block_comes_before_the_lease(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_limit *l = leased(*state, SL_FALLBACK_OPEN, 1);

	l->ingress.flags |= SL_SIDE_BLOCKED;
	sl_expect(*state, &p, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	l->ingress.flags &= ~(uint32_t)SL_SIDE_BLOCKED;
	sl_expect(*state, &p, SL_TENANT, SL_REASON_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_blocked_prefix_is_dropped, sl_setup_world),
		cmocka_unit_test_setup(a_block_ends, sl_setup_world),
		cmocka_unit_test_setup(the_longest_block_decides, sl_setup_world),
		cmocka_unit_test_setup(a_block_guards_what_is_protected, sl_setup_world),
		cmocka_unit_test_setup(a_blocked_tenant_is_dropped_until_then, sl_setup_world),
		cmocka_unit_test_setup(within_its_lease_a_limit_is_itself, sl_setup_world),
		cmocka_unit_test_setup(after_its_lease_the_fallback_holds, sl_setup_world),
		cmocka_unit_test_setup(safe_bytes_are_a_limit_too, sl_setup_world),
		cmocka_unit_test_setup(a_blend_walks_from_the_last_limit_to_the_safe_one,
				       sl_setup_world),
		cmocka_unit_test_setup(after_its_lease_new_connections_have_their_fallback,
				       sl_setup_world),
		cmocka_unit_test_setup(safe_connections_and_packets_are_taken_together,
				       sl_setup_world),
		cmocka_unit_test_setup(new_connections_walk_to_the_safe_rate_too, sl_setup_world),
		cmocka_unit_test_setup(a_lease_ends_by_itself, sl_setup_world),
		cmocka_unit_test_setup(a_block_comes_before_the_lease, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
