// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/packet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sl_packet packet; /* large: not on the stack */

static struct sl_packet_spec spec_of(const char *source, const char *destination)
{
	struct sl_packet_spec spec = { .protocol = IPPROTO_TCP,
				       .source_port = 40000,
				       .destination_port = 443,
				       .tcp_flags = SL_TCP_SYN };

	assert_int_equal(sl_parse_address(&spec.source, source, NULL), 0);
	assert_int_equal(sl_parse_address(&spec.destination, destination, NULL), 0);
	return spec;
}

static void expect_hex(const char *want)
{
	char text[512] = "";

	assert_true(packet.length * 2 < sizeof(text));
	for (size_t i = 0; i < packet.length; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", packet.bytes[i]);
	assert_string_equal(text, want);
}

/* The sums were reckoned elsewhere, from RFC 791 and RFC 9293. */
static void a_syn_is_right_to_the_byte(void **state)
{
	struct sl_packet_spec spec = spec_of("192.0.2.1", "198.51.100.2");

	assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
	expect_hex("0200000000000200000000010800450000280001000040068e98c0000201c6336402"
		   "9c4001bb00000001000000005002ffff25af0000");
}

static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		total += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return total;
}

static bool is_right(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total == 0xffff;
}

/* Over a whole packet with its pseudo header, a right checksum makes all ones. */
static bool has_right_checksum(const struct sl_packet_spec *spec, size_t at)
{
	bool is_4 = spec->source.family == 4;
	size_t length = packet.length - at;
	uint32_t total = sum(0, packet.bytes + at, length);

	if (spec->protocol == IPPROTO_ICMP)
		return is_right(total);
	total += spec->protocol + (uint32_t)length;
	total = sum(total, spec->source.bytes, is_4 ? 4 : 16);
	return is_right(sum(total, spec->destination.bytes, is_4 ? 4 : 16));
}

static void every_protocol_has_a_right_checksum(void **state)
{
	static const struct {
		const char *source;
		const char *destination;
		uint8_t protocol;
		size_t transport;
		size_t length;
	} cases[] = {
		{ "10.0.0.1", "10.0.0.2", IPPROTO_TCP, 34, 54 },
		{ "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 34, 42 },
		{ "10.0.0.1", "10.0.0.2", IPPROTO_ICMP, 34, 42 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_TCP, 54, 74 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 54, 62 },
		{ "2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6, 54, 62 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_packet_spec spec = spec_of(cases[i].source, cases[i].destination);

		spec.protocol = cases[i].protocol;
		assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
		assert_int_equal(packet.length, cases[i].length);
		assert_true(has_right_checksum(&spec, cases[i].transport));
		spec.length_bytes = 101;
		assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
		assert_int_equal(packet.length, 101);
		assert_true(has_right_checksum(&spec, cases[i].transport));
	}
}

static void tags_stand_outer_first(void **state)
{
	struct sl_packet_spec spec = spec_of("10.0.0.1", "10.0.0.2");

	spec.vlans[0] = 7;
	spec.vlan_count = 1;
	assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
	assert_memory_equal(packet.bytes + 12, "\x81\x00\x00\x07\x08\x00", 6);
	spec.vlans[1] = 9;
	spec.vlan_count = 2;
	assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
	assert_memory_equal(packet.bytes + 12, "\x88\xa8\x00\x07\x81\x00\x00\x09\x08\x00", 10);
}

static void a_later_fragment_has_no_ports(void **state)
{
	struct sl_packet_spec spec = spec_of("10.0.0.1", "10.0.0.2");

	spec.later_fragment = true;
	assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
	assert_int_equal(packet.length, 34);
	assert_memory_equal(packet.bytes + 20, "\x00\xb9", 2);
	spec = spec_of("::1", "::2");
	spec.later_fragment = true;
	assert_int_equal(sl_packet_build(&packet, &spec, NULL), 0);
	assert_int_equal(packet.length, 14 + 40 + 8);
	assert_int_equal(packet.bytes[14 + 6], IPPROTO_FRAGMENT);
	assert_int_equal(packet.bytes[14 + 40], IPPROTO_TCP);
	assert_int_equal((packet.bytes[56] << 8 | packet.bytes[57]) >> 3, 181);
}

static void what_does_not_go_together_is_refused(void **state)
{
	struct sl_packet_spec spec = spec_of("10.0.0.1", "::1");
	struct sl_text_error error;

	assert_int_equal(sl_packet_build(&packet, &spec, &error), -EINVAL);
	spec = spec_of("10.0.0.1", "10.0.0.2");
	spec.protocol = IPPROTO_ICMPV6;
	assert_int_equal(sl_packet_build(&packet, &spec, &error), -EINVAL);
	assert_string_equal(error.message, "icmp is of IPv4, icmpv6 of IPv6");
	spec.protocol = IPPROTO_UDP;
	spec.length_bytes = 41;
	assert_int_equal(sl_packet_build(&packet, &spec, &error), -ERANGE);
	assert_string_equal(error.message, "a length of 41 bytes; allowed: 42 to 9000");
	spec.length_bytes = SL_PACKET_BYTES_LIMIT + 1;
	assert_int_equal(sl_packet_build(&packet, &spec, &error), -ERANGE);
	spec.length_bytes = SL_PACKET_BYTES_LIMIT;
	assert_int_equal(sl_packet_build(&packet, &spec, &error), 0);
}

static void flags_by_name_or_letter(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint8_t flags;
	} cases[] = {
		{ "syn", 0, SL_TCP_SYN },
		{ "SYN,ack", 0, SL_TCP_SYN | SL_TCP_ACK },
		{ "syn+ack", 0, SL_TCP_SYN | SL_TCP_ACK },
		{ "s,a", 0, SL_TCP_SYN | SL_TCP_ACK },
		{ "SA", 0, SL_TCP_SYN | SL_TCP_ACK },
		{ "S.", 0, SL_TCP_SYN | SL_TCP_ACK },
		{ "fpu", 0, SL_TCP_FIN | SL_TCP_PSH | SL_TCP_URG },
		{ "none", 0, 0 },
		{ "", -EINVAL, 0 },
		{ "syn,", -EINVAL, 0 },
		{ ",syn", -EINVAL, 0 },
		{ "synack", -EINVAL, 0 },
		{ "x", -EINVAL, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t flags = 0;

		assert_int_equal(sl_packet_parse_flags(&flags, cases[i].text, NULL), cases[i].err);
		assert_int_equal(flags, cases[i].flags);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_is_right_to_the_byte),
		cmocka_unit_test(every_protocol_has_a_right_checksum),
		cmocka_unit_test(tags_stand_outer_first),
		cmocka_unit_test(a_later_fragment_has_no_ports),
		cmocka_unit_test(what_does_not_go_together_is_refused),
		cmocka_unit_test(flags_by_name_or_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
