// SPDX-License-Identifier: Apache-2.0
/*
 * Tenant 0 when a flood has used it up. That is asked before the share of a source, and
 * for most packets by a shorter way than the judge's: it must refuse nobody whom the
 * judge admits, name the judge's reason, and charge nothing.
 */
#include "tests/harness/test.h"

#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/suite.h"

#define CALM "10.0.0.2"

static int nobodys(void **state)
{
	sl_shield_reset(*state);
	sl_shield_protect(*state, 0, SL_TENANT_NONE);
	return 0;
}

static struct sl_side *ingress(struct sl_shield *s)
{
	return &sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress;
}

static void expect(const struct sl_shield *s, const struct sl_pkt *p, enum sl_reason reason)
{
	sl_expect(s, p, SL_TENANT_UNKNOWN, reason);
}

/* One packet a source and one of all: the first takes both. */
static struct sl_pkt spend(struct sl_shield *s)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);

	sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
	ingress(s)->packets = sl_shield_rate(0, 1);
	expect(s, &p, SL_REASON_PASS);
	return p;
}

/* ---- which reason ----------------------------------------------------------------------- */

static void limit_packets(struct sl_limit *l)
{
	l->ingress.packets = sl_shield_rate(0, 1);
}

static void limit_bytes(struct sl_limit *l)
{
	l->ingress.bytes = sl_shield_bytes_rate(0, 60);
}

static void limit_both(struct sl_limit *l)
{
	limit_packets(l);
	limit_bytes(l);
}

static void limit_new_conns(struct sl_limit *l)
{
	l->ingress.flags |= SL_SIDE_NEW_CONNS;
	l->new_conns = sl_shield_rate(0, 1);
}

static void limit_fragments(struct sl_limit *l)
{
	l->ingress.flags |= SL_SIDE_FRAGMENTS;
	l->fragments = sl_shield_rate(0, 1);
}

static const struct limited {
	const char *name;
	void (*limit)(struct sl_limit *l);
	struct sl_pkt_spec packet;
	enum sl_reason reason;
} limits[] = {
	{ "packets", limit_packets, { .to = SL_LOCAL4 }, SL_REASON_RATE_PACKETS },
	{ "bytes", limit_bytes, { .to = SL_LOCAL4 }, SL_REASON_RATE_BYTES },
	{ "bytes come first", limit_both, { .to = SL_LOCAL4 }, SL_REASON_RATE_BYTES },
	{ "IPv6", limit_packets, { .to = SL_LOCAL6 }, SL_REASON_RATE_PACKETS },
	{ "new connections",
	  limit_new_conns,
	  { .to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN },
	  SL_REASON_RATE_NEW_CONNS },
	{ "fragments",
	  limit_fragments,
	  { .to = SL_LOCAL4, .fragment = 1, .payload_bytes = 18 },
	  SL_REASON_FRAGMENTS },
};

/*
 * A source over its share, of a tenant 0 that is used up: counted as the latter. And it
 * is the source's again once tenant 0 has room. The explain program is asked each time.
 */
static void the_whole_is_asked_before_the_share(void **state)
{
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(limits); i++) {
		const struct sl_pkt p = sl_pkt_build(&limits[i].packet);
		struct sl_limit *l;

		(void)nobodys(state);
		l = sl_shield_limit(s, SL_TENANT_UNKNOWN);
		sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
		limits[i].limit(l);
		for (unsigned n = 0; n < 4; n++)
			sl_expect_at(SL_HERE(limits[i].name), s, SL_AT_XDP, &p,
				     (struct sl_expected){ .tenant = SL_TENANT_UNKNOWN,
							   .reason = n ? limits[i].reason
								       : SL_REASON_PASS });
		l->ingress.packets.cost = l->ingress.bytes.cost = 0;
		l->ingress.flags = 0;
		expect(s, &p, SL_REASON_UNKNOWN_SOURCE);
	}
}

/* What is refused so has charged nothing: neither tenant 0 nor the source. */
static void a_refusal_writes_nothing(void **state)
{
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(limits); i++) {
		const struct sl_pkt p = sl_pkt_build(&limits[i].packet);
		struct sl_bucket before;

		(void)nobodys(state);
		limits[i].limit(sl_shield_limit(s, SL_TENANT_UNKNOWN));
		expect(s, &p, SL_REASON_PASS);
		before = s->buckets[SL_TENANT_UNKNOWN];
		memset(s->cells, 0, 2 * SL_SHIELD_CELLS * sizeof(*s->cells));
		sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
		for (unsigned n = 0; n < 10; n++)
			expect(s, &p, limits[i].reason);
		assert_memory_equal(&s->buckets[SL_TENANT_UNKNOWN], &before, sizeof(before));
		for (unsigned n = 0; n < 2 * SL_SHIELD_CELLS; n++)
			assert_int_equal(s->cells[n].tat_cu, 0);
	}
}

/* ---- what else decides ------------------------------------------------------------------- */

static void block_it(struct sl_shield *s)
{
	sl_shield_block(s, CALM "/32", 0);
}

static void block_another(struct sl_shield *s)
{
	sl_shield_block(s, "10.9.0.0/16", 0);
}

static void pass_strangers(struct sl_shield *s)
{
	sl_shield_live(s)->on_miss = SL_ON_MISS_PASS;
}

static void drop_strangers(struct sl_shield *s)
{
	sl_shield_live(s)->on_miss = SL_ON_MISS_DROP;
}

static void block_tenant(struct sl_shield *s)
{
	ingress(s)->flags |= SL_SIDE_BLOCKED;
}

static void end_lease_open(struct sl_shield *s)
{
	ingress(s)->flags |= SL_FALLBACK_OPEN << SL_SIDE_FALLBACK_SHIFT;
	ingress(s)->lease_until_ns = 1;
}

static void end_lease_closed(struct sl_shield *s)
{
	ingress(s)->flags |= SL_FALLBACK_CLOSED << SL_SIDE_FALLBACK_SHIFT;
	ingress(s)->lease_until_ns = 1;
}

static void shed_all(struct sl_shield *s)
{
	ingress(s)->shed_until_ns = sl_shield_now_ns() + SL_HOUR_S * SL_NS_S;
	ingress(s)->shed_permille = 1000;
}

static void switch_off(struct sl_shield *s)
{
	ingress(s)->flags |= SL_MODE_OFF;
}

static void give_to_another(struct sl_shield *s)
{
	ingress(s)->gen++;
}

static void keep(struct sl_shield *s)
{
	(void)s;
}

/* A packet of a new source, with tenant 0 used up and @prepare done, is @reason. */
static void the_rest_decides_as_before(void **state)
{
	static const struct {
		const char *name;
		void (*prepare)(struct sl_shield *s);
		enum sl_reason reason;
	} rows[] = {
		{ "used up", keep, SL_REASON_RATE_PACKETS },
		{ "a blocked prefix", block_it, SL_REASON_BLOCKED_PREFIX },
		{ "another's block", block_another, SL_REASON_RATE_PACKETS },
		{ "the policy pass", pass_strangers, SL_REASON_PASS },
		{ "the policy drop", drop_strangers, SL_REASON_UNKNOWN_DENIED },
		{ "a blocked tenant 0", block_tenant, SL_REASON_BLOCKED_TENANT },
		{ "a lease that ended open", end_lease_open, SL_REASON_PASS },
		{ "a lease that ended closed", end_lease_closed, SL_REASON_LEASE_CLOSED },
		{ "shedding", shed_all, SL_REASON_SHED },
		{ "mode off", switch_off, SL_REASON_PASS },
		{ "new buckets", give_to_another, SL_REASON_PASS },
	};
	const struct sl_pkt calm = SL_PKT(.to = SL_LOCAL4, .from = CALM);
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		(void)nobodys(state);
		(void)spend(s);
		rows[i].prepare(s);
		sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &calm,
			     (struct sl_expected){ .tenant = SL_TENANT_UNKNOWN,
						   .reason = rows[i].reason });
	}
}

static void in_shadow_it_is_counted_and_passes(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = spend(s);

	ingress(s)->flags |= SL_MODE_SHADOW;
	sl_expect_at(SL_HERE(""), s, SL_AT_XDP, &p,
		     (struct sl_expected){ .tenant = SL_TENANT_UNKNOWN,
					   .reason = SL_REASON_RATE_PACKETS,
					   .shadow = true });
}

/* A client that wants to be told is told, though it is a stranger's SYN. */
static void a_reset_is_sent_all_the_same(void **state)
{
	const struct sl_pkt syn = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
	struct sl_shield *s = *state;

	limit_new_conns(sl_shield_limit(s, SL_TENANT_UNKNOWN));
	ingress(s)->flags |= SL_SIDE_RESET;
	s->ctl->reset_cost_cu = SL_CU_S;
	s->ctl->reset_burst_cu = 100 * SL_CU_S;
	expect(s, &syn, SL_REASON_PASS);
	expect(s, &syn, SL_REASON_NEW_CONNS_RESET);
}

/* A word that no legal charge left is pulled back, not taken for tenant 0 used up. */
static void a_word_astray_is_pulled_back(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct sl_tally tally;

	ingress(s)->packets = sl_shield_rate(1000, 10);
	expect(s, &p, SL_REASON_PASS);
	s->buckets[SL_TENANT_UNKNOWN].ingress.packets_tat_cu =
		(sl_shield_now_ns() << SL_CREDIT_SHIFT) + SL_HOUR_S * SL_CU_S;
	expect(s, &p, SL_REASON_RATE_PACKETS);
	sl_tally_read(&tally, s);
	assert_int_equal(tally.node.pullbacks, 1);
	assert_true(s->buckets[SL_TENANT_UNKNOWN].ingress.packets_tat_cu <
		    (sl_shield_now_ns() << SL_CREDIT_SHIFT) + SL_CU_S);
}

/* Who is somebody by his prefix is not tenant 0's, and its being used up is not his affair. */
static void it_is_the_strangers_affair_alone(void **state)
{
	const struct sl_pkt calm = SL_PKT(.to = SL_LOCAL4, .from = CALM);
	struct sl_shield *s = *state;

	(void)spend(s);
	sl_shield_source(s, CALM "/32", 5, 5);
	sl_expect(s, &calm, 5, SL_REASON_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_whole_is_asked_before_the_share, nobodys),
		cmocka_unit_test_setup(a_refusal_writes_nothing, nobodys),
		cmocka_unit_test_setup(the_rest_decides_as_before, nobodys),
		cmocka_unit_test_setup(in_shadow_it_is_counted_and_passes, nobodys),
		cmocka_unit_test_setup(a_reset_is_sent_all_the_same, nobodys),
		cmocka_unit_test_setup(a_word_astray_is_pulled_back, nobodys),
		cmocka_unit_test_setup(it_is_the_strangers_affair_alone, nobodys),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
