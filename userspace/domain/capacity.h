/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capacity planner asks of a tenant's counters: how much it wanted, how
 * much it got, how much of its limit that is, and what to do about it.
 *
 * A tenant's demand is what it offered, not what passed: a limited tenant shows
 * a flat line of passed packets however much it wants. TCP backs off when it is
 * policed, so the demand of a limited TCP tenant is a lower bound.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One direction and unit of a tenant over a window. */
struct sl_capacity_window {
	uint64_t offered; /* packets or bytes in the window */
	uint64_t dropped;
	uint64_t shadow_dropped; /* passed, but enforce would have dropped them */
	uint64_t window_ns;
};

enum sl_capacity_advice {
	SL_CAPACITY_IDLE,      /* it asked for nothing */
	SL_CAPACITY_FINE,      /* between a tenth and 80 % of its limit */
	SL_CAPACITY_WATCH,     /* at 80 % of its limit or more at its peak */
	SL_CAPACITY_RAISE,     /* part of its demand is refused */
	SL_CAPACITY_ABUSE,     /* over ten times its limit: more limit is hardly the answer */
	SL_CAPACITY_LOWER,     /* never above a tenth of its limit */
	SL_CAPACITY_UNLIMITED, /* has no limit to plan with */
	SL_CAPACITY_BLOCKED,   /* its rate is 0 */
};

struct sl_capacity {
	double demand_per_s; /* mean over all windows */
	double demand_peak_per_s;
	double admitted_per_s;
	double unmet_per_s; /* demand that was refused, or would be under enforce */
	bool has_limit;
	double limit_per_s;
	double utilisation;	/* admitted / limit; 0 without a limit */
	double headroom_per_s;	/* limit - peak demand; negative: missing */
	double suggested_per_s; /* a limit with 25 % above the peak, two digits; 0: none */
	enum sl_capacity_advice advice;
};

/* All windows of a tenant so far; begins as zeros. */
struct sl_capacity_sum {
	double offered;
	double dropped;
	double unmet; /* dropped, or would have been */
	double seconds;
	double peak_per_s;
};

/* A window of no length is left out. */
void sl_capacity_add(struct sl_capacity_sum *sum, const struct sl_capacity_window *window);

void sl_capacity_of(struct sl_capacity *ret, const struct sl_capacity_sum *sum, bool has_limit,
		    uint64_t limit_per_s);

/* "idle", "fine", ... and one sentence for people. String constants. */
const char *sl_capacity_advice_name(enum sl_capacity_advice advice);
const char *sl_capacity_advice_text(enum sl_capacity_advice advice);
