// SPDX-License-Identifier: Apache-2.0
/* Shedding: by class and level, whole flows, and it ends by itself. */
#include "tests/harness/test.h"

#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/suite.h"

#define FLOWS 1000u

static void shed(struct sl_shield *s, uint32_t permille)
{
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;

	side->shed_permille = permille;
	side->shed_until_ns = sl_shield_now_ns() + SL_HOUR_S * SL_NS_S;
}

/* The flow of this number: another source and port. */
static void set_flow(struct sl_pkt *p, unsigned flow)
{
	sl_pkt_put16(p, p->l3 + 14, (uint16_t)(flow * 31 + 7));
	sl_pkt_put16(p, p->l4, (uint16_t)(flow + 1024));
}

/* Marks in @ret_shed which of FLOWS flows are shed; returns how many. */
static unsigned shed_flows(struct sl_shield *s, const struct sl_pkt_spec *spec, bool *ret_shed)
{
	struct sl_pkt p = sl_pkt_build(spec);
	unsigned count = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		set_flow(&p, i);
		ret_shed[i] = sl_run(s, SL_AT_XDP, &p, 1, NULL) == XDP_DROP;
		count += ret_shed[i];
	}
	return count;
}

static const struct sl_pkt_spec new_conn = { .to = SL_LOCAL4,
					     .protocol = IPPROTO_TCP,
					     .flags = TH_SYN };
static const struct sl_pkt_spec datagram = { .to = SL_LOCAL4 };
static const struct sl_pkt_spec data = {
	.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_ACK | TH_PUSH, .payload_bytes = 10
};
static const struct sl_pkt_spec bare_ack = { .to = SL_LOCAL4,
					     .protocol = IPPROTO_TCP,
					     .flags = TH_ACK };
static const struct sl_pkt_spec fin = {
	.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_ACK | TH_FIN, .payload_bytes = 10
};
static const struct sl_pkt_spec reset = { .to = SL_LOCAL4,
					  .protocol = IPPROTO_TCP,
					  .flags = TH_RST };
static const struct sl_pkt_spec synack = { .to = SL_LOCAL4,
					   .protocol = IPPROTO_TCP,
					   .flags = TH_SYN | TH_ACK };

static void each_class_sheds_at_its_level(void **state)
{
	static const struct {
		const char *name;
		const struct sl_pkt_spec *packet;
		uint32_t level;
		unsigned permille;
	} rows[] = {
		{ "syn 0", &new_conn, 0, 0 },
		{ "syn 1", &new_conn, 1, 2 },
		{ "syn 100", &new_conn, 100, 200 },
		{ "syn 500", &new_conn, 500, 1000 },
		{ "syn 999", &new_conn, 999, 1000 },
		{ "datagram 0", &datagram, 0, 0 },
		{ "datagram 100", &datagram, 100, 100 },
		{ "datagram 900", &datagram, 900, 900 },
		{ "datagram 1000", &datagram, 1000, 1000 },
		{ "data 500", &data, 500, 0 },
		{ "data 600", &data, 600, 200 },
		{ "data 999", &data, 999, 998 },
		{ "data 1000", &data, 1000, 1000 },
		{ "ack 999", &bare_ack, 999, 0 },
		{ "fin 999", &fin, 999, 0 },
		{ "rst 999", &reset, 999, 0 },
		{ "syn+ack 999", &synack, 999, 0 },
		{ "ack 1000", &bare_ack, 1000, 1000 },
		{ "fin 1000", &fin, 1000, 1000 },
		{ "rst 1000", &reset, 1000, 1000 },
		{ "more than all", &bare_ack, 0xffffffff, 1000 },
	};
	struct sl_shield *s = *state;
	bool is_shed[FLOWS];

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const unsigned want = rows[i].permille * FLOWS / 1000;
		const unsigned slack = want == 0 || want == FLOWS ? 0 : 45;
		unsigned got;

		shed(s, rows[i].level);
		got = shed_flows(s, rows[i].packet, is_shed);
		if (got + slack < want || got > want + slack)
			fail_msg("%s: %u of %u flows shed", rows[i].name, got, FLOWS);
	}
	assert_int_equal(sl_counted(s, SL_TENANT, SL_REASON_SHED).packets +
				 sl_counted(s, SL_TENANT, SL_REASON_PASS).packets,
			 SL_ROWS(rows) * FLOWS);
}

static void a_flow_is_shed_whole_or_not_at_all(void **state)
{
	struct sl_shield *s = *state;
	bool once[FLOWS], again[FLOWS];

	shed(s, 300);
	(void)shed_flows(s, &datagram, once);
	(void)shed_flows(s, &datagram, again);
	assert_memory_equal(once, again, sizeof(once));
}

/* Raising the level sheds more flows and lets none of the shed back in. */
static void a_higher_level_sheds_more_of_the_same(void **state)
{
	struct sl_shield *s = *state;
	bool less[FLOWS], more[FLOWS], syns[FLOWS];

	shed(s, 300);
	(void)shed_flows(s, &datagram, less);
	shed(s, 600);
	(void)shed_flows(s, &datagram, more);
	for (unsigned i = 0; i < FLOWS; i++)
		assert_true(more[i] || !less[i]);

	/* Data that is shed belongs to flows whose SYN would be. */
	(void)shed_flows(s, &data, less);
	(void)shed_flows(s, &new_conn, syns);
	for (unsigned i = 0; i < FLOWS; i++)
		assert_true(syns[i] || !less[i]);
}

static void another_seed_sheds_other_flows(void **state)
{
	struct sl_shield *s = *state;
	bool before[FLOWS], after[FLOWS];

	shed(s, 500);
	(void)shed_flows(s, &datagram, before);
	s->ctl->hash_seed++;
	(void)shed_flows(s, &datagram, after);
	assert_memory_not_equal(before, after, sizeof(before));
}

static void shedding_ends_by_itself(void **state)
{
	const struct sl_pkt p = sl_pkt_build(&datagram);
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;

	for (unsigned i = 0; i < 2; i++) {
		side->flags = i ? SL_SIDE_KTIME : 0;
		shed(s, 1000);
		sl_expect(s, &p, SL_TENANT, SL_REASON_SHED);
		assert_true(sl_explain(s, SL_AT_XDP, &p).shedding);
		side->shed_until_ns = sl_shield_now_ns() - SL_NS_S;
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
		assert_false(sl_explain(s, SL_AT_XDP, &p).shedding);
		side->shed_until_ns = 0; /* not shedding */
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
		/* The deadline passes while nobody writes. */
		side->shed_until_ns = sl_shield_now_ns() + 100 * SL_NS_MS;
		sl_expect(s, &p, SL_TENANT, SL_REASON_SHED);
		while (sl_shield_now_ns() < side->shed_until_ns + 2 * s->tick_ns)
			;
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	}
}

/* What is shed is not charged, so that it costs the flows that stay nothing. */
static void shed_packets_are_not_charged(void **state)
{
	const struct sl_pkt p = sl_pkt_build(&datagram);
	struct sl_shield *s = *state;

	sl_shield_limit(s, SL_TENANT)->ingress.packets = sl_shield_rate(0, 2);
	shed(s, 1000);
	for (unsigned i = 0; i < 5; i++)
		sl_expect(s, &p, SL_TENANT, SL_REASON_SHED);
	shed(s, 0);
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &p, SL_TENANT, SL_REASON_RATE_PACKETS);
}

/* Fragments have no flow: they are shed as datagrams, by their addresses. */
static void fragments_are_shed_as_datagrams(void **state)
{
	const struct sl_pkt later =
		SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .fragment = 1, .payload_bytes = 8);
	struct sl_shield *s = *state;

	shed(s, 1000);
	sl_expect(s, &later, SL_TENANT, SL_REASON_SHED);
	shed(s, 0);
	sl_expect(s, &later, SL_TENANT, SL_REASON_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_class_sheds_at_its_level, sl_setup_world),
		cmocka_unit_test_setup(a_flow_is_shed_whole_or_not_at_all, sl_setup_world),
		cmocka_unit_test_setup(a_higher_level_sheds_more_of_the_same, sl_setup_world),
		cmocka_unit_test_setup(another_seed_sheds_other_flows, sl_setup_world),
		cmocka_unit_test_setup(shedding_ends_by_itself, sl_setup_world),
		cmocka_unit_test_setup(shed_packets_are_not_charged, sl_setup_world),
		cmocka_unit_test_setup(fragments_are_shed_as_datagrams, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
