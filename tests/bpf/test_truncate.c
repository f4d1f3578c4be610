// SPDX-License-Identifier: Apache-2.0
/*
 * Every packet of samples.h cut at every byte of its headers, and 20,000 packets with
 * random damage: no cut and no damage may pass a limit it should not, and every packet
 * is counted once, whatever it is. (Frames below 14 bytes do not reach a program.)
 */
#include "tests/harness/test.h"

#include <linux/bpf.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/samples.h"
#include "tests/harness/suite.h"

#define RANDOM_PACKETS 20000
#define BEYOND_HEADERS 3u /* cuts of the payload that are tried too */

static bool is_six(const struct sl_pkt_spec *spec)
{
	return strchr(spec->to, ':') != NULL;
}

/* Bytes from the transport header on that must be there. */
static uint32_t transport_needs(const struct sl_pkt_spec *spec)
{
	if (spec->fragment)
		return 0;
	switch (spec->protocol) {
	case IPPROTO_TCP:
		return 20u + spec->option_words * 4u;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 4;
	case IPPROTO_GRE:
		return 0;
	default:
		return 8;
	}
}

/* Cut to @length; an honest one says so in its IP header. */
static struct sl_pkt cut(const struct sl_pkt *whole, uint32_t length, bool six, bool honest)
{
	struct sl_pkt p = *whole;

	p.length = length;
	if (!honest)
		return p;
	if (six && length >= p.l3 + sizeof(struct ip6_hdr))
		sl_pkt_put16(&p, p.l3 + 4, (uint16_t)(length - p.l3 - sizeof(struct ip6_hdr)));
	if (!six && length >= p.l3 + 4)
		sl_pkt_put16(&p, p.l3 + 2, (uint16_t)(length - p.l3));
	return p;
}

static struct sl_expected expected_of(const struct sl_pkt_spec *spec, const struct sl_pkt *p,
				      bool ours, bool honest)
{
	const uint32_t ip = is_six(spec) ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	const struct sl_expected malformed = { .tenant = SL_TENANT_UNKNOWN,
					       .reason = SL_REASON_MALFORMED };

	if (p->length < p->l3 + ip)
		return malformed; /* whom it is for cannot be read */
	if (!ours)
		return (struct sl_expected){ .tenant = SL_TENANT_NONE,
					     .bypass = SL_FOUND_UNPROTECTED };
	if (honest && p->length >= p->l4 + transport_needs(spec))
		return (struct sl_expected){ .tenant = SL_TENANT };
	return malformed;
}

static void cut_everywhere(const struct sl_shield *s, const struct sl_sample *sample, bool ours,
			   bool honest)
{
	struct sl_pkt_spec spec = sample->packet;
	struct sl_pkt whole;
	uint32_t end;

	if (!ours)
		spec.to = is_six(&spec) ? SL_OTHER6 : SL_OTHER4;
	whole = sl_pkt_build(&spec);
	end = whole.payload + BEYOND_HEADERS < whole.length ? whole.payload + BEYOND_HEADERS
							    : whole.length;
	for (uint32_t length = ETH_HLEN; length < end; length++) {
		const struct sl_pkt p = cut(&whole, length, is_six(&spec), honest);
		char name[80];

		(void)snprintf(name, sizeof(name), "%s, cut at %u", sample->name, length);
		sl_expect_at(SL_HERE(name), s, SL_AT_XDP, &p, expected_of(&spec, &p, ours, honest));
	}
}

static void a_cut_packet_to_us_is_dropped(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++)
		cut_everywhere(*state, &sl_samples[i], true, false);
}

static void a_cut_packet_to_others_passes_once_its_address_is_read(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++)
		cut_everywhere(*state, &sl_samples[i], false, false);
}

/* The IP length says that the rest is not there: only then can half a header be read. */
static void an_honest_cut_passes_where_its_headers_are_whole(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++)
		cut_everywhere(*state, &sl_samples[i], true, true);
}

static void an_honest_cut_to_others_passes(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++)
		cut_everywhere(*state, &sl_samples[i], false, true);
}

/* ---- damage ------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct sl_pkt damaged(uint64_t *seed)
{
	const struct sl_sample *sample = &sl_samples[next_random(seed) % sl_sample_count];
	struct sl_pkt p = sl_pkt_build(&sample->packet);
	uint32_t headers = p.payload + 4 < p.length ? p.payload + 4 : p.length;

	for (uint64_t i = next_random(seed) % 4; i > 0; i--)
		p.bytes[12 + next_random(seed) % (headers - 12)] = (uint8_t)next_random(seed);
	if (next_random(seed) % 4 == 0)
		p.bytes[p.l3 + next_random(seed) % (headers - p.l3)] ^=
			(uint8_t)(1u << next_random(seed) % 8);
	if (next_random(seed) % 8 == 0)
		p.length = ETH_HLEN + (uint32_t)(next_random(seed) % (p.length - ETH_HLEN));
	return p;
}

/* So that every verdict can come up: SYNs are told, fragments and bytes are short. */
static void set_every_trap(struct sl_shield *s)
{
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_RESET | SL_SIDE_FRAGMENTS;
	l->new_conns.cost = SL_COST_NEVER;
	l->fragments.cost = SL_COST_NEVER;
	l->ingress.packets = sl_shield_rate(0, 1500);
	l->ingress.bytes = sl_shield_bytes_rate(0, 900000);
	s->ctl->reset_cost_cu = 1;
	s->ctl->reset_burst_cu = 1000000;
}

static void every_random_packet_is_counted_once(void **state)
{
	struct sl_count offered = { 0 };
	struct sl_shield *s = *state;
	uint64_t seed = 0x51c1ce5eedull;
	unsigned verdicts[5] = { 0 };
	struct sl_tally tally;

	set_every_trap(s);
	for (unsigned i = 0; i < RANDOM_PACKETS; i++) {
		const struct sl_pkt p = damaged(&seed);
		struct sl_pkt out;
		uint32_t verdict = sl_run(s, SL_AT_XDP, &p, 1, &out);
		struct sl_count sum;

		offered.packets++;
		offered.bytes += p.length;
		sl_tally_read(&tally, s);
		sum = sl_tally_sum(&tally, SL_INGRESS);
		assert_int_equal(sum.packets, offered.packets);
		assert_int_equal(sum.bytes, offered.bytes);
		assert_in_range(verdict, XDP_DROP, XDP_TX);
		verdicts[verdict]++;
		if (verdict == XDP_TX)
			continue;
		assert_int_equal(out.length, p.length);
		assert_memory_equal(out.bytes, p.bytes, p.length);
	}
	assert_int_equal(sl_tally_of(&tally, SL_TENANT, SL_INGRESS, SL_REASON_INTERNAL)->packets,
			 0);
	/* The damage was such that each of them was met. */
	assert_true(verdicts[XDP_DROP] > 1000);
	assert_true(verdicts[XDP_PASS] > 1000);
	assert_true(verdicts[XDP_TX] > 10);
	assert_true(sl_counted(s, SL_TENANT_UNKNOWN, SL_REASON_MALFORMED).packets > 1000);
	assert_true(sl_counted(s, SL_TENANT, SL_REASON_RATE_PACKETS).packets > 100);
	assert_true(sl_counted(s, SL_TENANT, SL_REASON_FRAGMENTS).packets > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cut_packet_to_us_is_dropped, sl_setup_world),
		cmocka_unit_test_setup(a_cut_packet_to_others_passes_once_its_address_is_read,
				       sl_setup_world),
		cmocka_unit_test_setup(an_honest_cut_passes_where_its_headers_are_whole,
				       sl_setup_world),
		cmocka_unit_test_setup(an_honest_cut_to_others_passes, sl_setup_world),
		cmocka_unit_test_setup(every_random_packet_is_counted_once, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
