/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of a stream of packets, and how one differs from the next: source
 * address and one 16-bit field (port, ICMP id, IP id). The packet socket's sender
 * and the generator in the kernel (tests/bpf/flood.bpf.c) both turn it with
 * sl_template_next(), so that they send the same packets.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define SL_TEMPLATE_HEADERS_MAX 80 /* Ethernet, VLAN, IPv6, TCP need 78 */
#define SL_TEMPLATE_OFFSET_MASK 127

struct sl_template {
	__u8 header[SL_TEMPLATE_OFFSET_MASK + 1 + 4]; /* any masked offset has 4 bytes */
	__u32 header_bytes;
	__u32 source_at;	 /* byte offsets in header; 0: the packet has none */
	__u32 source_words;	 /* 1 or 4 */
	__u32 source[4];	 /* network order, host bits 0 */
	__u32 source_mask[4];	 /* 1 = random */
	__u32 vary_at;		 /* the 16-bit field */
	__u32 vary_in_l3;	 /* it is in the IPv4 header */
	__u32 l4_without_source; /* ICMP has no pseudo header */
	__u16 vary;		 /* network order, as in the packet */
	__u16 vary_mask;
	__u32 l3_check_at; /* IPv4 header checksum */
	__u32 l4_check_at;
	__u32 l3_sum; /* of the rest, not yet folded */
	__u32 l4_sum; /* with pseudo header and payload */
};

static inline __u64 sl_template_random(__u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 24;
}

/* Never 0, which in UDP means "no checksum"; all ones is the same number. */
static inline __u16 sl_template_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	return sum ? (__u16)sum : 0xffff;
}

/* The masks tell the verifier that the offset stays inside; they change nothing. */
static inline void sl_template_put(struct sl_template *t, __u32 at, __u16 value)
{
	at &= SL_TEMPLATE_OFFSET_MASK;
	__builtin_memcpy(&t->header[at], &value, sizeof(value));
}

/* Turns @t into the next packet of the stream. @state: of the random numbers. */
static inline void sl_template_next(struct sl_template *t, __u64 *state)
{
	__u32 l3 = t->l3_sum;
	__u32 l4 = t->l4_sum;
	__u16 vary;

	for (__u32 i = 0; i < 4; i++) {
		__u32 at = t->source_at + i * 4;
		__u32 word;
		__u32 sum;

		if (i >= t->source_words)
			break;
		word = t->source[i] | ((__u32)sl_template_random(state) & t->source_mask[i]);
		sum = (word & 0xffff) + (word >> 16);
		l3 += sum;
		if (!t->l4_without_source)
			l4 += sum;
		at &= SL_TEMPLATE_OFFSET_MASK;
		__builtin_memcpy(&t->header[at], &word, sizeof(word));
	}

	vary = t->vary | ((__u16)sl_template_random(state) & t->vary_mask);
	if (t->vary_in_l3)
		l3 += vary;
	else
		l4 += vary;
	if (t->vary_at)
		sl_template_put(t, t->vary_at, vary);
	if (t->l3_check_at)
		sl_template_put(t, t->l3_check_at, sl_template_fold(l3));
	if (t->l4_check_at)
		sl_template_put(t, t->l4_check_at, sl_template_fold(l4));
}
