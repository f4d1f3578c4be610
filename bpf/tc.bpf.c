// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc egress, and tc ingress where the operator asks for it instead of XDP. The
 * same judge as XDP; here a packet may be many segments, and its tag is off.
 */
#include "bpf/lib/skb.h"
#include "bpf/lib/verdict.h"

static __always_inline int sl_tc(struct __sk_buff *skb, enum sl_direction way)
{
	struct sl_packet packet = { 0 };
	struct sl_frame frame;

	sl_skb_frame(&frame, skb, way);
	return sl_handle(&frame, &packet) == SL_VERDICT_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int sl_tc_ingress(struct __sk_buff *skb)
{
	return sl_tc(skb, SL_INGRESS);
}

SEC("tc")
int sl_tc_egress(struct __sk_buff *skb)
{
	return sl_tc(skb, SL_EGRESS);
}
