/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tenant 0: traffic to a protected service that is nobody's. Shared by
 * strangers, so each source gets a share, in memory that is fixed at load:
 * nothing is inserted, so nothing can be evicted or filled up.
 *
 * Every source has two cells (a count-min sketch of GCRA words, conservative
 * update). It is over its share when both cells are: one heavy neighbour in a
 * cell harms nobody, and a source alone in its cells gets exactly its share.
 *
 * A source that completed a TCP handshake with a local socket is proven: it
 * has cells and a reserve of its own, which no spoofed packet can charge.
 */
#pragma once

#include "bpf/lib/judge.h"

struct sl_source_cells {
	__u64 *tat_cu[2];
	bool proven;
};

static __always_inline __u32 sl_proven_tag(__u64 hash)
{
	return (__u32)(hash >> 32) | 1;
}

/*
 * A handshake proves a source for live->proven_s seconds. Traffic of its
 * connections renews that: without a handshake there is nothing to renew.
 */
static __always_inline bool sl_is_proven(const struct sl_case *c, const struct sl_ctl_half *live,
					 __u64 hash)
{
	__u32 index = (__u32)hash & sl_load.cells_mask;
	__u32 now_s = (__u32)(c->now_ns / 1000000000ull);
	struct sl_proven *cell;

	if (!(live->features & SL_FEATURE_PROVEN))
		return false;
	cell = bpf_map_lookup_elem(&sl_proven, &index);
	if (!cell || cell->tag != sl_proven_tag(hash) || cell->until_s <= now_s)
		return false;
	if (!c->dry && c->packet->protocol == PROTO_TCP && !sl_is_syn(c->packet) &&
	    cell->until_s - now_s < live->proven_s / 2)
		cell->until_s = now_s + live->proven_s;
	return true;
}

static __always_inline bool sl_find_cells(const struct sl_case *c, const struct sl_ctl_half *live,
					  struct sl_source_cells *ret)
{
	__u64 hash = sl_source_hash(c->packet->remote.half[0], c->seed);
	__u32 base, index;

	ret->proven = sl_is_proven(c, live, hash);
	base = ret->proven ? sl_load.cells_mask + 1 : 0;
	index = base + ((__u32)hash & sl_load.cells_mask);
	ret->tat_cu[0] = bpf_map_lookup_elem(&sl_cells, &index);
	index = base + ((__u32)(hash >> 32) & sl_load.cells_mask);
	ret->tat_cu[1] = bpf_map_lookup_elem(&sl_cells, &index);
	return ret->tat_cu[0] && ret->tat_cu[1];
}

/*
 * A cell's time, or now when that is past, or when no legal charge left it where it
 * is: a cell that nobody touched for half a wrap (I3 of bucket.h) must not refuse
 * its sources. Unsigned: what is past is further ahead than anything legal.
 */
static __always_inline __u64 sl_cell_time(const __u64 *tat_cu, __u64 ahead_max_cu, __u64 now_cu)
{
	__u64 seen_cu = *(const volatile __u64 *)tat_cu;

	return seen_cu - now_cu > ahead_max_cu ? now_cu : seen_cu;
}

/* How far ahead of now charges can have left a cell. */
static __always_inline __u64 sl_share_ahead_max(const struct sl_rate *share)
{
	return share->burst_cu + sl_packets_debt(share) + SL_CLOCK_BEHIND_CU;
}

static __always_inline __u64 sl_cells_min(const struct sl_source_cells *cells, __u64 ahead_max_cu,
					  __u64 now_cu)
{
	__u64 first = sl_cell_time(cells->tat_cu[0], ahead_max_cu, now_cu);
	__u64 second = sl_cell_time(cells->tat_cu[1], ahead_max_cu, now_cu);

	return (__s64)(first - second) < 0 ? first : second;
}

/* Raise both cells to the source's new time; a cell already beyond it stays. */
static __always_inline void sl_cells_charge(const struct sl_source_cells *cells, __u64 cost_cu,
					    __u64 ahead_max_cu, __u64 now_cu)
{
	__u64 next_cu = sl_cells_min(cells, ahead_max_cu, now_cu) + cost_cu;

#pragma unroll
	for (int i = 0; i < 2; i++) {
		__u64 seen_cu = *(volatile __u64 *)cells->tat_cu[i];

		if (seen_cu - now_cu > ahead_max_cu || (__s64)(next_cu - seen_cu) > 0)
			__sync_val_compare_and_swap(cells->tat_cu[i], seen_cu, next_cu);
	}
}

/*
 * Is tenant 0 itself used up? Asked before the shares: a source's share is of what
 * tenant 0 has, and its cells are two cache lines far from any other packet's.
 */
static __always_inline enum sl_reason sl_unknown_spent(const struct sl_case *c)
{
	return sl_only_rates(c) ? sl_rates_spent(c) : SL_REASON_PASS;
}

/*
 * A flood is refused by this alone, inlined: nothing is charged, and the only line that
 * each source has for itself says whether it is proven. SL_REASON_PASS: judge it.
 */
static __always_inline enum sl_reason sl_unknown_refuses(const struct sl_case *c,
							 const struct sl_ctl *ctl,
							 const struct sl_ctl_half *live)
{
	enum sl_reason reason;

	if (live->on_miss != SL_ON_MISS_LIMIT || (ctl->block_count4 | ctl->block_count6))
		return SL_REASON_PASS;
	reason = sl_unknown_spent(c);
	if (reason == SL_REASON_RATE_NEW_CONNS && (c->side->flags & SL_SIDE_RESET))
		return SL_REASON_PASS;
	if (reason != SL_REASON_PASS &&
	    sl_is_proven(c, live, sl_source_hash(c->packet->remote.half[0], c->seed)))
		return SL_REASON_PASS;
	return reason;
}

/* Is this source within its share? Finds its cells, and takes nothing. */
static __always_inline enum sl_reason sl_unknown_check(const struct sl_case *c,
						       const struct sl_ctl_half *live,
						       struct sl_source_cells *ret)
{
	const struct sl_rate *share = &live->source_share;
	__u64 now_cu = c->now_ns << SL_CREDIT_SHIFT;
	enum sl_reason reason;

	if (live->on_miss == SL_ON_MISS_DROP)
		return SL_REASON_UNKNOWN_DENIED;
	if (!sl_find_cells(c, live, ret))
		return SL_REASON_INTERNAL;
	if (!ret->proven) {
		reason = sl_unknown_spent(c);
		if (reason != SL_REASON_PASS)
			return reason;
	}
	if (share->cost &&
	    sl_bucket_wait(sl_cells_min(ret, sl_share_ahead_max(share), now_cu),
			   share->cost * c->packet->packets, share->burst_cu, now_cu) > 0)
		return SL_REASON_UNKNOWN_SOURCE;
	return SL_REASON_PASS;
}

/* A proven source is judged by the reserve and by nothing else. */
static __always_inline enum sl_reason sl_unknown_reserve(struct sl_case *c, struct sl_ctl *ctl,
							 const struct sl_rate *reserve)
{
	return sl_take(c, &ctl->proven_tat_cu, reserve->cost * c->packet->packets,
		       reserve->burst_cu, sl_packets_debt(reserve))
		       ? SL_REASON_PASS
		       : SL_REASON_RATE_PACKETS;
}

/* The packet was admitted: it counts against its source's share. */
static __always_inline void sl_unknown_charge(const struct sl_case *c,
					      const struct sl_ctl_half *live,
					      const struct sl_source_cells *cells)
{
	const struct sl_rate *share = &live->source_share;

	if (share->cost && !c->dry)
		sl_cells_charge(cells, share->cost * c->packet->packets, sl_share_ahead_max(share),
				c->now_ns << SL_CREDIT_SHIFT);
}
