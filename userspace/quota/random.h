/* SPDX-License-Identifier: Apache-2.0 */
/* Jitter out of a seed: splitmix64 (Steele, Lea, Flood, 2014) over the mixer of sluice/hash.h. */
#pragma once

#include <stdint.h>

#include "sluice/hash.h"

/* 0..@below - 1; @below > 0 and far below 2^64. */
static inline uint64_t sl_quota_random(uint64_t *state, uint64_t below)
{
	*state += 0x9e3779b97f4a7c15ull;
	return sl_mix(*state) % below;
}

/* @span_ns +- 10 %. */
static inline uint64_t sl_quota_jitter_ns(uint64_t *state, uint64_t span_ns)
{
	return span_ns - span_ns / 10 + sl_quota_random(state, span_ns / 5 + 1);
}
