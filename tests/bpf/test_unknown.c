// SPDX-License-Identifier: Apache-2.0
/*
 * Tenant 0, which strangers share: a share for each source, in memory that a spoofed
 * flood cannot fill, and a reserve for those who have completed a handshake.
 */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <string.h>

#include "sluice/hash.h"
#include "tests/harness/suite.h"

#define SPOOFED 100000u
#define STEADY	"198.18.0.1"

static int nobodys(void **state)
{
	sl_shield_reset(*state);
	sl_shield_protect(*state, 0, SL_TENANT_NONE);
	return 0;
}

static void expect_all(const struct sl_shield *s, const struct sl_pkt *p, unsigned count,
		       enum sl_reason reason)
{
	for (unsigned i = 0; i < count; i++)
		sl_expect(s, p, SL_TENANT_UNKNOWN, reason);
}

/* ---- policy ---------------------------------------------------------------------------------- */

static void a_miss_is_limited_passed_or_dropped(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.packets = sl_shield_rate(0, 2);
	expect_all(s, &p, 2, SL_REASON_PASS);
	expect_all(s, &p, 2, SL_REASON_RATE_PACKETS);
	sl_shield_live(s)->on_miss = SL_ON_MISS_PASS;
	expect_all(s, &p, 5, SL_REASON_PASS);
	sl_shield_live(s)->on_miss = SL_ON_MISS_DROP;
	expect_all(s, &p, 5, SL_REASON_UNKNOWN_DENIED);
}

/* Who is somebody is not affected by the policy for nobody. */
static void the_policy_is_for_strangers_only(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	sl_shield_live(s)->on_miss = SL_ON_MISS_DROP;
	sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
	sl_shield_source(s, "10.0.0.0/8", 5, 5);
	for (unsigned i = 0; i < 5; i++)
		sl_expect(s, &p, 5, SL_REASON_PASS);
}

/* ---- shares -----------------------------------------------------------------------------------
 */

static void each_source_has_its_share(void **state)
{
	const struct sl_pkt a = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.1");
	const struct sl_pkt b = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.2");
	const struct sl_pkt a_port = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.1", .from_port = 9);
	struct sl_shield *s = *state;

	sl_shield_live(s)->source_share = sl_shield_rate(0, 5);
	expect_all(s, &a, 5, SL_REASON_PASS);
	expect_all(s, &a, 3, SL_REASON_UNKNOWN_SOURCE);
	expect_all(s, &a_port, 1, SL_REASON_UNKNOWN_SOURCE);
	expect_all(s, &b, 5, SL_REASON_PASS);
	expect_all(s, &b, 1, SL_REASON_UNKNOWN_SOURCE);
}

/* One host has a /64 of IPv6. */
static void a_host_of_ipv6_is_its_64(void **state)
{
	const struct sl_pkt a = SL_PKT(.to = SL_LOCAL6, .from = "2001:db8:1:1::1");
	const struct sl_pkt same = SL_PKT(.to = SL_LOCAL6, .from = "2001:db8:1:1:ffff::2");
	const struct sl_pkt other = SL_PKT(.to = SL_LOCAL6, .from = "2001:db8:1:2::1");
	struct sl_shield *s = *state;

	sl_shield_live(s)->source_share = sl_shield_rate(0, 4);
	expect_all(s, &a, 2, SL_REASON_PASS);
	expect_all(s, &same, 2, SL_REASON_PASS);
	expect_all(s, &a, 1, SL_REASON_UNKNOWN_SOURCE);
	expect_all(s, &other, 4, SL_REASON_PASS);
}

/* What tenant 0's limit refuses has not used up the share of its source. */
static void a_refused_packet_costs_no_share(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress;

	sl_shield_live(s)->source_share = sl_shield_rate(0, 3);
	side->packets = sl_shield_rate(0, 1);
	expect_all(s, &p, 1, SL_REASON_PASS);
	expect_all(s, &p, 9, SL_REASON_RATE_PACKETS);
	side->packets.cost = 0;
	expect_all(s, &p, 2, SL_REASON_PASS);
	expect_all(s, &p, 1, SL_REASON_UNKNOWN_SOURCE);
}

/* And a source over its share costs tenant 0 nothing. */
static void over_the_share_costs_the_others_nothing(void **state)
{
	const struct sl_pkt greedy = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.1");
	const struct sl_pkt modest = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.2");
	struct sl_shield *s = *state;

	sl_shield_live(s)->source_share = sl_shield_rate(0, 3);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.packets = sl_shield_rate(0, 5);
	expect_all(s, &greedy, 3, SL_REASON_PASS);
	expect_all(s, &greedy, 20, SL_REASON_UNKNOWN_SOURCE);
	expect_all(s, &modest, 2, SL_REASON_PASS);
}

/* The cell of each kind that a source of this address has. */
static uint32_t cell_of(const struct sl_shield *s, uint32_t address_be, unsigned choice)
{
	const uint64_t hash = sl_source_hash(address_be, s->ctl->hash_seed);

	return (uint32_t)(hash >> (choice * 32)) & (SL_SHIELD_CELLS - 1);
}

/* Another source, which shares the first cell of @address_be and not the second. */
static uint32_t neighbour_of(const struct sl_shield *s, uint32_t address_be)
{
	for (uint32_t i = 1;; i++) {
		const uint32_t other_be = htonl(0x0b000000u + i);

		if (cell_of(s, other_be, 0) == cell_of(s, address_be, 0) &&
		    cell_of(s, other_be, 1) != cell_of(s, address_be, 1))
			return other_be;
	}
}

/* Two sources in one cell: the one over its share harms the other not, nor is it freed by it. */
static void neighbours_in_a_cell_neither_harm_nor_help(void **state)
{
	const struct sl_pkt greedy = SL_PKT(.to = SL_LOCAL4);
	struct sl_pkt modest = greedy;
	struct sl_shield *s = *state;
	uint32_t address;

	memcpy(&address, &greedy.bytes[greedy.l3 + 12], sizeof(address));
	address = neighbour_of(s, address);
	memcpy(&modest.bytes[modest.l3 + 12], &address, sizeof(address));
	sl_shield_live(s)->source_share = sl_shield_rate(0, 5);
	expect_all(s, &greedy, 5, SL_REASON_PASS);
	for (unsigned i = 0; i < 5; i++) {
		expect_all(s, &greedy, 1, SL_REASON_UNKNOWN_SOURCE);
		expect_all(s, &modest, 1, SL_REASON_PASS);
	}
	expect_all(s, &modest, 1, SL_REASON_UNKNOWN_SOURCE);
	expect_all(s, &greedy, 1, SL_REASON_UNKNOWN_SOURCE);
}

/* A cell left by a slower share, or by nobody for half a wrap, refuses nobody. */
static void a_cell_from_another_age_counts_as_now(void **state)
{
	static const uint64_t ages_cu[] = { 1ull << 62, (1ull << 63) - SL_CU_S,
					    (1ull << 63) + SL_CU_S, 3ull << 62 };
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	sl_shield_live(s)->source_share = sl_shield_rate(0, 2);
	for (size_t i = 0; i < SL_ROWS(ages_cu); i++) {
		for (unsigned cell = 0; cell < SL_SHIELD_CELLS; cell++)
			s->cells[cell].tat_cu =
				(sl_shield_now_ns() << SL_CREDIT_SHIFT) + ages_cu[i];
		expect_all(s, &p, 2, SL_REASON_PASS);
		expect_all(s, &p, 2, SL_REASON_UNKNOWN_SOURCE);
	}
}

/* ---- the flood --------------------------------------------------------------------------------
 */

static void set_source(struct sl_pkt *p, uint32_t number)
{
	const uint32_t address = 0x0b000000u + number * 2654435761u % 0x3fffffffu;

	sl_pkt_put16(p, p->l3 + 12, (uint16_t)(address >> 16));
	sl_pkt_put16(p, p->l3 + 14, (uint16_t)address);
}

/* A flood of one packet each of SPOOFED sources; @steady comes once in a hundred. */
static unsigned flood(const struct sl_shield *s, const struct sl_pkt *steady)
{
	struct sl_pkt spoofed = SL_PKT(.to = SL_LOCAL4);
	unsigned passed = 0;

	for (uint32_t i = 0; i < SPOOFED; i++) {
		set_source(&spoofed, i);
		(void)sl_run(s, SL_AT_XDP, &spoofed, 1, NULL);
		if (i % 100 == 0)
			passed += sl_run(s, SL_AT_XDP, steady, 1, NULL) == XDP_PASS;
	}
	return passed;
}

/*
 * 65,536 cells and 100,000 sources: each cell is hit thrice, yet who stays within his
 * share is never taken for one over it.
 */
static void a_spoofed_flood_takes_nobodys_share(void **state)
{
	const struct sl_pkt steady = SL_PKT(.to = SL_LOCAL4, .from = STEADY);
	struct sl_shield *s = *state;
	struct sl_count sum;
	struct sl_tally tally;

	/* One an hour: what the flood does to a cell stays. It may cost three packets. */
	sl_shield_live(s)->source_share = sl_shield_rate(0, SPOOFED / 100 + 3);
	assert_int_equal(flood(s, &steady), SPOOFED / 100);
	sl_tally_read(&tally, s);
	sum = sl_tally_sum(&tally, SL_INGRESS);
	assert_int_equal(sum.packets, SPOOFED + SPOOFED / 100);
	assert_int_equal(sl_counted(s, SL_TENANT_UNKNOWN, SL_REASON_UNKNOWN_SOURCE).packets, 0);
}

static void prove(const struct sl_shield *s, const struct sl_pkt *p, int64_t for_s)
{
	uint32_t address;
	uint64_t hash;
	uint32_t index;
	struct sl_proven cell;

	memcpy(&address, &p->bytes[p->l3 + 12], sizeof(address));
	hash = sl_source_hash(address, s->ctl->hash_seed);
	index = (uint32_t)hash & (SL_SHIELD_CELLS - 1);
	cell.tag = (uint32_t)(hash >> 32) | 1;
	cell.until_s = (uint32_t)((int64_t)(sl_shield_now_ns() / SL_NS_S) + for_s);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(s->skel->maps.sl_proven), &index, &cell, BPF_ANY),
		0);
}

static uint32_t proven_until_s(const struct sl_shield *s, const struct sl_pkt *p)
{
	uint32_t address, index;
	struct sl_proven cell;

	memcpy(&address, &p->bytes[p->l3 + 12], sizeof(address));
	index = (uint32_t)sl_source_hash(address, s->ctl->hash_seed) & (SL_SHIELD_CELLS - 1);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.sl_proven), &index, &cell),
			 0);
	return cell.until_s;
}

static void set_proving(struct sl_shield *s)
{
	sl_shield_live(s)->features |= SL_FEATURE_PROVEN;
	sl_shield_live(s)->proven_s = 600;
}

/* The flood uses up all that tenant 0 has; the reserve is not its to take. */
static void the_reserve_is_the_provens_alone(void **state)
{
	const struct sl_pkt steady = SL_PKT(.to = SL_LOCAL4, .from = STEADY);
	struct sl_shield *s = *state;

	set_proving(s);
	sl_shield_live(s)->source_share = sl_shield_rate(0, 2000);
	sl_shield_live(s)->proven_packets = sl_shield_rate(0, SPOOFED / 100);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.packets = sl_shield_rate(0, 500);
	prove(s, &steady, 600);
	assert_int_equal(flood(s, &steady), SPOOFED / 100);
	assert_int_equal(sl_counted(s, SL_TENANT_UNKNOWN, SL_REASON_PASS).packets,
			 500 + SPOOFED / 100);
	assert_true(sl_explain(s, SL_AT_XDP, &steady).proven);
	expect_all(s, &steady, 2, SL_REASON_RATE_PACKETS); /* and it too has an end */
}

static void a_proven_source_has_cells_of_its_own(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	set_proving(s);
	sl_shield_live(s)->source_share = sl_shield_rate(0, 3);
	for (unsigned i = 0; i < SL_SHIELD_CELLS; i++)
		s->cells[i].tat_cu = (sl_shield_now_ns() << SL_CREDIT_SHIFT) +
				     sl_shield_live(s)->source_share.burst_cu;
	expect_all(s, &p, 2, SL_REASON_UNKNOWN_SOURCE);
	prove(s, &p, 600);
	expect_all(s, &p, 3, SL_REASON_PASS);
	expect_all(s, &p, 2, SL_REASON_UNKNOWN_SOURCE);
}

static void a_proof_ends(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4),
			    other = SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.2");
	struct sl_shield *s = *state;

	set_proving(s);
	prove(s, &p, 100);
	assert_true(sl_explain(s, SL_AT_XDP, &p).proven);
	assert_false(sl_explain(s, SL_AT_XDP, &other).proven);
	prove(s, &p, -1);
	assert_false(sl_explain(s, SL_AT_XDP, &p).proven);
	prove(s, &p, 100);
	sl_shield_live(s)->features = 0;
	assert_false(sl_explain(s, SL_AT_XDP, &p).proven);
}

/* Traffic of a connection renews a proof that is half over; a SYN or UDP does not. */
static void a_proof_is_renewed_by_its_connection(void **state)
{
	const struct sl_pkt ack = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_ACK);
	const struct sl_pkt syn = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
	const struct sl_pkt udp = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	uint32_t until_s;

	set_proving(s);
	prove(s, &ack, 290);
	until_s = proven_until_s(s, &ack);
	(void)sl_explain(s, SL_AT_XDP, &ack);
	expect_all(s, &syn, 1, SL_REASON_PASS);
	expect_all(s, &udp, 1, SL_REASON_PASS);
	assert_int_equal(proven_until_s(s, &ack), until_s);
	expect_all(s, &ack, 1, SL_REASON_PASS);
	assert_in_range(proven_until_s(s, &ack), until_s + 300, until_s + 320);

	prove(s, &ack, 310);
	until_s = proven_until_s(s, &ack);
	expect_all(s, &ack, 1, SL_REASON_PASS);
	assert_int_equal(proven_until_s(s, &ack), until_s);
}

/* Without a reserve it shares tenant 0's limit with the strangers, and stays proven. */
static void a_proof_is_renewed_though_tenant_0_is_used_up(void **state)
{
	const struct sl_pkt ack = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_ACK);
	struct sl_shield *s = *state;
	uint32_t until_s;

	set_proving(s);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.packets = sl_shield_rate(0, 1);
	expect_all(s, &ack, 1, SL_REASON_PASS);
	prove(s, &ack, 290);
	until_s = proven_until_s(s, &ack);
	expect_all(s, &ack, 1, SL_REASON_RATE_PACKETS);
	assert_in_range(proven_until_s(s, &ack), until_s + 300, until_s + 320);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_miss_is_limited_passed_or_dropped, nobodys),
		cmocka_unit_test_setup(the_policy_is_for_strangers_only, nobodys),
		cmocka_unit_test_setup(each_source_has_its_share, nobodys),
		cmocka_unit_test_setup(a_host_of_ipv6_is_its_64, nobodys),
		cmocka_unit_test_setup(a_refused_packet_costs_no_share, nobodys),
		cmocka_unit_test_setup(over_the_share_costs_the_others_nothing, nobodys),
		cmocka_unit_test_setup(neighbours_in_a_cell_neither_harm_nor_help, nobodys),
		cmocka_unit_test_setup(a_cell_from_another_age_counts_as_now, nobodys),
		cmocka_unit_test_setup(a_spoofed_flood_takes_nobodys_share, nobodys),
		cmocka_unit_test_setup(the_reserve_is_the_provens_alone, nobodys),
		cmocka_unit_test_setup(a_proven_source_has_cells_of_its_own, nobodys),
		cmocka_unit_test_setup(a_proof_ends, nobodys),
		cmocka_unit_test_setup(a_proof_is_renewed_by_its_connection, nobodys),
		cmocka_unit_test_setup(a_proof_is_renewed_though_tenant_0_is_used_up, nobodys),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
