// SPDX-License-Identifier: Apache-2.0
/*
 * Each limit of a tenant, to the packet. The rates are one an hour, so a test sees the
 * burst and no more: a burst of N admits exactly N.
 */
#include "tests/harness/test.h"

#include <netinet/tcp.h>

#include "tests/harness/suite.h"

#define FRAME_BYTES 100u

static struct sl_pkt udp(void)
{
	return SL_PKT(.to = SL_LOCAL4, .payload_bytes = FRAME_BYTES - 42);
}

static struct sl_pkt syn(void)
{
	return SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
}

static struct sl_pkt later_fragment(void)
{
	return SL_PKT(.to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8);
}

static void admits(const struct sl_shield *s, const struct sl_pkt *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sl_expect(s, p, SL_TENANT, SL_REASON_PASS);
}

static void refuses(const struct sl_shield *s, const struct sl_pkt *p, enum sl_reason reason)
{
	for (unsigned i = 0; i < 3; i++)
		sl_expect(s, p, SL_TENANT, reason);
}

/* The clocks of a side: a jiffy's and the fine one. */
static const uint32_t clocks[] = { 0, SL_SIDE_KTIME };

/* ---- packets and bytes -------------------------------------------------------------------- */

static void a_burst_of_packets_is_exact(void **state)
{
	static const unsigned bursts[] = { 1, 2, 3, 10, 57 };
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(bursts) * SL_ROWS(clocks); i++) {
		struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;

		side->gen++;
		side->flags = clocks[i % 2];
		side->packets = sl_shield_rate(0, bursts[i / 2]);
		admits(s, &p, bursts[i / 2]);
		refuses(s, &p, SL_REASON_RATE_PACKETS);
	}
}

static void a_burst_of_bytes_is_exact(void **state)
{
	const struct sl_pkt p = udp(), small = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(clocks); i++) {
		struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;

		side->gen++;
		side->flags = clocks[i];
		side->bytes = sl_shield_bytes_rate(0, 5 * FRAME_BYTES + small.length + 1);
		admits(s, &p, 5);
		refuses(s, &p, SL_REASON_RATE_BYTES);
		admits(s, &small, 1); /* a smaller one still fits */
		refuses(s, &small, SL_REASON_RATE_BYTES);
	}
}

/* What the link adds to each packet is charged and counted. */
static void overhead_is_charged(void **state)
{
	const struct sl_pkt p = udp();
	const struct sl_arrival arrival = { .charged_bytes = FRAME_BYTES + 24 };
	struct sl_shield *s = *state;

	s->ctl->half[0].overhead_ingress_bytes = 24;
	s->ctl->half[0].overhead_egress_bytes = 1000;
	sl_shield_limit(s, SL_TENANT)->ingress.bytes =
		sl_shield_bytes_rate(0, 2 * (FRAME_BYTES + 24));
	for (unsigned i = 0; i < 3; i++)
		sl_expect_at(SL_HERE("overhead"), s, &arrival, &p,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = i < 2 ? SL_REASON_PASS
								   : SL_REASON_RATE_BYTES });
}

static void over_the_bytes_costs_no_packet(void **state)
{
	const struct sl_pkt big = udp(), small = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;

	side->packets = sl_shield_rate(0, 4);
	side->bytes = sl_shield_bytes_rate(0, FRAME_BYTES + 4 * small.length);
	admits(s, &big, 1);
	admits(s, &small, 2);
	refuses(s, &big, SL_REASON_RATE_BYTES);
	admits(s, &small, 1);
	refuses(s, &small, SL_REASON_RATE_PACKETS);
}

static void over_the_packets_costs_no_bytes(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;
	uint64_t bytes_tat_cu;

	side->packets = sl_shield_rate(0, 1);
	side->bytes = sl_shield_bytes_rate(0, 10 * FRAME_BYTES);
	admits(s, &p, 1);
	bytes_tat_cu = s->buckets[SL_TENANT].ingress.bytes_tat_cu;
	refuses(s, &p, SL_REASON_RATE_PACKETS);
	assert_int_equal(s->buckets[SL_TENANT].ingress.bytes_tat_cu, bytes_tat_cu);
}

static void without_a_limit_nothing_is_charged(void **state)
{
	static const struct sl_bucket untouched = { .ingress = { .gen = 1 } };
	const struct sl_pkt p = udp(), s1 = syn(), f = later_fragment();
	struct sl_shield *s = *state;

	admits(s, &p, 20);
	s->buckets[SL_TENANT] = untouched;
	admits(s, &p, 20);
	admits(s, &s1, 20);
	admits(s, &f, 20);
	assert_memory_equal(&s->buckets[SL_TENANT], &untouched, sizeof(untouched));
}

/* Dearer than the whole burst: a full bucket lets it through and owes the rest. */
static void a_dear_packet_passes_once_and_leaves_a_debt(void **state)
{
	const struct sl_pkt p = udp(), small = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;
	uint64_t cost_cu, ahead_cu;

	side->flags = SL_SIDE_KTIME;
	side->bytes = sl_shield_bytes_rate(0, FRAME_BYTES / 2);
	admits(s, &p, 1);
	cost_cu = side->bytes.cost * FRAME_BYTES >> SL_BYTE_COST_SHIFT;
	ahead_cu = s->buckets[SL_TENANT].ingress.bytes_tat_cu -
		   (sl_shield_now_ns() << SL_CREDIT_SHIFT);
	assert_in_range(ahead_cu, cost_cu - SL_CU_S, cost_cu);
	refuses(s, &p, SL_REASON_RATE_BYTES);
	refuses(s, &small, SL_REASON_RATE_BYTES);
}

/* ---- new connections and fragments ----------------------------------------------------------- */

static void new_connections_have_a_burst_of_their_own(void **state)
{
	const struct sl_pkt s1 = syn(), p = udp();
	const struct sl_pkt synack =
		SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN | TH_ACK);
	const struct sl_pkt fin =
		SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_FIN | TH_ACK);
	const struct sl_pkt odd =
		SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN | TH_FIN | TH_URG);
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS;
	l->new_conns = sl_shield_rate(0, 3);
	admits(s, &s1, 2);
	admits(s, &odd, 1); /* it has the SYN bit and no ACK */
	refuses(s, &s1, SL_REASON_RATE_NEW_CONNS);
	refuses(s, &odd, SL_REASON_RATE_NEW_CONNS);
	admits(s, &p, 5);
	admits(s, &synack, 5);
	admits(s, &fin, 5);
}

static void fragments_have_a_burst_of_their_own(void **state)
{
	const struct sl_pkt later = later_fragment(), p = udp();
	const struct sl_pkt later6 =
		SL_PKT(.to = SL_LOCAL6, .extensions = { 44 }, .extension_count = 1, .fragment = 9);
	const struct sl_pkt first =
		SL_PKT(.to = SL_LOCAL4, .more_fragments = 1, .payload_bytes = 8);
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_FRAGMENTS;
	l->fragments = sl_shield_rate(0, 3);
	admits(s, &later, 2);
	admits(s, &later6, 1);
	refuses(s, &later, SL_REASON_FRAGMENTS);
	refuses(s, &later6, SL_REASON_FRAGMENTS);
	admits(s, &p, 5);
	admits(s, &first, 5);
}

static void a_rate_of_never_admits_none(void **state)
{
	const struct sl_pkt s1 = syn(), later = later_fragment(), p = udp();
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_FRAGMENTS | SL_SIDE_NEW_CONNS;
	l->fragments.cost = l->new_conns.cost = SL_COST_NEVER;
	refuses(s, &s1, SL_REASON_RATE_NEW_CONNS);
	refuses(s, &later, SL_REASON_FRAGMENTS);
	admits(s, &p, 5);
}

/* The limits without their flag are not looked at. */
static void a_limit_without_its_flag_is_none(void **state)
{
	const struct sl_pkt s1 = syn(), later = later_fragment();
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->fragments.cost = l->new_conns.cost = SL_COST_NEVER;
	l->conns_max = 0;
	admits(s, &s1, 5);
	admits(s, &later, 5);
}

/* What the packet rate refuses has not cost a connection, nor the other way round. */
static void a_refusal_charges_no_other_bucket(void **state)
{
	const struct sl_pkt s1 = syn(), p = udp(), later = later_fragment();
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS;
	l->ingress.packets = sl_shield_rate(0, 4);
	l->new_conns = sl_shield_rate(0, 1);
	l->fragments = sl_shield_rate(0, 1);
	admits(s, &s1, 1);
	admits(s, &later, 1);
	refuses(s, &s1, SL_REASON_RATE_NEW_CONNS);
	refuses(s, &later, SL_REASON_FRAGMENTS);
	admits(s, &p, 2);
	refuses(s, &p, SL_REASON_RATE_PACKETS);

	l->new_conns = sl_shield_rate(0, 2);
	refuses(s, &s1, SL_REASON_RATE_PACKETS);
	l->ingress.packets.cost = 0;
	admits(s, &s1, 1);
	refuses(s, &s1, SL_REASON_RATE_NEW_CONNS);
}

static void a_tenants_limit_is_no_other_tenants(void **state)
{
	const struct sl_pkt mine = udp(), theirs = SL_PKT(.to = SL_OTHER4);
	struct sl_shield *s = *state;

	sl_shield_service(s, 0,
			  &(struct sl_service_set){ .address = SL_OTHER4,
						    .protocol = IPPROTO_UDP,
						    .port = 443,
						    .flags = SL_SERVICE_TENANT,
						    .tenant = 8 });
	sl_shield_limit(s, SL_TENANT)->ingress.packets = sl_shield_rate(0, 1);
	sl_shield_limit(s, 8)->egress.packets = sl_shield_rate(0, 1);
	admits(s, &mine, 1);
	refuses(s, &mine, SL_REASON_RATE_PACKETS);
	for (unsigned i = 0; i < 10; i++)
		sl_expect(s, &theirs, 8, SL_REASON_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_burst_of_packets_is_exact, sl_setup_world),
		cmocka_unit_test_setup(a_burst_of_bytes_is_exact, sl_setup_world),
		cmocka_unit_test_setup(overhead_is_charged, sl_setup_world),
		cmocka_unit_test_setup(over_the_bytes_costs_no_packet, sl_setup_world),
		cmocka_unit_test_setup(over_the_packets_costs_no_bytes, sl_setup_world),
		cmocka_unit_test_setup(without_a_limit_nothing_is_charged, sl_setup_world),
		cmocka_unit_test_setup(a_dear_packet_passes_once_and_leaves_a_debt, sl_setup_world),
		cmocka_unit_test_setup(new_connections_have_a_burst_of_their_own, sl_setup_world),
		cmocka_unit_test_setup(fragments_have_a_burst_of_their_own, sl_setup_world),
		cmocka_unit_test_setup(a_rate_of_never_admits_none, sl_setup_world),
		cmocka_unit_test_setup(a_limit_without_its_flag_is_none, sl_setup_world),
		cmocka_unit_test_setup(a_refusal_charges_no_other_bucket, sl_setup_world),
		cmocka_unit_test_setup(a_tenants_limit_is_no_other_tenants, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
