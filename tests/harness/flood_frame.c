// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/flood_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>

#define FRAGMENT_OFFSET_UNITS 185 /* of 8 bytes: 1480, where the second fragment begins */
#define EPHEMERAL_PORT	      0x8000
#define EPHEMERAL_MASK	      0x7fff

struct builder {
	struct sl_template t;
	const struct sl_flood_spec *spec;
	bool is_v6;
	uint8_t ip_protocol;
};

/* Sum of the bytes as 16-bit words in memory order; @bytes is even but for the last part. */
static uint32_t sum_of(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint32_t sum = 0;
	uint16_t word;

	for (; bytes >= 2; at += 2, bytes -= 2) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	return sum;
}

static void append(struct builder *b, const void *header, size_t bytes)
{
	memcpy(&b->t.header[b->t.header_bytes], header, bytes);
	b->t.header_bytes += (uint32_t)bytes;
}

static void put_ethernet(struct builder *b)
{
	uint16_t type = htons(b->is_v6 ? ETH_P_IPV6 : ETH_P_IP);

	append(b, b->spec->target_mac, ETH_ALEN);
	append(b, b->spec->source_mac, ETH_ALEN);
	if (b->spec->vlan) {
		uint16_t tag[2] = { htons(ETH_P_8021Q), htons(b->spec->vlan) };

		append(b, tag, sizeof(tag));
	}
	append(b, &type, sizeof(type));
}

static size_t transport_bytes(const struct builder *b)
{
	switch (b->spec->protocol) {
	case SL_FLOOD_SYN:
	case SL_FLOOD_ACK:
		return sizeof(struct tcphdr);
	case SL_FLOOD_UDP:
	case SL_FLOOD_ICMP:
		return sizeof(struct udphdr);
	case SL_FLOOD_FRAGMENT:
		return b->is_v6 ? sizeof(struct ip6_frag) : 0;
	}
	return 0;
}

static uint8_t protocol_number(const struct builder *b)
{
	switch (b->spec->protocol) {
	case SL_FLOOD_SYN:
	case SL_FLOOD_ACK:
		return IPPROTO_TCP;
	case SL_FLOOD_UDP:
		return IPPROTO_UDP;
	case SL_FLOOD_ICMP:
		return b->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	case SL_FLOOD_FRAGMENT:
		return b->is_v6 ? IPPROTO_FRAGMENT : IPPROTO_UDP;
	}
	return 0;
}

static void put_ip4(struct builder *b, size_t ip_bytes)
{
	bool fragment = b->spec->protocol == SL_FLOOD_FRAGMENT;
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.tot_len = htons((uint16_t)ip_bytes),
		.protocol = b->ip_protocol,
		.frag_off = htons(fragment ? FRAGMENT_OFFSET_UNITS : IP_DF),
	};
	uint32_t at = b->t.header_bytes;

	memcpy(&ip.daddr, b->spec->target.bytes, sizeof(ip.daddr));
	b->t.l3_sum = sum_of(&ip, sizeof(ip));
	b->t.l3_check_at = at + offsetof(struct iphdr, check);
	b->t.source_at = at + offsetof(struct iphdr, saddr);
	b->t.source_words = 1;
	if (fragment) {
		b->t.vary_at = at + offsetof(struct iphdr, id);
		b->t.vary_in_l3 = 1;
		b->t.vary_mask = 0xffff;
	}
	append(b, &ip, sizeof(ip));
}

static void put_ip6(struct builder *b, size_t ip_bytes)
{
	struct ip6_hdr ip = {
		.ip6_ctlun.ip6_un1 = {
			.ip6_un1_flow = htonl(6u << 28),
			.ip6_un1_plen = htons((uint16_t)(ip_bytes - sizeof(ip))),
			.ip6_un1_nxt = b->ip_protocol,
			.ip6_un1_hlim = 64,
		},
	};

	memcpy(&ip.ip6_dst, b->spec->target.bytes, sizeof(ip.ip6_dst));
	b->t.source_at = b->t.header_bytes + (uint32_t)offsetof(struct ip6_hdr, ip6_src);
	b->t.source_words = 4;
	append(b, &ip, sizeof(ip));
}

/* The pseudo header, less the source address, which sl_template_next() adds. */
static uint32_t pseudo_sum(const struct builder *b, size_t bytes)
{
	return sum_of(b->spec->target.bytes, b->is_v6 ? 16 : 4) + htons(b->ip_protocol) +
	       htons((uint16_t)bytes);
}

/* The transport header's 16-bit field that varies is at @vary, its checksum at @check. */
static void put_transport(struct builder *b, const void *header, size_t bytes, size_t vary,
			  size_t check)
{
	b->t.vary_at = b->t.header_bytes + (uint32_t)vary;
	b->t.vary = htons(b->spec->source_port ? b->spec->source_port : EPHEMERAL_PORT);
	b->t.vary_mask = b->spec->source_port ? 0 : htons(EPHEMERAL_MASK);
	b->t.l4_check_at = b->t.header_bytes + (uint32_t)check;
	b->t.l4_sum += sum_of(header, bytes);
	append(b, header, bytes);
}

static void put_tcp(struct builder *b, size_t l4_bytes)
{
	bool syn = b->spec->protocol == SL_FLOOD_SYN;
	struct tcphdr tcp = {
		.dest = htons(b->spec->target_port),
		.seq = htonl(0x01020304),
		.ack_seq = syn ? 0 : htonl(0x05060708),
		.doff = sizeof(tcp) / 4,
		.syn = syn,
		.ack = !syn,
		.window = htons(64240),
	};

	b->t.l4_sum = pseudo_sum(b, l4_bytes);
	put_transport(b, &tcp, sizeof(tcp), offsetof(struct tcphdr, source),
		      offsetof(struct tcphdr, check));
}

static void put_udp(struct builder *b, size_t l4_bytes)
{
	struct udphdr udp = {
		.dest = htons(b->spec->target_port),
		.len = htons((uint16_t)l4_bytes),
	};

	b->t.l4_sum = pseudo_sum(b, l4_bytes);
	put_transport(b, &udp, sizeof(udp), offsetof(struct udphdr, source),
		      offsetof(struct udphdr, check));
}

/* Only ICMPv6 has a pseudo header. */
static void put_icmp(struct builder *b, size_t l4_bytes)
{
	struct icmphdr icmp = { .type = b->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO };

	if (b->is_v6)
		b->t.l4_sum = pseudo_sum(b, l4_bytes);
	b->t.l4_without_source = !b->is_v6;
	put_transport(b, &icmp, sizeof(icmp), offsetof(struct icmphdr, un.echo.id),
		      offsetof(struct icmphdr, checksum));
}

static void put_fragment6(struct builder *b)
{
	struct ip6_frag fragment = {
		.ip6f_nxt = IPPROTO_UDP,
		.ip6f_offlg = htons(FRAGMENT_OFFSET_UNITS << 3),
	};

	b->t.vary_at = b->t.header_bytes + (uint32_t)offsetof(struct ip6_frag, ip6f_ident);
	b->t.vary_mask = 0xffff;
	append(b, &fragment, sizeof(fragment));
}

static void put_payload_header(struct builder *b, size_t l4_bytes)
{
	switch (b->spec->protocol) {
	case SL_FLOOD_SYN:
	case SL_FLOOD_ACK:
		put_tcp(b, l4_bytes);
		break;
	case SL_FLOOD_UDP:
		put_udp(b, l4_bytes);
		break;
	case SL_FLOOD_ICMP:
		put_icmp(b, l4_bytes);
		break;
	case SL_FLOOD_FRAGMENT:
		if (b->is_v6)
			put_fragment6(b);
		break;
	}
}

/* Which bits of the source address are random: those behind the prefix. */
static void put_source(struct builder *b)
{
	const struct sl_prefix_spec *source = &b->spec->source;
	uint8_t mask[16] = { 0 };

	for (unsigned bit = source->bits; bit < b->t.source_words * 32; bit++)
		mask[bit / 8] = (uint8_t)(mask[bit / 8] | 0x80u >> bit % 8);
	memcpy(b->t.source_mask, mask, sizeof(mask));
	memcpy(b->t.source, source->address.bytes, b->t.source_words * 4);
}

int sl_flood_template(struct sl_template *ret, const struct sl_flood_spec *spec)
{
	struct builder b = { .spec = spec, .is_v6 = spec->target.family == 6 };
	size_t link_bytes = spec->vlan ? ETH_HLEN + 4 : ETH_HLEN;
	size_t ip_header = b.is_v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	size_t ip_bytes;

	if (spec->source.address.family != spec->target.family)
		return -EINVAL;
	if (spec->frame_bytes < link_bytes + ip_header + transport_bytes(&b) ||
	    spec->frame_bytes < SL_FLOOD_FRAME_BYTES_MIN ||
	    spec->frame_bytes > SL_FLOOD_FRAME_BYTES_MAX)
		return -EMSGSIZE;

	ip_bytes = spec->frame_bytes - link_bytes;
	b.ip_protocol = protocol_number(&b);
	put_ethernet(&b);
	if (b.is_v6)
		put_ip6(&b, ip_bytes);
	else
		put_ip4(&b, ip_bytes);
	put_payload_header(&b, ip_bytes - ip_header);
	put_source(&b);

	*ret = b.t;
	return 0;
}
