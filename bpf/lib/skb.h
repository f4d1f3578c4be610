/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A socket buffer as a frame: what it costs on the wire, its segments and its tag.
 */
#pragma once

#include "bpf/lib/verdict.h"

/* What is read in place: two tags, IPv6, TCP. What lies further is copied out. */
#define SL_HEADERS_BYTES_MAX 82u

/*
 * A packet pointer of the context as it is now. Volatile: a value from before a
 * pull is stale, and one that the compiler keeps in 32 bits is no pointer.
 */
static __always_inline void *sl_skb_pointer(const __u32 *field)
{
	return (void *)(long)*(const volatile __u32 *)field;
}

/* Make the headers readable; of a short or already linear buffer nothing moves. */
static __always_inline void sl_skb_pull_headers(struct __sk_buff *skb)
{
	void *data = sl_skb_pointer(&skb->data), *end = sl_skb_pointer(&skb->data_end);
	__u32 want_bytes = skb->len < SL_HEADERS_BYTES_MAX ? skb->len : SL_HEADERS_BYTES_MAX;

	if (data + SL_HEADERS_BYTES_MAX > end && data + want_bytes > end)
		bpf_skb_pull_data(skb, want_bytes);
}

/*
 * At egress the stack has reckoned the length on the wire of all segments
 * (wire_len). At ingress GRO has put segments together: their payloads are in
 * len, but only one set of headers is.
 */
static __always_inline void sl_skb_frame(struct sl_frame *f, struct __sk_buff *skb,
					 enum sl_direction way)
{
	__u32 segments = skb->gso_segs;

	sl_skb_pull_headers(skb);
	*f = (struct sl_frame){
		.cursor = { .pos = sl_skb_pointer(&skb->data),
			    .end = sl_skb_pointer(&skb->data_end) },
		.ctx = skb,
		.ifindex = skb->ifindex,
		.bytes = way == SL_EGRESS ? skb->wire_len : skb->len,
		.packets = segments ? segments : 1,
		.wire_bytes = segments > 1 ? 0 : skb->len,
		.is_skb = true,
		.way = way,
		.vlan = skb->vlan_present ? (__u16)(skb->vlan_tci & VLAN_ID_MASK) : SL_VLAN_NONE,
		.headers_merged = way == SL_INGRESS && segments > 1,
	};
}
