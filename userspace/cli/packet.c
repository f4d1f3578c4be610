// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "userspace/domain/text_error.h"

#define IP4_BYTES   20u
#define IP6_BYTES   40u
#define FRAG6_BYTES 8u
#define TCP_BYTES   20u
#define PORTS_BYTES 8u /* UDP and ICMP echo */

static const struct {
	const char *name;
	uint8_t bit;
} flags[] = {
	{ "fin", SL_TCP_FIN }, { "syn", SL_TCP_SYN }, { "rst", SL_TCP_RST },
	{ "psh", SL_TCP_PSH }, { "ack", SL_TCP_ACK }, { "urg", SL_TCP_URG },
};

/* The flag called by the first @length bytes of @text, whole or by its letter; 0: none. */
static uint8_t flag_called(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((length == 1 || length == 3) && strncasecmp(flags[i].name, text, length) == 0)
			return flags[i].bit;
	return 0;
}

/* Like tcpdump writes them: "SA", "S.", "." */
static uint8_t flag_letters(const char *text)
{
	uint8_t bits = 0, bit;

	for (; *text; text++) {
		bit = *text == '.' ? SL_TCP_ACK : flag_called(text, 1);
		if (!bit)
			return 0;
		bits |= bit;
	}
	return bits;
}

int sl_packet_parse_flags(uint8_t *ret, const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	uint8_t bits = 0, bit;
	const char *at = text;
	size_t length;

	if (strcmp(text, "none") == 0) {
		*ret = 0;
		return 0;
	}
	do {
		length = strcspn(at, ",+");
		bit = flag_called(at, length);
		if (!bit && at == text && !at[length])
			bit = flag_letters(at);
		if (!bit)
			return sl_text_refuse(error, -EINVAL,
					      "%s are not TCP flags like syn, syn,ack or none",
					      sl_text_quote(quoted, text));
		bits |= bit;
		at += length;
	} while (*at++);
	*ret = bits;
	return 0;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length % 2)
		sum += (uint32_t)bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Returns the bytes it took. */
static size_t put_ethernet(uint8_t *at, const struct sl_packet_spec *spec)
{
	uint16_t type = spec->source.family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
	size_t used = 12;

	memset(at, 0, 12);
	at[0] = at[6] = 0x02; /* locally administered */
	at[11] = 1;
	for (size_t i = 0; i < spec->vlan_count; i++, used += 4) {
		put16(at + used, i == 0 && spec->vlan_count == 2 ? 0x88a8 : ETHERTYPE_VLAN);
		put16(at + used + 2, spec->vlans[i]);
	}
	put16(at + used, type);
	return used + 2;
}

static void put_ip4(uint8_t *at, const struct sl_packet_spec *spec, size_t total)
{
	memset(at, 0, IP4_BYTES);
	at[0] = 0x45;
	put16(at + 2, total);
	put16(at + 4, 1);
	if (spec->later_fragment)
		put16(at + 6, 185); /* x 8 bytes: the second of a 1500 byte MTU */
	at[8] = 64;
	at[9] = spec->protocol;
	memcpy(at + 12, spec->source.bytes, 4);
	memcpy(at + 16, spec->destination.bytes, 4);
	put16(at + 10, 0xffffu & ~sum16(0, at, IP4_BYTES));
}

static void put_ip6(uint8_t *at, const struct sl_packet_spec *spec, size_t payload)
{
	memset(at, 0, IP6_BYTES);
	at[0] = 0x60;
	put16(at + 4, payload);
	at[6] = spec->later_fragment ? IPPROTO_FRAGMENT : spec->protocol;
	at[7] = 64;
	memcpy(at + 8, spec->source.bytes, 16);
	memcpy(at + 24, spec->destination.bytes, 16);
	if (!spec->later_fragment)
		return;
	memset(at + IP6_BYTES, 0, FRAG6_BYTES);
	at[IP6_BYTES] = spec->protocol;
	put16(at + IP6_BYTES + 2, 181u << 3);
	at[IP6_BYTES + 7] = 1;
}

static uint32_t pseudo_header(const struct sl_packet_spec *spec, size_t length)
{
	size_t width = spec->source.family == 4 ? 4 : 16;
	uint32_t sum = spec->protocol == IPPROTO_ICMP ? 0 : spec->protocol + (uint32_t)length;

	if (spec->protocol == IPPROTO_ICMP)
		return 0;
	sum = sum16(sum, spec->source.bytes, width);
	return sum16(sum, spec->destination.bytes, width);
}

/* @length: with the payload, which is zeros already. */
static void put_transport(uint8_t *at, const struct sl_packet_spec *spec, size_t length)
{
	size_t checksum_at = 2;
	uint16_t checksum;

	if (spec->protocol == IPPROTO_TCP || spec->protocol == IPPROTO_UDP) {
		put16(at, spec->source_port);
		put16(at + 2, spec->destination_port);
	}
	if (spec->protocol == IPPROTO_TCP) {
		at[7] = 1; /* sequence */
		at[12] = TCP_BYTES / 4 << 4;
		at[13] = spec->tcp_flags;
		put16(at + 14, 65535);
		checksum_at = 16;
	} else if (spec->protocol == IPPROTO_UDP) {
		put16(at + 4, length);
		checksum_at = 6;
	} else {
		at[0] = spec->protocol == IPPROTO_ICMP ? 8 : 128; /* echo request */
	}
	checksum = (uint16_t)~sum16(pseudo_header(spec, length), at, length);
	put16(at + checksum_at, checksum || spec->protocol != IPPROTO_UDP ? checksum : 0xffff);
}

static int check(const struct sl_packet_spec *spec, struct sl_text_error *error)
{
	if (spec->source.family != spec->destination.family)
		return sl_text_refuse(error, -EINVAL,
				      "source and destination are not of the same family");
	if ((spec->protocol == IPPROTO_ICMP && spec->source.family == 6) ||
	    (spec->protocol == IPPROTO_ICMPV6 && spec->source.family == 4))
		return sl_text_refuse(error, -EINVAL, "icmp is of IPv4, icmpv6 of IPv6");
	return 0;
}

int sl_packet_build(struct sl_packet *ret, const struct sl_packet_spec *spec,
		    struct sl_text_error *error)
{
	bool is_4 = spec->source.family == 4;
	size_t link = 14 + 4 * spec->vlan_count;
	size_t ip = is_4 ? IP4_BYTES : IP6_BYTES + (spec->later_fragment ? FRAG6_BYTES : 0);
	size_t transport = spec->later_fragment		   ? 0
			   : spec->protocol == IPPROTO_TCP ? TCP_BYTES
							   : PORTS_BYTES;
	size_t headers = link + ip + transport;
	size_t length = spec->length_bytes ? spec->length_bytes : headers;
	int err = check(spec, error);

	if (err)
		return err;
	if (length < headers || length > SL_PACKET_BYTES_LIMIT)
		return sl_text_refuse(error, -ERANGE, "a length of %zu bytes; allowed: %zu to %u",
				      length, headers, SL_PACKET_BYTES_LIMIT);
	ret->length = length;
	memset(ret->bytes, 0, length);
	(void)put_ethernet(ret->bytes, spec);
	if (is_4)
		put_ip4(ret->bytes + link, spec, length - link);
	else
		put_ip6(ret->bytes + link, spec, length - link - IP6_BYTES);
	if (!spec->later_fragment)
		put_transport(ret->bytes + link + ip, spec, length - link - ip);
	return 0;
}
