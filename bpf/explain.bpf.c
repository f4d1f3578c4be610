// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would happen to this packet, and why: the judge of the live programs, on
 * the live maps, run by BPF_PROG_TEST_RUN. Charges, counts and sends nothing.
 */
#include "bpf/lib/skb.h"
#include "bpf/lib/verdict.h"

static __always_inline __u64 sl_wait_cu(__u64 tat_cu, __u64 cost_cu, __u64 burst_cu, __u64 now_cu)
{
	__s64 wait_cu = sl_bucket_wait(tat_cu, cost_cu, burst_cu, now_cu);

	return cost_cu && wait_cu > 0 ? (__u64)wait_cu : 0;
}

static __always_inline void sl_explain_case(struct sl_explanation *e, const struct sl_case *c)
{
	const struct sl_side *side = c->side;
	__u64 now_cu = c->now_ns << SL_CREDIT_SHIFT;

	e->lease_over = c->lease_over;
	e->fallback = (side->flags >> SL_SIDE_FALLBACK_SHIFT) & 3;
	e->shedding = c->shedding;
	e->now_ns = c->now_ns;
	if (c->full)
		return;
	e->packets_wait_cu =
		sl_wait_cu(c->bucket->packets_tat_cu, side->packets.cost * c->packet->packets,
			   side->packets.burst_cu, now_cu);
	e->bytes_wait_cu =
		sl_wait_cu(c->bucket->bytes_tat_cu, sl_bytes_cost(&side->bytes, c->packet->bytes),
			   side->bytes.burst_cu, now_cu);
}

static __always_inline int sl_explain(struct sl_frame *frame)
{
	struct sl_outcome outcome = { 0 };
	struct sl_packet packet = { 0 };
	struct sl_explanation *e;
	struct sl_case c = { 0 };
	struct sl_ctl *ctl;
	__u32 zero = 0;

	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	e = bpf_map_lookup_elem(&sl_explanations, &zero);
	if (!ctl || !e)
		return -1;
	frame->dry = true;
	sl_try(&c, &packet, ctl, frame, &outcome);
	if (outcome.reason == SL_REASON_RATE_NEW_CONNS && frame->can_reset)
		outcome.reason = sl_reset_reason(&c, ctl, SL_MODE_SHADOW);

	*e = (struct sl_explanation){
		.tenant = outcome.owner.tenant,
		.reason = (__u16)outcome.reason,
		.found_by = (__u8)outcome.owner.found_by,
		.mode = (__u8)outcome.mode,
		.proven = outcome.proven,
		.packets = packet.packets,
		.bytes = packet.bytes,
	};
	if (c.side && c.bucket)
		sl_explain_case(e, &c);
	return (int)outcome.reason;
}

SEC("xdp.frags")
int sl_explain_xdp(struct xdp_md *ctx)
{
	struct sl_frame frame;

	sl_xdp_frame(&frame, ctx);
	sl_explain(&frame);
	return XDP_PASS;
}

SEC("tc")
int sl_explain_tc_ingress(struct __sk_buff *skb)
{
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, SL_INGRESS);
	sl_explain(&frame);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sl_explain_tc_egress(struct __sk_buff *skb)
{
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, SL_EGRESS);
	sl_explain(&frame);
	return TC_ACT_UNSPEC;
}
