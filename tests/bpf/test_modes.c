// SPDX-License-Identifier: Apache-2.0
/* Enforce, shadow and off, for the node and for a tenant; the laxer one applies. */
#include "tests/harness/test.h"

#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/samples.h"
#include "tests/harness/suite.h"

#define SEQUENCE 4000u

static struct sl_side *ingress(struct sl_shield *s)
{
	return &sl_shield_limit(s, SL_TENANT)->ingress;
}

static void the_laxer_mode_applies(void **state)
{
	static const struct {
		const char *name;
		enum sl_mode node, tenant, applies;
	} rows[] = {
		{ "both enforce", SL_MODE_ENFORCE, SL_MODE_ENFORCE, SL_MODE_ENFORCE },
		{ "tenant shadow", SL_MODE_ENFORCE, SL_MODE_SHADOW, SL_MODE_SHADOW },
		{ "tenant off", SL_MODE_ENFORCE, SL_MODE_OFF, SL_MODE_OFF },
		{ "node shadow", SL_MODE_SHADOW, SL_MODE_ENFORCE, SL_MODE_SHADOW },
		{ "both shadow", SL_MODE_SHADOW, SL_MODE_SHADOW, SL_MODE_SHADOW },
		{ "shadow and off", SL_MODE_SHADOW, SL_MODE_OFF, SL_MODE_OFF },
	};
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		struct sl_expected expected = { .tenant = SL_TENANT,
						.reason = SL_REASON_BLOCKED_TENANT,
						.shadow = rows[i].applies == SL_MODE_SHADOW };

		if (rows[i].applies == SL_MODE_OFF)
			expected.reason = SL_REASON_PASS;
		s->ctl->mode = rows[i].node;
		ingress(s)->flags = SL_SIDE_BLOCKED | rows[i].tenant;
		sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &p, expected);
		assert_int_equal(sl_explain(s, SL_AT_XDP, &p).mode, rows[i].applies);
	}
}

/* Off for the node: nothing is even looked at. */
static void a_node_that_is_off_passes_all(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt arp = SL_PKT(.ether_type = 0x0806, .payload_bytes = 46);
	struct sl_pkt broken = SL_PKT(.to = SL_LOCAL4);

	s->ctl->mode = SL_MODE_OFF;
	ingress(s)->flags = SL_SIDE_BLOCKED;
	sl_shield_block(s, "0.0.0.0/0", 0);
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		sl_expect_at(
			SL_HERE(sl_samples[i].name), s, SL_AT_XDP, &p,
			(struct sl_expected){ .tenant = SL_TENANT_NONE, .bypass = SL_FOUND_OFF });
	}
	broken.length = 20;
	sl_expect_bypass(s, &broken, SL_FOUND_OFF);
	sl_expect_bypass(s, &arp, SL_FOUND_OFF);
	assert_int_equal(s->buckets[SL_TENANT].ingress.gen, 0);
}

/* Off for a tenant: counted as passed, and charged nothing. */
static void a_tenant_that_is_off_is_not_charged(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	ingress(s)->flags = SL_MODE_OFF;
	ingress(s)->packets = sl_shield_rate(0, 1);
	sl_shield_block(s, "10.0.0.0/8", 0);
	for (unsigned i = 0; i < 5; i++)
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	assert_int_equal(s->buckets[SL_TENANT].ingress.packets_tat_cu, 0);
}

/* The mode of what is nobody's is tenant 0's. */
static void malformed_packets_obey_the_unknown_tenants_mode(void **state)
{
	struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 9);
	struct sl_shield *s = *state;

	p.length--;
	sl_expect(s, &p, SL_TENANT_UNKNOWN, SL_REASON_MALFORMED);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.flags = SL_MODE_SHADOW;
	sl_expect_at(SL_HERE("shadow"), s, SL_AT_XDP, &p,
		     (struct sl_expected){ .tenant = SL_TENANT_UNKNOWN,
					   .reason = SL_REASON_MALFORMED,
					   .shadow = true });
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.flags = SL_MODE_OFF;
	sl_expect(s, &p, SL_TENANT_UNKNOWN, SL_REASON_PASS);
}

/* ---- shadow foretells enforce -------------------------------------------------------------- */

/* Every rule that can refuse, some of it. */
static void set_limits(struct sl_shield *s, enum sl_mode mode)
{
	struct sl_limit *l;

	sl_shield_reset(s);
	sl_shield_protect(s, 0, SL_TENANT);
	sl_shield_service(s, 0,
			  &(struct sl_service_set){ .address = SL_OTHER4,
						    .protocol = IPPROTO_UDP,
						    .port = 443,
						    .vlan = SL_VLAN_ANY }); /* nobody's */
	l = sl_shield_limit(s, SL_TENANT);
	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS | SL_SIDE_RESET;
	l->ingress.packets = sl_shield_rate(0, 900);
	l->ingress.bytes = sl_shield_bytes_rate(0, 600000);
	l->new_conns = sl_shield_rate(0, 20);
	l->fragments = sl_shield_rate(0, 30);
	l->ingress.shed_permille = 100;
	l->ingress.shed_until_ns = sl_shield_now_ns() + SL_HOUR_S * SL_NS_S;
	sl_shield_live(s)->source_share = sl_shield_rate(0, 3);
	sl_shield_limit(s, SL_TENANT_UNKNOWN)->ingress.packets = sl_shield_rate(0, 200);
	sl_shield_block(s, "10.0.0.64/26", 0);
	s->ctl->reset_cost_cu = 1;
	s->ctl->reset_burst_cu = 1ull << 40;
	s->ctl->mode = mode;
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

static void play_sequence(struct sl_shield *s)
{
	uint64_t seed = 4711;

	for (unsigned i = 0; i < SEQUENCE; i++) {
		struct sl_pkt_spec spec = sl_samples[next_random(&seed) % sl_sample_count].packet;
		struct sl_pkt p;
		uint32_t verdict;

		if (next_random(&seed) % 8 == 0)
			spec = (struct sl_pkt_spec){ .to = SL_OTHER4 };
		p = sl_pkt_build(&spec);
		p.bytes[p.l3 + 15] = (uint8_t)next_random(&seed); /* IPv4: the last of the source */
		if (next_random(&seed) % 16 == 0)
			p.length -= 1;
		verdict = sl_run(s, SL_AT_XDP, &p, 1, NULL);
		if (s->ctl->mode == SL_MODE_SHADOW)
			assert_int_equal(verdict, XDP_PASS);
	}
}

static void shadow_counts_exactly_what_enforce_drops(void **state)
{
	struct sl_shield *s = *state;
	struct sl_tally enforced, shadowed;
	unsigned reasons = 0;

	set_limits(s, SL_MODE_ENFORCE);
	play_sequence(s);
	sl_tally_read(&enforced, s);
	set_limits(s, SL_MODE_SHADOW);
	play_sequence(s);
	sl_tally_read(&shadowed, s);

	for (uint32_t tenant = 0; tenant < SL_SHIELD_TENANTS; tenant++) {
		const struct sl_count *e = &enforced.counters[tenant].ingress.pass;
		const struct sl_count *sh = &shadowed.shadow[tenant].ingress.pass;

		assert_int_equal(sh[SL_REASON_PASS].packets, 0);
		for (unsigned r = SL_REASON_PASS + 1; r < SL_REASON_COUNT_; r++) {
			assert_int_equal(sh[r].packets, e[r].packets);
			assert_int_equal(sh[r].bytes, e[r].bytes);
			reasons += e[r].packets > 0;
		}
	}
	/* RATE_PACKETS twice, and seven others. */
	assert_true(reasons >= 8);
	assert_int_equal(sl_tally_sum(&enforced, SL_INGRESS).packets, SEQUENCE);
	assert_int_equal(sl_tally_sum(&shadowed, SL_INGRESS).packets, SEQUENCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_laxer_mode_applies, sl_setup_world),
		cmocka_unit_test_setup(a_node_that_is_off_passes_all, sl_setup_world),
		cmocka_unit_test_setup(a_tenant_that_is_off_is_not_charged, sl_setup_world),
		cmocka_unit_test_setup(malformed_packets_obey_the_unknown_tenants_mode,
				       sl_setup_world),
		cmocka_unit_test_setup(shadow_counts_exactly_what_enforce_drops, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
