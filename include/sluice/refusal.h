/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * One word of sl_refusals: how the gateway writes it and the packet path reads it.
 *
 * Two connections meet in a cell and have the same tag once in 2^48 pairs; then one is
 * refused with the other, for SL_REFUSAL_NS_MAX at most. A word that is left behind
 * looks new again for as long after 52 days, to the same connection of a tenant that
 * has refusals in force.
 */
#pragma once

#include "sluice/hash.h"

#define SL_REFUSAL_TENANT 0x7e4a47u /* tells a tenant's hash from any connection's */

static __always_inline __u32 sl_refusal_index(__u64 hash)
{
	return (__u32)hash & (SL_REFUSALS - 1);
}

static __always_inline __u64 sl_refusal_hash_tenant(__u32 tenant, __u64 seed)
{
	return sl_mix(sl_mix(seed ^ SL_REFUSAL_TENANT) ^ tenant);
}

static __always_inline struct sl_refusal sl_refusal_make(__u64 hash, __u64 until_ns)
{
	return (struct sl_refusal){ (__u32)(hash >> 32),
				    (__u32)(until_ns >> SL_REFUSAL_TICK_SHIFT) };
}

static __always_inline struct sl_refusal sl_refusal_read(const struct sl_refusal *cell)
{
	__u64 word = *(const volatile __u64 *)cell;
	struct sl_refusal refusal;

	__builtin_memcpy(&refusal, &word, sizeof(refusal));
	return refusal;
}

/* Is it this one's, and in force? */
static __always_inline int sl_refusal_is(struct sl_refusal refusal, __u64 hash, __u64 now_ns)
{
	__u32 left = refusal.until_tick - (__u32)(now_ns >> SL_REFUSAL_TICK_SHIFT);

	return refusal.tag == (__u32)(hash >> 32) && left != 0 &&
	       left <= SL_REFUSAL_NS_MAX >> SL_REFUSAL_TICK_SHIFT;
}
