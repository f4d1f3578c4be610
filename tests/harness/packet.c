// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/packet.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define ETHER_TYPE_QINQ 0x88a8
#define AUTH_HEADER	51
#define FRAGMENT_HEADER 44

static const uint8_t source_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t target_mac[6] = { 2, 0, 0, 0, 0, 2 };

/* ---- checksums ------------------------------------------------------------------ */

uint16_t sl_pkt_sum(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < length; i++)
		sum += (uint32_t)b[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint8_t version_of(const struct sl_pkt *p)
{
	return p->bytes[p->l3] >> 4;
}

/* The number of the header at l4. */
static uint8_t protocol_of(const struct sl_pkt *p)
{
	uint32_t at = p->l3 + sizeof(struct ip6_hdr);
	uint8_t next = p->bytes[p->l3 + 6];

	if (version_of(p) == 4)
		return p->bytes[p->l3 + 9];
	while (at < p->l4) {
		uint32_t units = p->bytes[at + 1];
		uint32_t length = next == AUTH_HEADER ? (units + 2) * 4 : (units + 1) * 8;

		next = p->bytes[at];
		at += length;
	}
	return next;
}

static uint16_t transport_sum(const struct sl_pkt *p)
{
	const uint32_t length = p->length - p->l4;
	const uint8_t protocol = protocol_of(p);
	uint32_t sum = 0;

	if (protocol != IPPROTO_ICMP) {
		sum = protocol + length;
		sum = version_of(p) == 4 ? sl_pkt_sum(sum, &p->bytes[p->l3 + 12], 8)
					 : sl_pkt_sum(sum, &p->bytes[p->l3 + 8], 32);
	}
	return sl_pkt_sum(sum, &p->bytes[p->l4], length);
}

/* Where the transport's checksum stands, or 0. */
static uint32_t transport_check(const struct sl_pkt *p)
{
	switch (protocol_of(p)) {
	case IPPROTO_TCP:
		return p->l4 + 16;
	case IPPROTO_UDP:
		return p->l4 + 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return p->l4 + 2;
	default:
		return 0;
	}
}

void sl_pkt_put16(struct sl_pkt *packet, uint32_t at, uint16_t value)
{
	packet->bytes[at] = (uint8_t)(value >> 8);
	packet->bytes[at + 1] = (uint8_t)value;
}

void sl_pkt_seal(struct sl_pkt *packet)
{
	const uint32_t at = transport_check(packet);

	if (version_of(packet) == 4) {
		const uint32_t header = (packet->bytes[packet->l3] & 0xfu) * 4;

		sl_pkt_put16(packet, packet->l3 + 10, 0);
		sl_pkt_put16(packet, packet->l3 + 10,
			     (uint16_t)~sl_pkt_sum(0, &packet->bytes[packet->l3], header));
	}
	if (at && at + 2 <= packet->length) {
		sl_pkt_put16(packet, at, 0);
		sl_pkt_put16(packet, at, (uint16_t)~transport_sum(packet));
	}
}

int sl_pkt_is_sound(const struct sl_pkt *packet)
{
	const uint32_t header = (packet->bytes[packet->l3] & 0xfu) * 4;

	if (version_of(packet) == 4 && sl_pkt_sum(0, &packet->bytes[packet->l3], header) != 0xffff)
		return 0;
	return !transport_check(packet) || transport_sum(packet) == 0xffff;
}

/* ---- headers ----------------------------------------------------------------------- */

/* Room for the next header. */
static uint8_t *take(struct sl_pkt *p, uint32_t length)
{
	uint8_t *at = &p->bytes[p->length];

	assert_true(p->length + length <= SL_PKT_BYTES_MAX);
	p->length += length;
	return at;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void add_ethernet(struct sl_pkt *p, const struct sl_pkt_spec *s, uint16_t type)
{
	uint8_t *eth = take(p, ETH_HLEN);

	memcpy(eth, target_mac, 6);
	memcpy(eth + 6, source_mac, 6);
	assert_true(s->tags <= 2);
	for (unsigned i = 0; i < s->tags; i++) {
		put16(p->bytes + p->length - 2, i + 1 < s->tags ? ETHER_TYPE_QINQ : ETHERTYPE_VLAN);
		put16(take(p, 4), s->tci[i]);
	}
	put16(p->bytes + p->length - 2, type);
	p->l3 = p->length;
}

static void add_ip4(struct sl_pkt *p, const struct sl_pkt_spec *s, uint8_t protocol)
{
	const uint32_t options = s->ip_option_words * 4u;
	uint8_t *ip = take(p, 20 + options);

	ip[0] = (uint8_t)(0x40 | (5 + s->ip_option_words));
	put16(ip + 4, 0x1234);
	put16(ip + 6, (uint16_t)(s->fragment | (s->more_fragments ? IP_MF : 0)));
	ip[8] = 63;
	ip[9] = protocol;
	memset(ip + 20, 1, options); /* NOP */
	assert_int_equal(inet_pton(AF_INET, s->from ? s->from : "10.0.0.1", ip + 12), 1);
	assert_int_equal(inet_pton(AF_INET, s->to ? s->to : "192.0.2.1", ip + 16), 1);
}

static void add_extension(struct sl_pkt *p, const struct sl_pkt_spec *s, uint8_t which,
			  uint8_t next)
{
	const uint32_t length = which == FRAGMENT_HEADER ? 8 : 8u + s->extension_words * 8u;
	uint8_t *header = take(p, length);

	header[0] = next;
	header[1] = (uint8_t)(which == AUTH_HEADER ? length / 4 - 2 : length / 8 - 1);
	if (which == FRAGMENT_HEADER)
		put16(header + 2, (uint16_t)(s->fragment << 3 | s->more_fragments));
}

static void add_ip6(struct sl_pkt *p, const struct sl_pkt_spec *s, uint8_t protocol)
{
	uint8_t *ip = take(p, sizeof(struct ip6_hdr));

	ip[0] = 0x60;
	ip[6] = s->extension_count ? s->extensions[0] : protocol;
	ip[7] = 63;
	assert_int_equal(inet_pton(AF_INET6, s->from ? s->from : "2001:db8:9::1", ip + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, s->to, ip + 24), 1);
	assert_true(s->extension_count <= SL_PKT_EXTENSIONS_MAX);
	for (unsigned i = 0; i < s->extension_count; i++)
		add_extension(p, s, s->extensions[i],
			      i + 1 < s->extension_count ? s->extensions[i + 1] : protocol);
}

static void add_transport(struct sl_pkt *p, const struct sl_pkt_spec *s, uint8_t protocol)
{
	const uint16_t from_port = s->from_port ? s->from_port : 40000;
	const uint16_t to_port = s->to_port ? s->to_port : 443;
	uint8_t *l4;

	switch (protocol) {
	case IPPROTO_TCP:
		l4 = take(p, 20u + s->option_words * 4u);
		put16(l4 + 4, (uint16_t)(s->seq >> 16));
		put16(l4 + 6, (uint16_t)s->seq);
		l4[12] = (uint8_t)((5 + s->option_words) << 4);
		l4[13] = s->flags;
		put16(l4 + 14, 1024);
		memset(l4 + 20, 1, s->option_words * 4u);
		break;
	case IPPROTO_UDP:
		l4 = take(p, 8);
		put16(l4 + 4, (uint16_t)(8 + s->payload_bytes));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		l4 = take(p, 8);
		l4[0] = protocol == IPPROTO_ICMP ? 8 : 128;
		put16(l4 + 4, from_port);
		return;
	default:
		return;
	}
	put16(l4, from_port);
	put16(l4 + 2, to_port);
}

static void set_lengths(struct sl_pkt *p)
{
	if (version_of(p) == 4)
		sl_pkt_put16(p, p->l3 + 2, (uint16_t)(p->length - p->l3));
	else
		sl_pkt_put16(p, p->l3 + 4, (uint16_t)(p->length - p->l3 - sizeof(struct ip6_hdr)));
}

struct sl_pkt sl_pkt_build(const struct sl_pkt_spec *spec)
{
	const uint8_t protocol = spec->protocol ? spec->protocol : IPPROTO_UDP;
	const int six = spec->to && strchr(spec->to, ':');
	struct sl_pkt p;

	memset(&p, 0, sizeof(p));
	if (spec->ether_type) {
		add_ethernet(&p, spec, spec->ether_type);
		memset(take(&p, spec->payload_bytes), 0x5a, spec->payload_bytes);
		return p;
	}
	add_ethernet(&p, spec, six ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (six)
		add_ip6(&p, spec, protocol);
	else
		add_ip4(&p, spec, protocol);
	p.l4 = p.length;
	if (!spec->fragment)
		add_transport(&p, spec, protocol);
	p.payload = p.length;
	for (unsigned i = 0; i < spec->payload_bytes; i++)
		*take(&p, 1) = (uint8_t)(i * 7 + 1);
	set_lengths(&p);
	if (!spec->fragment)
		sl_pkt_seal(&p);
	else if (!six)
		sl_pkt_put16(&p, p.l3 + 10, (uint16_t)~sl_pkt_sum(0, &p.bytes[p.l3], p.l4 - p.l3));
	return p;
}
