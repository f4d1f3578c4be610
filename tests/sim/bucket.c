// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/bucket.h"

#include "bpf/lib/bucket.h"

#define CU_PER_S   (1e9 * 1024)
#define RATE_LEAST 1e-3 /* slower is nothing at all */

double sl_sim_bucket_units(const struct sl_sim_bucket *bucket, uint64_t now_ns)
{
	int64_t ahead_cu = (int64_t)(bucket->tat_cu - (now_ns << SL_CREDIT_SHIFT));
	double units;

	if (!bucket->cost_cu)
		return 0;
	units = bucket->burst - (ahead_cu > 0 ? (double)ahead_cu : 0) / (double)bucket->cost_cu;
	return units > 0 ? units : 0;
}

void sl_sim_bucket_fill(struct sl_sim_bucket *bucket, double units, uint64_t now_ns)
{
	double missing = bucket->burst - (units < bucket->burst ? units : bucket->burst);

	bucket->tat_cu =
		(now_ns << SL_CREDIT_SHIFT) + (uint64_t)(missing * (double)bucket->cost_cu);
}

void sl_sim_bucket_set(struct sl_sim_bucket *bucket, double rate_per_s, double burst,
		       uint64_t now_ns)
{
	double units;

	if (rate_per_s == bucket->rate_per_s && burst == bucket->burst)
		return;
	units = sl_sim_bucket_units(bucket, now_ns);
	bucket->rate_per_s = rate_per_s;
	bucket->burst = burst;
	bucket->cost_cu =
		rate_per_s > RATE_LEAST && burst >= 1 ? (uint64_t)(CU_PER_S / rate_per_s) : 0;
	bucket->burst_cu = (uint64_t)(burst * (double)bucket->cost_cu);
	sl_sim_bucket_fill(bucket, units, now_ns);
}

uint32_t sl_sim_bucket_take(struct sl_sim_bucket *bucket, uint32_t count, uint64_t now_ns)
{
	struct sl_bucket_events events = { 0 };
	uint64_t now_cu = now_ns << SL_CREDIT_SHIFT;
	double there = sl_sim_bucket_units(bucket, now_ns);
	uint64_t cost_cu;

	if (!bucket->cost_cu || there < 1 || !count)
		return 0;
	if (there < count)
		count = (uint32_t)there;
	cost_cu = bucket->cost_cu * count;
	return sl_bucket_take(&bucket->tat_cu, cost_cu, bucket->burst_cu, bucket->cost_cu, now_cu,
			      &events)
		       ? count
		       : 0;
}
