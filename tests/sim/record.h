/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run was like, in steps of 100 ms: for each tenant what was offered, what the nodes
 * admitted, and what one exact bucket for all of them, without any delay, would have
 * admitted. The figures are defined as the design's table has them.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_STEP_NS 100000000ull

struct sl_step {
	uint32_t offered;
	uint32_t admitted;
	uint32_t exact;
};

struct sl_record {
	uint32_t tenants;
	size_t steps;
	struct sl_step *step; /* [steps][tenants] */
};

/* Ends the program when there is no memory. */
void sl_record_init(struct sl_record *record, uint32_t tenants, uint64_t end_ns);
void sl_record_release(struct sl_record *record);

struct sl_step *sl_record_at(struct sl_record *record, uint64_t now_ns, uint32_t tenant);

struct sl_period {
	double from_s, until_s;
};

/* Of what the exact bucket admitted, in percent; what was admitted beyond it counts for nothing. */
double sl_record_use(const struct sl_record *record, struct sl_period period);

/* Admitted beyond limit * time + burst, in percent of limit * time, of all tenants. */
double sl_record_over(const struct sl_record *record, struct sl_period period,
		      const double *limit_per_s, const double *burst);
/* The same of the tenant with the most. */
double sl_record_over_worst(const struct sl_record *record, struct sl_period period,
			    const double *limit_per_s, const double *burst);

/* Jain's index over tenants of admitted / exact. */
double sl_record_jain(const struct sl_record *record, struct sl_period period);

/*
 * How long after @at_s use is back at 97 % of what it was in @before, in every half second
 * of the next three; 1000 when it never is.
 */
double sl_record_recovery_s(const struct sl_record *record, double at_s, struct sl_period before);
