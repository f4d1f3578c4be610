// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/distribution.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const double sl_latency_bounds_s[] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
};
const size_t sl_latency_bound_count = COUNT(sl_latency_bounds_s);

const double sl_cost_bounds[] = {
	0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100,
};
const size_t sl_cost_bound_count = COUNT(sl_cost_bounds);

_Static_assert(COUNT(sl_latency_bounds_s) <= SL_DISTRIBUTION_BOUNDS_MAX, "they fit");
_Static_assert(COUNT(sl_cost_bounds) <= SL_DISTRIBUTION_BOUNDS_MAX, "they fit");

void sl_distribution_init(struct sl_distribution *ret, const double *bounds, size_t count)
{
	if (count > SL_DISTRIBUTION_BOUNDS_MAX)
		count = SL_DISTRIBUTION_BOUNDS_MAX;
	*ret = (struct sl_distribution){ .bounds = bounds, .bound_count = count };
}

void sl_distribution_add(struct sl_distribution *distribution, double value)
{
	size_t i = 0;

	if (isnan(value))
		return;
	while (i < distribution->bound_count && value > distribution->bounds[i])
		i++;
	distribution->counts[i]++;
	distribution->sum += value;
}

uint64_t sl_distribution_count(const struct sl_distribution *distribution)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= distribution->bound_count; i++)
		count += distribution->counts[i];
	return count;
}

double sl_distribution_quantile(const struct sl_distribution *distribution, double of)
{
	double wanted = of * (double)sl_distribution_count(distribution), low = 0;

	if (!(wanted > 0))
		return 0;
	for (size_t i = 0; i < distribution->bound_count; i++) {
		double here = (double)distribution->counts[i];

		if (here >= wanted)
			return low + (distribution->bounds[i] - low) * (wanted / here);
		wanted -= here;
		low = distribution->bounds[i];
	}
	return low;
}
