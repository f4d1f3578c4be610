// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc egress, and tc ingress where the operator asks for it instead of XDP. The
 * same judge as XDP; here a packet may be many segments, and its tag is off.
 */
#include "bpf/lib/skb.h"
#include "bpf/lib/verdict.h"

SL_DEFINE_STEPS(sl_tc_in, SL_INGRESS, false, false);
SL_DEFINE_STEPS(sl_tc_out, SL_EGRESS, false, false);

static __always_inline int sl_tc(struct __sk_buff *skb, enum sl_direction way,
				 const struct sl_steps *steps)
{
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, way);
	return sl_handle(&frame, steps) == SL_VERDICT_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int sl_tc_ingress(struct __sk_buff *skb)
{
	return sl_tc(skb, SL_INGRESS, &sl_tc_in_steps);
}

SEC("tc")
int sl_tc_egress(struct __sk_buff *skb)
{
	return sl_tc(skb, SL_EGRESS, &sl_tc_out_steps);
}
