// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would happen to this packet, and why: the judge of the live programs, on
 * the live maps, run by BPF_PROG_TEST_RUN. Charges, counts and sends nothing.
 */
#include "bpf/lib/skb.h"
#include "bpf/lib/verdict.h"

SL_DEFINE_STEPS(sl_dry_xdp, SL_INGRESS, true, true);
SL_DEFINE_STEPS(sl_dry_in, SL_INGRESS, false, true);
SL_DEFINE_STEPS(sl_dry_out, SL_EGRESS, false, true);

static __always_inline void sl_explain(struct sl_frame *frame, const struct sl_steps *steps)
{
	struct sl_trial *t = sl_trial_scratch();
	struct sl_explanation *e;
	enum sl_reason reason;
	__u32 zero = 0;

	e = bpf_map_lookup_elem(&sl_explanations, &zero);
	if (!t || !e)
		return;
	__builtin_memset(t, 0, sizeof(*t));
	frame->dry = true;
	reason = sl_try(t, frame, steps);
	*e = (struct sl_explanation){
		.tenant = t->tenant,
		.reason = (__u16)reason,
		.found_by = t->found_by,
		.mode = t->mode,
		.lease_over = t->lease_over,
		.fallback = t->fallback,
		.proven = t->proven,
		.shedding = t->shedding,
		.packets = t->packet.packets,
		.bytes = t->packet.bytes,
		.now_ns = t->now_ns,
		.packets_wait_cu = t->packets_wait_cu,
		.bytes_wait_cu = t->bytes_wait_cu,
	};
}

SEC("xdp.frags")
int sl_explain_xdp(struct xdp_md *ctx)
{
	struct sl_frame frame;

	sl_xdp_frame(&frame, ctx);
	sl_explain(&frame, &sl_dry_xdp_steps);
	return XDP_PASS;
}

SEC("tc")
int sl_explain_tc_ingress(struct __sk_buff *skb)
{
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, SL_INGRESS);
	sl_explain(&frame, &sl_dry_in_steps);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sl_explain_tc_egress(struct __sk_buff *skb)
{
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, SL_EGRESS);
	sl_explain(&frame, &sl_dry_out_steps);
	return TC_ACT_UNSPEC;
}
