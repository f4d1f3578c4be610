/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tenant's bucket in one node's kernel: the very text of bpf/lib/bucket.h, on a word
 * of its own, asked for many units at a time.
 *
 * A change of rate or burst keeps the units that are there, cut to the new burst: growth
 * mints none.
 */
#pragma once

#include <stdint.h>

struct sl_sim_bucket {
	double rate_per_s;
	double burst;	  /* units */
	uint64_t cost_cu; /* 0: nothing passes */
	uint64_t burst_cu;
	unsigned long long tat_cu;
};

/* Sets rate and burst. @burst below one unit is none. */
void sl_sim_bucket_set(struct sl_sim_bucket *bucket, double rate_per_s, double burst,
		       uint64_t now_ns);

/* Units that are there now. */
double sl_sim_bucket_units(const struct sl_sim_bucket *bucket, uint64_t now_ns);

/* Exactly this many from now on, at most the burst. */
void sl_sim_bucket_fill(struct sl_sim_bucket *bucket, double units, uint64_t now_ns);

/* Of @count that arrive now, how many are admitted. */
uint32_t sl_sim_bucket_take(struct sl_sim_bucket *bucket, uint32_t count, uint64_t now_ns);
