/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token bucket kept as one word: the theoretical arrival time (TAT), the
 * time at which the bucket will be full again. Source: the Generic Cell Rate
 * Algorithm, ITU-T I.371, in its virtual scheduling form.
 *
 *   base  = max(tat, now)
 *   admit   when base + min(cost, burst) <= now + burst, and then tat = base + cost
 *
 * A packet dearer than the whole burst is admitted by a full bucket and leaves
 * a debt: the rate holds in the long run and no packet size is shut out.
 *
 * Invariants
 *   I1  one word, one compare-and-swap: no lock, no lost update, no minting.
 *   I2  a refusal does not write. Under attack the line stays shared by all CPUs.
 *   I3  times wrap after 208 days and are compared by signed difference. A word
 *       further ahead than its limit can leave it (an older, slower limit, or a
 *       wrap) is pulled back to "empty now"; that mints nothing. Nor does it when
 *       this CPU's clock is behind the one that charged the word: the coarse clock
 *       is behind the fine one, and a CPU may be held up after it read its clock.
 *
 * No map, helper or context is used here: the unit tests run the same text.
 */
#pragma once

#include "sluice/abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define SL_CAS_TRIES	   4
#define SL_CLOCK_BEHIND_CU (1ull << 40) /* a second: no clock is further behind, see I3 */

/*
 * What is seldom needed is a global function of the BPF program. The verifier
 * follows every combination of paths, and eight inlined loops of four tries each
 * took it to its limit of a million instructions; a global function is verified
 * once, by itself.
 */
#ifdef __bpf__
#define SL_APART __attribute__((weak, noinline))
#else
#define SL_APART static inline
#endif

/* What the bucket met on its way; added to sl_node by the caller. */
struct sl_bucket_events {
	__u32 cas_retries;
	__u32 cas_exhausted;
	__u32 pullbacks;
};

/* Charge of @bytes at @rate, in credit units. @bytes <= SL_PACKET_BYTES_MAX. */
static __always_inline __u64 sl_bytes_cost(const struct sl_rate *rate, __u32 bytes)
{
	return (rate->cost * bytes) >> SL_BYTE_COST_SHIFT;
}

/* The dearest packet, as far as a debt may go: see I3. */
static __always_inline __u64 sl_bytes_debt(const struct sl_rate *rate)
{
	return rate->cost << 5; /* SL_PACKET_BYTES_MAX >> SL_BYTE_COST_SHIFT */
}

static __always_inline __u64 sl_packets_debt(const struct sl_rate *rate)
{
	return rate->cost << 10; /* more segments than one GSO packet holds are cut to this */
}

/* How long until @cost is admitted, in credit units; <= 0: it is admitted now. */
static __always_inline __s64 sl_bucket_wait(__u64 tat_cu, __u64 cost_cu, __u64 burst_cu,
					    __u64 now_cu)
{
	__s64 ahead = (__s64)(tat_cu - now_cu);
	__u64 need = cost_cu < burst_cu ? cost_cu : burst_cu;

	return (ahead > 0 ? ahead : 0) - (__s64)(burst_cu - need);
}

/* True when the bucket has room; reads one word and writes nothing. */
static __always_inline int sl_bucket_has(const __u64 *tat_cu, __u64 cost_cu, __u64 burst_cu,
					 __u64 now_cu)
{
	__u64 seen_cu = *(const volatile __u64 *)tat_cu;

	return sl_bucket_wait(seen_cu, cost_cu, burst_cu, now_cu) <= 0;
}

/* Further ahead than any legal charge could leave it (I3)? */
static __always_inline int sl_bucket_is_astray(__u64 tat_cu, __u64 burst_cu, __u64 debt_cu,
					       __u64 now_cu)
{
	return (__s64)(tat_cu - now_cu) > (__s64)(burst_cu + debt_cu + SL_CLOCK_BEHIND_CU);
}

/* I3, for a refused word: pull it back to "empty now". Not 0: it was astray. */
SL_APART __u64 sl_bucket_pull_back(__u64 *tat_cu, __u64 burst_cu, __u64 debt_cu, __u64 now_cu)
{
	__u64 seen_cu;

	if (!tat_cu)
		return 0;
	seen_cu = *(volatile __u64 *)tat_cu;
	if (!sl_bucket_is_astray(seen_cu, burst_cu, debt_cu, now_cu))
		return 0;
	/* Losing this race is fine: somebody else pulled it back. */
	__sync_val_compare_and_swap(tat_cu, seen_cu, now_cu + burst_cu);
	return 1;
}

#define SL_CONTENDED_TAKEN     0x1u
#define SL_CONTENDED_EXHAUSTED 0x2u
#define SL_CONTENDED_SHIFT     8 /* above: tries that other CPUs won */

/* Take @cost_cu from a word that other CPUs want too. Returns SL_CONTENDED_*. */
SL_APART __u64 sl_bucket_contend(__u64 *tat_cu, __u64 cost_cu, __u64 burst_cu, __u64 now_cu)
{
	__u64 lost = 0, seen_cu;

	if (!tat_cu)
		return 0;
	seen_cu = *(volatile __u64 *)tat_cu;
	for (int i = 1; i < SL_CAS_TRIES; i++) {
		__u64 base_cu = (__s64)(seen_cu - now_cu) > 0 ? seen_cu : now_cu;
		__u64 was_cu;

		if (sl_bucket_wait(seen_cu, cost_cu, burst_cu, now_cu) > 0)
			return lost;
		was_cu = __sync_val_compare_and_swap(tat_cu, seen_cu, base_cu + cost_cu);
		if (was_cu == seen_cu)
			return lost | SL_CONTENDED_TAKEN;
		lost += 1u << SL_CONTENDED_SHIFT;
		seen_cu = was_cu;
	}
	__sync_fetch_and_add(tat_cu, cost_cu);
	return lost | SL_CONTENDED_TAKEN | SL_CONTENDED_EXHAUSTED;
}

/*
 * Take @cost_cu, or refuse. Returns 1 when taken.
 * @debt_cu bounds how far a legal word may be beyond the burst (I3).
 * When other CPUs won SL_CAS_TRIES times in a row the charge is added without
 * the check: at most one packet per CPU over, repaid because the word moved on.
 */
static __always_inline int sl_bucket_take(__u64 *tat_cu, __u64 cost_cu, __u64 burst_cu,
					  __u64 debt_cu, __u64 now_cu,
					  struct sl_bucket_events *events)
{
	__u64 seen_cu = *(volatile __u64 *)tat_cu;
	__u64 base_cu = (__s64)(seen_cu - now_cu) > 0 ? seen_cu : now_cu;
	__u64 contended;

	if (sl_bucket_wait(seen_cu, cost_cu, burst_cu, now_cu) > 0) {
		if (sl_bucket_is_astray(seen_cu, burst_cu, debt_cu, now_cu))
			events->pullbacks +=
				(__u32)sl_bucket_pull_back(tat_cu, burst_cu, debt_cu, now_cu);
		return 0;
	}
	if (__sync_val_compare_and_swap(tat_cu, seen_cu, base_cu + cost_cu) == seen_cu)
		return 1;

	contended = sl_bucket_contend(tat_cu, cost_cu, burst_cu, now_cu);
	events->cas_retries += 1 + (__u32)(contended >> SL_CONTENDED_SHIFT);
	events->cas_exhausted += !!(contended & SL_CONTENDED_EXHAUSTED);
	return (int)(contended & SL_CONTENDED_TAKEN);
}
