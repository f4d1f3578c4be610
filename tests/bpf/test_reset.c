// SPDX-License-Identifier: Apache-2.0
/* A SYN over the limit of a tenant that wants to be told is answered by its RST. */
#include "tests/harness/test.h"

#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/suite.h"

#define SEQ 0xfffffffeu /* wraps with the payload */

/* No new connection is admitted; many may be told. */
static int refuse_conns(void **state)
{
	struct sl_shield *s;
	struct sl_limit *l;

	(void)sl_setup_world(state);
	s = *state;
	l = sl_shield_limit(s, SL_TENANT);
	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_RESET;
	l->new_conns.cost = SL_COST_NEVER;
	s->ctl->reset_cost_cu = SL_CU_S * SL_HOUR_S;
	s->ctl->reset_burst_cu = 100 * s->ctl->reset_cost_cu;
	return 0;
}

/* The RST that answers the SYN of @spec, made from the specification of both. */
static struct sl_pkt rst_of(const struct sl_pkt_spec *spec)
{
	const struct sl_pkt_spec answer = {
		.from = spec->to,
		.to = spec->from,
		.from_port = 443,
		.to_port = spec->from_port ? spec->from_port : 40000,
		.protocol = IPPROTO_TCP,
		.flags = TH_RST | TH_ACK,
		.tags = spec->tags,
		.tci = { spec->tci[0], spec->tci[1] },
	};
	const uint32_t ack = spec->seq + 1 + spec->payload_bytes;
	struct sl_pkt p = sl_pkt_build(&answer);
	uint8_t mac[6];

	memcpy(mac, p.bytes, 6);
	memcpy(p.bytes, p.bytes + 6, 6);
	memcpy(p.bytes + 6, mac, 6);
	sl_pkt_put16(&p, p.l4 + 8, (uint16_t)(ack >> 16));
	sl_pkt_put16(&p, p.l4 + 10, (uint16_t)ack);
	sl_pkt_put16(&p, p.l4 + 14, 0); /* window */
	if (p.bytes[p.l3] >> 4 == 4) {
		sl_pkt_put16(&p, p.l3 + 4, 0);	    /* id */
		sl_pkt_put16(&p, p.l3 + 6, 0x4000); /* do not fragment */
		p.bytes[p.l3 + 8] = 64;
	} else {
		p.bytes[p.l3 + 7] = 64;
	}
	sl_pkt_seal(&p);
	return p;
}

#define SYN4(...)                                                                                  \
	{                                                                                          \
		.from = SL_REMOTE4, .to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN,     \
		.seq = SEQ, __VA_ARGS__                                                            \
	}
#define SYN6(...)                                                                                  \
	{                                                                                          \
		.from = SL_REMOTE6, .to = SL_LOCAL6, .protocol = IPPROTO_TCP, .flags = TH_SYN,     \
		.seq = SEQ, __VA_ARGS__                                                            \
	}

static void the_answer_is_right_to_the_byte(void **state)
{
	static const struct {
		const char *name;
		struct sl_pkt_spec syn;
	} rows[] = {
		{ "plain", SYN4() },
		{ "tcp options", SYN4(.option_words = 10) },
		{ "payload", SYN4(.payload_bytes = 500) },
		{ "odd payload", SYN4(.payload_bytes = 7, .option_words = 3) },
		{ "more than a page", SYN4(.payload_bytes = 9000) },
		{ "ecn",
		  { .from = SL_REMOTE4,
		    .to = SL_LOCAL4,
		    .protocol = IPPROTO_TCP,
		    .flags = TH_SYN | 0xc0,
		    .seq = SEQ } },
		{ "tag", SYN4(.tags = 1, .tci = { 0x6005 }) },
		{ "two tags", SYN4(.tags = 2, .tci = { 5, 6 }, .option_words = 5) },
		{ "other port", SYN4(.from_port = 1) },
		{ "plain 6", SYN6() },
		{ "tcp options 6", SYN6(.option_words = 10, .payload_bytes = 3) },
		{ "payload 6", SYN6(.payload_bytes = 1200) },
		{ "two tags 6", SYN6(.tags = 2, .tci = { 5, 6 }) },
	};
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt syn = sl_pkt_build(&rows[i].syn);
		const struct sl_pkt rst = rst_of(&rows[i].syn);
		struct sl_pkt out;

		sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &syn,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = SL_REASON_NEW_CONNS_RESET });
		assert_int_equal(sl_run(s, SL_AT_XDP, &syn, 1, &out), XDP_TX);
		assert_true(out.length <= syn.length);
		assert_int_equal(out.length, rst.length);
		assert_true(sl_pkt_is_sound(&out));
		assert_memory_equal(out.bytes, rst.bytes, rst.length);
	}
}

/* Ethernet's padding and the fields that are not answered leave no trace. */
static void nothing_else_of_the_syn_is_kept(void **state)
{
	static const struct sl_pkt_spec spec = SYN4();
	const struct sl_pkt rst = rst_of(&spec);
	struct sl_pkt syn = sl_pkt_build(&spec), out;

	syn.bytes[syn.l3 + 1] = 0xb8;		 /* type of service */
	sl_pkt_put16(&syn, syn.l4 + 18, 0x1234); /* urgent pointer */
	syn.bytes[syn.l4 + 12] |= 0x0f;		 /* reserved bits */
	memset(&syn.bytes[syn.length], 0xee, 6); /* padding */
	syn.length += 6;
	assert_int_equal(sl_run(*state, SL_AT_XDP, &syn, 1, &out), XDP_TX);
	assert_int_equal(out.length, rst.length);
	assert_memory_equal(out.bytes, rst.bytes, rst.length);
}

static void what_cannot_be_answered_is_dropped_silently(void **state)
{
	static const struct {
		const char *name;
		struct sl_pkt_spec syn;
	} rows[] = {
		{ "ip options", SYN4(.ip_option_words = 1) },
		{ "extension header", SYN6(.extensions = { 60 }, .extension_count = 1) },
	};

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt syn = sl_pkt_build(&rows[i].syn);

		sl_expect_at(SL_HERE(rows[i].name), *state, SL_AT_XDP, &syn,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = SL_REASON_RATE_NEW_CONNS });
	}
}

static void only_a_tenant_that_asked_is_told(void **state)
{
	static const struct sl_pkt_spec spec = SYN4();
	const struct sl_pkt syn = sl_pkt_build(&spec);
	struct sl_shield *s = *state;

	sl_shield_limit(s, SL_TENANT)->ingress.flags = SL_SIDE_NEW_CONNS;
	sl_expect(s, &syn, SL_TENANT, SL_REASON_RATE_NEW_CONNS);
	sl_shield_limit(s, SL_TENANT)->ingress.flags |= SL_SIDE_RESET;
	s->ctl->reset_cost_cu = 0; /* none are sent at all */
	sl_expect(s, &syn, SL_TENANT, SL_REASON_RATE_NEW_CONNS);
}

static void answers_are_limited_over_all_tenants(void **state)
{
	static const struct sl_pkt_spec spec = SYN4();
	const struct sl_arrival arrival = { .not_explained = true };
	const struct sl_pkt syn = sl_pkt_build(&spec);
	struct sl_shield *s = *state;
	struct sl_tally tally;

	s->ctl->reset_burst_cu = 3 * s->ctl->reset_cost_cu;
	for (unsigned i = 0; i < 8; i++)
		sl_expect_at(SL_HERE("burst"), s, &arrival, &syn,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = i < 3 ? SL_REASON_NEW_CONNS_RESET
								   : SL_REASON_RATE_NEW_CONNS });
	sl_tally_read(&tally, s);
	assert_int_equal(tally.node.resets_sent, 3);
	assert_int_equal(tally.node.resets_suppressed, 5);
}

static void in_shadow_nobody_is_told(void **state)
{
	static const struct sl_pkt_spec spec = SYN4();
	const struct sl_pkt syn = sl_pkt_build(&spec);
	struct sl_shield *s = *state;
	struct sl_pkt out;

	s->ctl->mode = SL_MODE_SHADOW;
	sl_expect_at(SL_HERE("shadow"), s, SL_AT_XDP, &syn,
		     (struct sl_expected){ .tenant = SL_TENANT,
					   .reason = SL_REASON_NEW_CONNS_RESET,
					   .shadow = true });
	assert_int_equal(s->ctl->reset_tat_cu, 0);
	assert_int_equal(sl_run(s, SL_AT_XDP, &syn, 1, &out), XDP_PASS);
	assert_memory_equal(out.bytes, syn.bytes, syn.length);
}

/* Over another limit than that of new connections a SYN is dropped as all else is. */
static void other_refusals_are_silent(void **state)
{
	static const struct sl_pkt_spec spec = SYN4();
	const struct sl_pkt syn = sl_pkt_build(&spec);
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->new_conns = sl_shield_rate(0, 100);
	l->ingress.packets = sl_shield_rate(0, 1);
	sl_expect(s, &syn, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &syn, SL_TENANT, SL_REASON_RATE_PACKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_answer_is_right_to_the_byte, refuse_conns),
		cmocka_unit_test_setup(nothing_else_of_the_syn_is_kept, refuse_conns),
		cmocka_unit_test_setup(what_cannot_be_answered_is_dropped_silently, refuse_conns),
		cmocka_unit_test_setup(only_a_tenant_that_asked_is_told, refuse_conns),
		cmocka_unit_test_setup(answers_are_limited_over_all_tenants, refuse_conns),
		cmocka_unit_test_setup(in_shadow_nobody_is_told, refuse_conns),
		cmocka_unit_test_setup(other_refusals_are_silent, refuse_conns),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
