/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values counted by steps, as a histogram shows them: fixed bounds, no allocation.
 *
 * Thread: pure; one at a time for each distribution.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_DISTRIBUTION_BOUNDS_MAX 24

struct sl_distribution {
	const double *bounds; /* upper ones, growing; a value equal to one is below it */
	size_t bound_count;
	uint64_t counts[SL_DISTRIBUTION_BOUNDS_MAX + 1]; /* the last: above all bounds */
	double sum;
};

/* Seconds: 0.5 ms to 10 s, for what a request waits for. */
extern const double sl_latency_bounds_s[];
extern const size_t sl_latency_bound_count;
/* Cost of a run, in the unit of UsageEvent.cost. */
extern const double sl_cost_bounds[];
extern const size_t sl_cost_bound_count;

/* @bounds lives as long as it; no more than SL_DISTRIBUTION_BOUNDS_MAX of them are used. */
void sl_distribution_init(struct sl_distribution *ret, const double *bounds, size_t count);
/* A value that is no number is left out. */
void sl_distribution_add(struct sl_distribution *distribution, double value);
uint64_t sl_distribution_count(const struct sl_distribution *distribution);

/*
 * The value under which the share @of (0..1) of all lies, linear inside of a step; the
 * last bound when it lies above that, 0 when there are no values.
 */
double sl_distribution_quantile(const struct sl_distribution *distribution, double of);
