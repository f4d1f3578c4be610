// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/counts.h"

#include <stdio.h>
#include <string.h>

const double sl_latency_bounds_s[SL_LATENCY_BUCKETS] = { 0.00005, 0.0001, 0.00025, 0.0005,
							 0.001,	  0.0025, 0.01,	   0.05,
							 0.1,	  0.5,	  1,	   5 };

struct sl_usage_count *sl_counts_usage(struct sl_counts *counts, const char *provider_id)
{
	struct sl_usage_count *other = &counts->usage[SL_PROVIDERS_MAX];
	struct sl_usage_count *free_one = &counts->usage[counts->usage_count];

	for (uint32_t i = 0; i < counts->usage_count; i++)
		if (strcmp(counts->usage[i].provider_id, provider_id) == 0)
			return &counts->usage[i];
	if (counts->usage_count == SL_PROVIDERS_MAX ||
	    strlen(provider_id) >= sizeof(other->provider_id)) {
		(void)snprintf(other->provider_id, sizeof(other->provider_id), "other");
		return other;
	}
	counts->usage_count++;
	memcpy(free_one->provider_id, provider_id, strlen(provider_id) + 1);
	return free_one;
}

void sl_latency_add(struct sl_latency *latency, double seconds)
{
	unsigned int at = 0;

	while (at < SL_LATENCY_BUCKETS && seconds > sl_latency_bounds_s[at])
		at++;
	latency->buckets[at]++;
	latency->count++;
	latency->sum_s += seconds;
}

double sl_latency_quantile(const struct sl_latency *latency, double quantile)
{
	const double wanted = quantile * (double)latency->count;
	uint64_t sum = 0;

	if (!latency->count)
		return 0;
	for (unsigned int i = 0; i < SL_LATENCY_BUCKETS; i++) {
		sum += latency->buckets[i];
		if ((double)sum >= wanted)
			return sl_latency_bounds_s[i];
	}
	return 2 * sl_latency_bounds_s[SL_LATENCY_BUCKETS - 1];
}
