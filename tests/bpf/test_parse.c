// SPDX-License-Identifier: Apache-2.0
/*
 * Every header we read, whole. What is to be passed is passed, what is to be limited
 * is found, and what contradicts itself is dropped as tenant 0's, or passed when it is
 * not addressed to us.
 */
#include "tests/harness/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/samples.h"
#include "tests/harness/suite.h"

#define V4(...)                                                                                    \
	{                                                                                          \
		.to = SL_LOCAL4, __VA_ARGS__                                                       \
	}
#define V6(...)                                                                                    \
	{                                                                                          \
		.to = SL_LOCAL6, __VA_ARGS__                                                       \
	}

static void every_header_is_read(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		sl_expect_at(SL_HERE(sl_samples[i].name), *state, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT });
	}
}

static void what_is_not_ours_passes(void **state)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		struct sl_pkt_spec spec = sl_samples[i].packet;
		struct sl_pkt p;

		spec.to = strchr(spec.to, ':') ? SL_OTHER6 : SL_OTHER4;
		p = sl_pkt_build(&spec);
		sl_expect_at(SL_HERE(sl_samples[i].name), *state, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT_NONE,
						   .bypass = SL_FOUND_UNPROTECTED });
	}
}

static void what_is_not_ip_passes(void **state)
{
	static const struct sl_sample rows[] = {
		{ "arp", { .ether_type = 0x0806, .payload_bytes = 46 } },
		{ "nothing but ethernet", { .ether_type = 0x88cc } },
		{ "tagged arp", { .ether_type = 0x0806, .tags = 2, .payload_bytes = 46 } },
		{ "length for a type", { .ether_type = 46, .payload_bytes = 46 } },
		{ "mpls", { .ether_type = 0x8847, .payload_bytes = 46 } },
	};

	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p = sl_pkt_build(&rows[i].packet);

		sl_expect_at(SL_HERE(rows[i].name), *state, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT_NONE,
						   .bypass = SL_FOUND_NOT_IP });
	}
}

/* A third tag is none of our protocols. */
static void a_third_tag_is_not_ip(void **state)
{
	const struct sl_pkt p = SL_PKT(.tags = 2, .ether_type = 0x8100, .payload_bytes = 60);

	sl_expect_bypass(*state, &p, SL_FOUND_NOT_IP);
}

/* ---- contradictions ------------------------------------------------------------------ */

/* A byte of the IP header (or, with .l4, of the transport) set to a value that lies. */
struct lie {
	const char *name;
	struct sl_pkt_spec packet;
	uint32_t at;
	uint8_t value;
	bool l4;
};

static const struct lie lies[] = {
	{ "ihl 4", V4(), 0, 0x44, false },
	{ "ihl 0", V4(), 0, 0x40, false },
	{ "ihl past the frame", V4(), 0, 0x4f, false },
	{ "version 6 in ipv4", V4(), 0, 0x65, false },
	{ "tot_len past the frame", V4(), 2, 1, false },
	{ "tot_len one too long", V4(.payload_bytes = 10), 3, 39, false },
	{ "tot_len in the header", V4(), 3, 19, false },
	{ "tot_len 0", V4(), 3, 0, false },
	{ "tot_len in the options", V4(.ip_option_words = 2), 3, 27, false },
	{ "tot_len cuts udp", V4(.payload_bytes = 20), 3, 27, false },
	{ "tot_len cuts tcp", V4(.protocol = IPPROTO_TCP, .payload_bytes = 20), 3, 39, false },
	{ "tot_len cuts tcp options", V4(.protocol = IPPROTO_TCP, .option_words = 2), 3, 47,
	  false },
	{ "tot_len cuts icmp", V4(.protocol = IPPROTO_ICMP, .payload_bytes = 20), 3, 23, false },
	{ "doff 4", V4(.protocol = IPPROTO_TCP), 12, 0x40, true },
	{ "doff 0", V4(.protocol = IPPROTO_TCP), 12, 0x00, true },
	{ "doff past the packet", V4(.protocol = IPPROTO_TCP, .payload_bytes = 39), 12, 0xf0,
	  true },
	{ "version 4 in ipv6", V6(), 0, 0x40, false },
	{ "payload_len past the frame", V6(), 4, 1, false },
	{ "payload_len one too long", V6(.payload_bytes = 10), 5, 19, false },
	{ "payload_len cuts udp", V6(.payload_bytes = 20), 5, 7, false },
	{ "payload_len cuts tcp", V6(.protocol = IPPROTO_TCP, .payload_bytes = 20), 5, 19, false },
	{ "payload_len cuts icmp", V6(.protocol = IPPROTO_ICMPV6), 5, 3, false },
	{ "payload_len cuts an extension",
	  V6(.extensions = { 0 }, .extension_count = 1, .extension_words = 2), 5, 23, false },
	{ "payload_len 0", V6(), 5, 0, false },
	{ "doff past the packet 6", V6(.protocol = IPPROTO_TCP, .payload_bytes = 3), 12, 0x60,
	  true },
	{ "extension past the frame", V6(.extensions = { 60 }, .extension_count = 1), 41, 255,
	  false },
	{ "authentication past the frame", V6(.extensions = { 51 }, .extension_count = 1), 41, 255,
	  false },
};

static struct sl_pkt lying(const struct lie *lie, const char *to)
{
	struct sl_pkt_spec spec = lie->packet;
	struct sl_pkt p;

	spec.to = to ? to : spec.to;
	p = sl_pkt_build(&spec);
	p.bytes[(lie->l4 ? p.l4 : p.l3) + lie->at] = lie->value;
	return p;
}

static void a_lie_to_us_is_dropped_as_nobodys(void **state)
{
	for (size_t i = 0; i < SL_ROWS(lies); i++) {
		const struct sl_pkt p = lying(&lies[i], NULL);

		sl_expect_at(SL_HERE(lies[i].name), *state, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT_UNKNOWN,
						   .reason = SL_REASON_MALFORMED });
	}
}

static void a_lie_to_others_passes(void **state)
{
	for (size_t i = 0; i < SL_ROWS(lies); i++) {
		const struct sl_pkt p =
			lying(&lies[i], strchr(lies[i].packet.to, ':') ? SL_OTHER6 : SL_OTHER4);

		sl_expect_at(SL_HERE(lies[i].name), *state, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT_NONE,
						   .bypass = SL_FOUND_UNPROTECTED });
	}
}

/* The frame may be longer than the packet: Ethernet pads to 60 bytes. */
static void padding_is_no_lie(void **state)
{
	struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 1);

	p.length = 60;
	sl_expect(*state, &p, SL_TENANT, SL_REASON_PASS);
	p = SL_PKT(.to = SL_LOCAL6, .payload_bytes = 1);
	p.length += 7;
	sl_expect(*state, &p, SL_TENANT, SL_REASON_PASS);
}

/* ---- headers further than we follow ---------------------------------------------------- */

static void a_fifth_extension_has_no_ports(void **state)
{
	const struct sl_pkt p =
		SL_PKT(.to = SL_LOCAL6, .extensions = { 0, 60, 43, 60, 60 }, .extension_count = 5);
	struct sl_shield *s = *state;

	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	sl_shield_limit(s, SL_TENANT)->ingress.flags = SL_SIDE_FRAGMENTS;
	sl_shield_limit(s, SL_TENANT)->fragments.cost = SL_COST_NEVER;
	sl_expect(s, &p, SL_TENANT, SL_REASON_FRAGMENTS);
}

/* Without an entry for packets without ports the address is not protected from them. */
static void only_what_the_table_says_is_protected(void **state)
{
	const struct sl_pkt later = SL_PKT(.to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8);
	const struct sl_pkt port = SL_PKT(.to = SL_LOCAL4, .to_port = 444);
	const struct sl_pkt whole = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	sl_shield_reset(s);
	sl_shield_service(s, 0,
			  &(struct sl_service_set){ .address = SL_LOCAL4,
						    .protocol = IPPROTO_UDP,
						    .port = 443,
						    .flags = SL_SERVICE_TENANT,
						    .tenant = SL_TENANT });
	sl_expect(s, &whole, SL_TENANT, SL_REASON_PASS);
	sl_expect_bypass(s, &later, SL_FOUND_UNPROTECTED);
	sl_expect_bypass(s, &port, SL_FOUND_UNPROTECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_header_is_read, sl_setup_world),
		cmocka_unit_test_setup(what_is_not_ours_passes, sl_setup_world),
		cmocka_unit_test_setup(what_is_not_ip_passes, sl_setup_world),
		cmocka_unit_test_setup(a_third_tag_is_not_ip, sl_setup_world),
		cmocka_unit_test_setup(a_lie_to_us_is_dropped_as_nobodys, sl_setup_world),
		cmocka_unit_test_setup(a_lie_to_others_passes, sl_setup_world),
		cmocka_unit_test_setup(padding_is_no_lie, sl_setup_world),
		cmocka_unit_test_setup(a_fifth_extension_has_no_ports, sl_setup_world),
		cmocka_unit_test_setup(only_what_the_table_says_is_protected, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
