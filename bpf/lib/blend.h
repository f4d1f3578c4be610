/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between two limits: from the last one of an ended lease to the safe one, in a line of
 * SL_BLEND_NS. All nodes of a cluster walk the same line, and the sums at both its ends
 * are within the cluster's limit, so the sum is within it on all of the way.
 *
 * Used by the BPF programs and by the tests.
 */
#pragma once

#include "bpf/lib/bucket.h"

#define SL_BLEND_STEPS 1024u
/* A rate as a number: the larger, the faster. A step of cost is 2^53 / cost: the least rate,
 * 1 KB/s, is exact to 0.2 %, and SL_BLEND_STEPS times the largest still fits. */
#define SL_BLEND_SCALE (1ull << 53)

/* How much of the last limit is left, in 1/SL_BLEND_STEPS. */
static __always_inline __u64 sl_blend_left(__u64 over_ns)
{
	if (over_ns >= SL_BLEND_NS)
		return 0;
	return SL_BLEND_STEPS - over_ns / (SL_BLEND_NS / SL_BLEND_STEPS);
}

SL_APART __u64 sl_blend_cost(__u64 last_cost, __u64 safe_cost, __u64 left)
{
	__u64 speed;

	if (!last_cost || !safe_cost || left > SL_BLEND_STEPS)
		return safe_cost;
	speed = (SL_BLEND_SCALE / last_cost * left +
		 SL_BLEND_SCALE / safe_cost * (SL_BLEND_STEPS - left)) /
		SL_BLEND_STEPS;
	return speed ? SL_BLEND_SCALE / speed : safe_cost;
}

/* @rate, the safe one, becomes what lies between. Unlimited in either: as the safe one says. */
static __always_inline void sl_blend(struct sl_rate *rate, const struct sl_rate *last,
				     __u64 over_ns)
{
	__u64 left = sl_blend_left(over_ns);

	if (!left || !rate->cost || !last->cost)
		return;
	rate->cost = sl_blend_cost(last->cost, rate->cost, left);
	rate->burst_cu = last->burst_cu / SL_BLEND_STEPS * left +
			 rate->burst_cu / SL_BLEND_STEPS * (SL_BLEND_STEPS - left);
}
