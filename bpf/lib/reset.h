/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers a SYN by a RST in its own frame, so that the client knows at once.
 * RFC 9293 section 3.10.7.1: SEQ 0, ACK = SEG.SEQ + SEG.LEN. Nothing is sent that
 * is longer than what came, so a spoofed SYN gains its sender nothing.
 *
 * IP options, extension headers and payload are not carried over: a SYN with
 * options or extensions is dropped silently instead.
 */
#pragma once

#include "bpf/lib/judge.h"
#include "bpf/lib/stats.h"

#define SL_RESET_TTL	  64
#define IP4_DONT_FRAGMENT 0x4000

/* What a SYN over its tenant's rate becomes: told, or dropped silently. */
static __always_inline enum sl_reason sl_reset_reason(struct sl_case *c, struct sl_ctl *ctl,
						      enum sl_mode mode)
{
	struct sl_node *node;

	if (!(c->side->flags & SL_SIDE_RESET) || !ctl->reset_cost_cu || !c->packet->bare)
		return SL_REASON_RATE_NEW_CONNS;
	if (mode != SL_MODE_ENFORCE || c->dry)
		return SL_REASON_NEW_CONNS_RESET;

	node = sl_node_here();
	if (!node)
		return SL_REASON_RATE_NEW_CONNS;
	if (!sl_bucket_take(&ctl->reset_tat_cu, ctl->reset_cost_cu, ctl->reset_burst_cu, 0,
			    c->now_ns << SL_CREDIT_SHIFT, &c->events)) {
		node->resets_suppressed++;
		return SL_REASON_RATE_NEW_CONNS;
	}
	node->resets_sent++;
	return SL_REASON_NEW_CONNS_RESET;
}

/* Ones' complement sum of @words 16-bit words, not folded. */
static __always_inline __u32 sl_sum16(const void *at, __u32 words)
{
	const __u16 *word = at;
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

static __always_inline __u16 sl_fold16(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline void sl_reset_tcp(struct tcphdr *tcp, __u32 payload_bytes, __u32 pseudo_sum)
{
	__be16 source = tcp->source;
	__u8 *flags = (__u8 *)tcp + 12;

	tcp->source = tcp->dest;
	tcp->dest = source;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1 + payload_bytes);
	tcp->seq = 0;
	flags[0] = (sizeof(*tcp) / 4) << 4;
	flags[1] = TCP_RST | TCP_ACK;
	tcp->window = 0;
	tcp->urg_ptr = 0;
	tcp->check = 0;
	tcp->check = sl_fold16(pseudo_sum + bpf_htons(PROTO_TCP) + bpf_htons(sizeof(*tcp)) +
			       sl_sum16(tcp, sizeof(*tcp) / 2));
}

static __always_inline void sl_swap_macs(struct ethhdr *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, mac, 6);
}

/* Turn the addresses round; returns the payload that followed the TCP header. */
static __always_inline __u32 sl_reset_ip4(struct iphdr *ip, const struct tcphdr *tcp)
{
	__u32 payload_bytes = bpf_ntohs(ip->tot_len) - sizeof(*ip) - tcp->doff * 4u;
	__be32 source = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = source;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*tcp));
	ip->tos = 0;
	ip->id = 0;
	ip->frag_off = bpf_htons(IP4_DONT_FRAGMENT);
	ip->ttl = SL_RESET_TTL;
	ip->check = 0;
	ip->check = sl_fold16(sl_sum16(ip, sizeof(*ip) / 2));
	return payload_bytes;
}

static __always_inline __u32 sl_reset_ip6(struct ipv6hdr *ip, const struct tcphdr *tcp)
{
	__u32 payload_bytes = bpf_ntohs(ip->payload_len) - tcp->doff * 4u;
	struct in6_addr source = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = source;
	ip->payload_len = bpf_htons(sizeof(*tcp));
	ip->hop_limit = SL_RESET_TTL;
	return payload_bytes;
}

/* Step over Ethernet and its tags. Returns the EtherType, 0 when cut off. */
static __always_inline __be16 sl_reset_skip_l2(struct sl_cursor *c, struct ethhdr **ret)
{
	struct ethhdr *eth = sl_cursor_take_as(c, struct ethhdr);
	__u16 ignored = SL_VLAN_NONE;
	__be16 proto;

	if (!eth)
		return 0;
	proto = eth->h_proto;
	if (!sl_skip_tags(c, &proto, &ignored))
		return 0;
	*ret = eth;
	return proto;
}

/*
 * Turn the SYN in @ctx, which the judge found bare, into its RST. The headers are
 * found again: offsets kept from the parser would make the verifier follow each of
 * their values through everything in between. Returns what the XDP program returns.
 */
static __always_inline int sl_reset_send(struct xdp_md *ctx)
{
	struct sl_cursor c = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	struct ethhdr *eth = NULL;
	__be16 proto = sl_reset_skip_l2(&c, &eth);
	__u32 payload_bytes, pseudo_sum;
	struct tcphdr *tcp;

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = sl_cursor_take_as(&c, struct iphdr);

		tcp = sl_cursor_take_as(&c, struct tcphdr);
		if (!ip || !tcp)
			return XDP_DROP;
		payload_bytes = sl_reset_ip4(ip, tcp);
		pseudo_sum = sl_sum16(&ip->saddr, 4);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = sl_cursor_take_as(&c, struct ipv6hdr);

		tcp = sl_cursor_take_as(&c, struct tcphdr);
		if (!ip || !tcp)
			return XDP_DROP;
		payload_bytes = sl_reset_ip6(ip, tcp);
		pseudo_sum = sl_sum16(&ip->saddr, 16);
	} else {
		return XDP_DROP;
	}
	sl_reset_tcp(tcp, payload_bytes, pseudo_sum);
	sl_swap_macs(eth);

	if (bpf_xdp_adjust_tail(ctx, (int)c.offset - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_DROP;
	return XDP_TX;
}
