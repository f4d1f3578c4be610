/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's chance: xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64.
 * Every actor has a stream of its own, so that taking one actor out of a run leaves the
 * chance of all others as it was: the shrinker needs that.
 *
 * Thread: one at a time for each stream.
 */
#pragma once

#include <stdint.h>

struct sl_rng {
	uint64_t state[4];
};

/* The stream of actor @number of kind @kind in the run @seed. */
struct sl_rng sl_rng_of(uint64_t seed, uint32_t kind, uint64_t number);

uint64_t sl_rng_next(struct sl_rng *rng);
double sl_rng_unit(struct sl_rng *rng);			 /* [0, 1) */
uint64_t sl_rng_below(struct sl_rng *rng, uint64_t end); /* [0, end); end at least 1 */
double sl_rng_between(struct sl_rng *rng, double from, double to);
double sl_rng_normal(struct sl_rng *rng);
double sl_rng_exponential(struct sl_rng *rng, double mean);

/* Poisson with mean @mean; @exp_minus_mean is exp(-mean), kept by the caller. */
uint32_t sl_rng_poisson(struct sl_rng *rng, double mean, double exp_minus_mean);
