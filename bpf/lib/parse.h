/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with up to
 * IP6_EXTENSIONS_MAX extension headers, TCP, UDP, ICMP; first and later
 * fragments. What runs past the packet or contradicts itself is malformed. A
 * packet whose ports are elsewhere (a later fragment) or beyond what we follow
 * has no_ports: it is judged by its address, and limited as fragments are.
 *
 * Addresses are named by role, not by direction: `local` is the protected
 * side, `remote` the other. At ingress local is the destination.
 */
#pragma once

#include "bpf/lib/frame.h"
#include "bpf/lib/proto.h"
#include <bpf/bpf_endian.h>

enum sl_parsed {
	SL_PARSED_IP = 0,
	SL_PARSED_NOT_IP,
	SL_PARSED_MALFORMED,
};

/* An address as it is in the packet; IPv4 in the first word, the others 0. */
union sl_ip {
	__u32 word[4];
	__u64 half[2];
};

struct sl_packet {
	union sl_ip remote;
	union sl_ip local;
	__u32 l3_offset;
	__u32 l4_offset;
	__u32 bytes;	    /* to charge */
	__u32 packets;	    /* to charge: GSO segments */
	__u32 header_bytes; /* before the payload of TCP or UDP, from the Ethernet header on */
	__be16 remote_port; /* 0 when there is none */
	__be16 local_port;
	__u16 vlan;    /* the outer tag's id, or SL_VLAN_NONE */
	__u8 family;   /* 4, 6, or 0: not parsed that far */
	__u8 protocol; /* of the last header read */
	__u8 tcp_flags;
	bool malformed;
	bool bare; /* no IP options, no extension headers */
	bool no_ports;
	bool has_payload; /* TCP only */
};

static __always_inline bool sl_is_syn(const struct sl_packet *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline void sl_set_ports(struct sl_packet *p, enum sl_direction way, __be16 source,
					 __be16 dest)
{
	p->remote_port = way == SL_INGRESS ? source : dest;
	p->local_port = way == SL_INGRESS ? dest : source;
}

/* @l4_bytes: what the IP header says follows it, as far as it says. */
static __always_inline enum sl_parsed sl_parse_tcp(struct sl_packet *p, const struct tcphdr *tcp,
						   enum sl_direction way, __u32 l4_bytes)
{
	__u32 header_bytes = tcp->doff * 4u;

	if (header_bytes < sizeof(*tcp) || header_bytes > l4_bytes)
		return SL_PARSED_MALFORMED;
	p->header_bytes = p->l4_offset + header_bytes;
	p->tcp_flags = ((const __u8 *)tcp)[13];
	p->has_payload = l4_bytes > header_bytes;
	sl_set_ports(p, way, tcp->source, tcp->dest);
	return SL_PARSED_IP;
}

static __always_inline enum sl_parsed sl_parse_udp(struct sl_packet *p, const struct udphdr *udp,
						   enum sl_direction way, __u32 l4_bytes)
{
	if (l4_bytes < sizeof(*udp))
		return SL_PARSED_MALFORMED;
	p->header_bytes = p->l4_offset + sizeof(*udp);
	sl_set_ports(p, way, udp->source, udp->dest);
	return SL_PARSED_IP;
}

static __always_inline bool sl_is_icmp(const struct sl_packet *p)
{
	return p->protocol == PROTO_ICMP || p->protocol == PROTO_ICMPV6;
}

/* The transport header right after a plain IP header: in place. */
static __always_inline enum sl_parsed sl_parse_l4(struct sl_packet *p, struct sl_cursor c,
						  enum sl_direction way, __u32 l4_bytes)
{
	p->l4_offset = c.offset;
	p->bare = true;

	if (p->protocol == PROTO_TCP) {
		const struct tcphdr *tcp = sl_cursor_take_as(&c, struct tcphdr);

		return tcp ? sl_parse_tcp(p, tcp, way, l4_bytes) : SL_PARSED_MALFORMED;
	}
	if (p->protocol == PROTO_UDP) {
		const struct udphdr *udp = sl_cursor_take_as(&c, struct udphdr);

		return udp ? sl_parse_udp(p, udp, way, l4_bytes) : SL_PARSED_MALFORMED;
	}
	if (sl_is_icmp(p) && (!sl_cursor_take(&c, SL_ICMP_BYTES) || l4_bytes < SL_ICMP_BYTES))
		return SL_PARSED_MALFORMED;
	return SL_PARSED_IP;
}

/* The transport header after options or extensions: copied out. */
static __always_inline enum sl_parsed sl_parse_far_l4(struct sl_packet *p, const struct sl_frame *f,
						      __u32 offset, __u32 l4_bytes)
{
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	} l4;

	p->l4_offset = offset;
	if (p->protocol == PROTO_TCP)
		return sl_frame_load(f, offset, &l4.tcp, sizeof(l4.tcp))
			       ? SL_PARSED_MALFORMED
			       : sl_parse_tcp(p, &l4.tcp, f->way, l4_bytes);
	if (p->protocol == PROTO_UDP)
		return sl_frame_load(f, offset, &l4.udp, sizeof(l4.udp))
			       ? SL_PARSED_MALFORMED
			       : sl_parse_udp(p, &l4.udp, f->way, l4_bytes);
	if (sl_is_icmp(p) &&
	    (sl_frame_load(f, offset, &l4, SL_ICMP_BYTES) || l4_bytes < SL_ICMP_BYTES))
		return SL_PARSED_MALFORMED;
	return SL_PARSED_IP;
}

/* @wire_bytes: from the IP header on, 0 = not to be trusted (segmentation offload). */
static __always_inline enum sl_parsed sl_parse_ip4(struct sl_packet *p, const struct sl_frame *f,
						   struct sl_cursor c, __u32 wire_bytes)
{
	const struct iphdr *ip = sl_cursor_take_as(&c, struct iphdr);
	__u32 header_bytes, total_bytes;
	__u16 fragment;

	if (!ip)
		return SL_PARSED_MALFORMED;

	p->family = 4;
	p->protocol = ip->protocol;
	p->remote.word[0] = f->way == SL_INGRESS ? ip->saddr : ip->daddr;
	p->local.word[0] = f->way == SL_INGRESS ? ip->daddr : ip->saddr;

	header_bytes = ip->ihl * 4u;
	if (ip->version != 4 || header_bytes < sizeof(*ip))
		return SL_PARSED_MALFORMED;
	total_bytes = bpf_ntohs(ip->tot_len);
	if (!wire_bytes)
		total_bytes = SL_PACKET_BYTES_MAX;
	else if (total_bytes < header_bytes || total_bytes > wire_bytes)
		return SL_PARSED_MALFORMED;

	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & IP4_FRAGMENT_OFFSET) {
		p->no_ports = true;
		return SL_PARSED_IP;
	}

	if (header_bytes == sizeof(*ip))
		return sl_parse_l4(p, c, f->way, total_bytes - header_bytes);
	return sl_parse_far_l4(p, f, p->l3_offset + header_bytes, total_bytes - header_bytes);
}

static __always_inline bool sl_is_extension(__u8 protocol)
{
	return protocol == NEXT_HOP_BY_HOP || protocol == NEXT_ROUTING ||
	       protocol == NEXT_DESTINATION || protocol == NEXT_AUTH || protocol == NEXT_FRAGMENT;
}

/*
 * Step over one extension header, if @p->protocol is one.
 * Returns 1 to go on, 0 at the transport header, -1 when malformed.
 */
static __always_inline int sl_skip_extension(struct sl_packet *p, const struct sl_frame *f,
					     __u32 *offset)
{
	union {
		struct ipv6_opt_hdr any;
		struct frag_hdr fragment;
	} extension;
	__u8 protocol = p->protocol;

	if (!sl_is_extension(protocol))
		return 0;
	/* All of them are at least 8 bytes long. */
	if (sl_frame_load(f, *offset, &extension, sizeof(extension)))
		return -1;
	p->protocol = extension.any.nexthdr;
	if (protocol == NEXT_FRAGMENT) {
		*offset += sizeof(extension.fragment);
		if (!(extension.fragment.frag_off & bpf_htons(IP6_FRAGMENT_OFFSET)))
			return 1;
		p->no_ports = true;
		return 0;
	}
	*offset += protocol == NEXT_AUTH ? (extension.any.hdrlen + 2u) * 4
					 : (extension.any.hdrlen + 1u) * 8;
	return 1;
}

/* @payload_bytes: after the IPv6 header. */
static __always_inline enum sl_parsed sl_parse_extensions(struct sl_packet *p,
							  const struct sl_frame *f, __u32 start,
							  __u32 payload_bytes)
{
	__u32 offset = start;
	int more = 1;

	for (int i = 0; i < IP6_EXTENSIONS_MAX && more > 0; i++)
		more = sl_skip_extension(p, f, &offset);
	if (more < 0 || offset - start > payload_bytes)
		return SL_PARSED_MALFORMED;
	if (more && sl_is_extension(p->protocol))
		p->no_ports = true; /* legal, but further than we follow */
	if (p->no_ports)
		return SL_PARSED_IP;
	return sl_parse_far_l4(p, f, offset, payload_bytes - (offset - start));
}

static __always_inline void sl_copy_ip6(union sl_ip *to, const struct in6_addr *from)
{
	const __u32 *word = (const __u32 *)from;

	/* By words: an address in a packet is 4-byte aligned at best. */
#pragma unroll
	for (int i = 0; i < 4; i++)
		to->word[i] = word[i];
}

static __always_inline enum sl_parsed sl_parse_ip6(struct sl_packet *p, const struct sl_frame *f,
						   struct sl_cursor c, __u32 wire_bytes)
{
	const struct ipv6hdr *ip = sl_cursor_take_as(&c, struct ipv6hdr);
	__u32 payload_bytes;

	if (!ip)
		return SL_PARSED_MALFORMED;

	p->family = 6;
	p->protocol = ip->nexthdr;
	sl_copy_ip6(&p->remote, f->way == SL_INGRESS ? &ip->saddr : &ip->daddr);
	sl_copy_ip6(&p->local, f->way == SL_INGRESS ? &ip->daddr : &ip->saddr);

	payload_bytes = bpf_ntohs(ip->payload_len);
	if (ip->version != 6)
		return SL_PARSED_MALFORMED;
	if (!wire_bytes)
		payload_bytes = SL_PACKET_BYTES_MAX;
	else if (payload_bytes + sizeof(*ip) > wire_bytes)
		return SL_PARSED_MALFORMED;

	if (!sl_is_extension(p->protocol))
		return sl_parse_l4(p, c, f->way, payload_bytes);
	return sl_parse_extensions(p, f, c.offset, payload_bytes);
}

/*
 * Step over up to two tags; *proto becomes the EtherType behind them. *vlan becomes
 * the outer tag's id, unless it is set. False: a tag is cut off.
 */
static __always_inline bool sl_skip_tags(struct sl_cursor *c, __be16 *proto, __u16 *vlan)
{
#pragma unroll
	for (int i = 0; i < 2; i++) {
		const struct vlan_hdr *tag;

		if (*proto != bpf_htons(ETH_P_8021Q) && *proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = sl_cursor_take_as(c, struct vlan_hdr);
		if (!tag)
			return false;
		if (*vlan == SL_VLAN_NONE)
			*vlan = bpf_ntohs(tag->h_vlan_TCI) & VLAN_ID_MASK;
		*proto = tag->h_vlan_encapsulated_proto;
	}
	return true;
}

/* @p: zeroed, but for .vlan when the tag is not in the frame. */
static __always_inline enum sl_parsed sl_parse(struct sl_packet *p, const struct sl_frame *f)
{
	struct sl_cursor c = f->cursor;
	const struct ethhdr *eth = sl_cursor_take_as(&c, struct ethhdr);
	__u32 wire_bytes = f->wire_bytes;
	__be16 proto;

	if (!eth)
		return SL_PARSED_MALFORMED;
	proto = eth->h_proto;
	if (!sl_skip_tags(&c, &proto, &p->vlan))
		return SL_PARSED_MALFORMED;

	if (wire_bytes)
		wire_bytes -= c.offset;
	p->l3_offset = c.offset;
	if (proto == bpf_htons(ETH_P_IP))
		return sl_parse_ip4(p, f, c, wire_bytes);
	if (proto == bpf_htons(ETH_P_IPV6))
		return sl_parse_ip6(p, f, c, wire_bytes);
	return SL_PARSED_NOT_IP;
}
