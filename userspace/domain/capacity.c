// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/capacity.h"

#include <math.h>
#include <stddef.h>

#define HEADROOM    1.25
#define WATCH_PART  0.8
#define LOWER_PART  0.1
#define ABUSE_TIMES 10.0
#define NS_PER_S    1e9
#define UNMET_PART  0.001 /* of the demand: less is the noise of bursts */

/* Up to two digits: 1234 is 1300. */
static double two_digits_up(double value)
{
	double unit = 1.0;

	while (value / unit > 99.0)
		unit *= 10.0;
	return ceil(value / unit) * unit;
}

static bool is_refused(const struct sl_capacity *capacity)
{
	return capacity->unmet_per_s > UNMET_PART * capacity->demand_per_s;
}

static enum sl_capacity_advice advise(const struct sl_capacity *capacity)
{
	if (capacity->demand_per_s <= 0.0)
		return SL_CAPACITY_IDLE;
	if (!capacity->has_limit)
		return SL_CAPACITY_UNLIMITED;
	if (capacity->limit_per_s <= 0.0)
		return SL_CAPACITY_BLOCKED;
	if (capacity->demand_per_s > ABUSE_TIMES * capacity->limit_per_s)
		return SL_CAPACITY_ABUSE;
	if (is_refused(capacity))
		return SL_CAPACITY_RAISE;
	if (capacity->demand_peak_per_s >= WATCH_PART * capacity->limit_per_s)
		return SL_CAPACITY_WATCH;
	if (capacity->demand_peak_per_s < LOWER_PART * capacity->limit_per_s)
		return SL_CAPACITY_LOWER;
	return SL_CAPACITY_FINE;
}

static double suggest(const struct sl_capacity *capacity)
{
	switch (capacity->advice) {
	case SL_CAPACITY_RAISE:
	case SL_CAPACITY_LOWER:
	case SL_CAPACITY_WATCH:
		return two_digits_up(capacity->demand_peak_per_s * HEADROOM);
	case SL_CAPACITY_UNLIMITED:
		/* Refused by another limit: this demand is no measure of what it should have. */
		if (is_refused(capacity))
			break;
		return two_digits_up(capacity->demand_peak_per_s * HEADROOM);
	case SL_CAPACITY_IDLE:
	case SL_CAPACITY_FINE:
	case SL_CAPACITY_ABUSE:
	case SL_CAPACITY_BLOCKED:
		break;
	}
	return 0.0;
}

static uint64_t refused(const struct sl_capacity_window *window)
{
	uint64_t both = window->dropped + window->shadow_dropped;

	return both < window->offered ? both : window->offered;
}

void sl_capacity_add(struct sl_capacity_sum *sum, const struct sl_capacity_window *window)
{
	double seconds = (double)window->window_ns / NS_PER_S;

	if (!window->window_ns)
		return;
	sum->seconds += seconds;
	sum->offered += (double)window->offered;
	sum->dropped += (double)window->dropped;
	sum->unmet += (double)refused(window);
	sum->peak_per_s = fmax(sum->peak_per_s, (double)window->offered / seconds);
}

void sl_capacity_of(struct sl_capacity *ret, const struct sl_capacity_sum *sum, bool has_limit,
		    uint64_t limit_per_s)
{
	struct sl_capacity capacity = { .has_limit = has_limit,
					.limit_per_s = has_limit ? (double)limit_per_s : 0.0,
					.demand_peak_per_s = sum->peak_per_s };

	if (sum->seconds > 0.0) {
		capacity.demand_per_s = sum->offered / sum->seconds;
		capacity.unmet_per_s = sum->unmet / sum->seconds;
		capacity.admitted_per_s = fmax(0.0, sum->offered - sum->dropped) / sum->seconds;
	}
	if (capacity.limit_per_s > 0.0)
		capacity.utilisation = capacity.admitted_per_s / capacity.limit_per_s;
	if (has_limit)
		capacity.headroom_per_s = capacity.limit_per_s - capacity.demand_peak_per_s;
	capacity.advice = advise(&capacity);
	capacity.suggested_per_s = suggest(&capacity);
	*ret = capacity;
}

static const struct {
	const char *name;
	const char *text;
} advices[] = {
	[SL_CAPACITY_IDLE] = { "idle", "nothing offered in this time" },
	[SL_CAPACITY_FINE] = { "fine", "demand fits" },
	[SL_CAPACITY_WATCH] = { "watch", "peaks at 80% of the limit or more" },
	[SL_CAPACITY_RAISE] = { "raise", "part of the demand is refused" },
	[SL_CAPACITY_ABUSE] = { "abuse", "over ten times the limit: look at drops, not at limits" },
	[SL_CAPACITY_LOWER] = { "lower", "never above a tenth of the limit" },
	[SL_CAPACITY_UNLIMITED] = { "unlimited", "no limit to plan with" },
	[SL_CAPACITY_BLOCKED] = { "blocked", "the rate is 0" },
};

const char *sl_capacity_advice_name(enum sl_capacity_advice advice)
{
	return advices[advice].name;
}

const char *sl_capacity_advice_text(enum sl_capacity_advice advice)
{
	return advices[advice].text;
}
