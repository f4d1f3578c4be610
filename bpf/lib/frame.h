/* SPDX-License-Identifier: GPL-2.0-only */
/* What a hook knows about a frame beside its bytes, and how to read those. */
#pragma once

#include "bpf/lib/cursor.h"
#include "sluice/abi.h"

struct sl_frame {
	struct sl_cursor cursor;
	void *ctx; /* xdp_md or __sk_buff */
	__u32 ifindex;
	__u32 bytes;	  /* to charge, less the configured overhead */
	__u32 packets;	  /* to charge: GSO segments */
	__u32 wire_bytes; /* whole frame; 0 = do not check IP lengths against it */
	enum sl_direction way;
	__u16 vlan;	     /* of a tag the NIC took off (tc), else SL_VLAN_NONE */
	bool is_skb;	     /* compile-time constant: ctx is a __sk_buff */
	bool headers_merged; /* GRO: `bytes` holds the headers of one segment only */
	bool can_reset;	     /* compile-time constant: the hook can send a frame back */
	bool dry;	     /* compile-time constant: explain */
};

/*
 * Copy out what lies further than the plain headers: it need not be in the part
 * of the frame that can be read in place. Not 0: the frame is too short.
 */
static __always_inline long sl_frame_load(const struct sl_frame *f, __u32 offset, void *to,
					  __u32 bytes)
{
	return f->is_skb ? bpf_skb_load_bytes(f->ctx, offset, to, bytes)
			 : bpf_xdp_load_bytes(f->ctx, offset, to, bytes);
}

static __always_inline void sl_xdp_frame(struct sl_frame *f, struct xdp_md *ctx)
{
	__u32 bytes = (__u32)bpf_xdp_get_buff_len(ctx);

	*f = (struct sl_frame){
		.cursor = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end },
		.ctx = ctx,
		.ifindex = ctx->ingress_ifindex,
		.bytes = bytes,
		.packets = 1,
		.wire_bytes = bytes,
		.way = SL_INGRESS,
		.can_reset = true,
	};
}
