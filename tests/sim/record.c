// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/record.h"

#include <stdlib.h>

#include "tests/harness/options.h"

#define STEPS_PER_S 10
#define WINDOW	    5 /* steps: half a second */
#define WINDOWS	    6
#define BACK	    0.97
#define NEVER_S	    1000
#define RECOVERY_S  20

void sl_record_init(struct sl_record *record, uint32_t tenants, uint64_t end_ns)
{
	record->tenants = tenants;
	record->steps = (size_t)(end_ns / SL_STEP_NS) + 1;
	record->step = calloc(record->steps * tenants, sizeof(*record->step));
	if (!record->step)
		sl_die("no memory for the record of %u tenants", tenants);
}

void sl_record_release(struct sl_record *record)
{
	free(record->step);
	*record = (struct sl_record){ 0 };
}

struct sl_step *sl_record_at(struct sl_record *record, uint64_t now_ns, uint32_t tenant)
{
	size_t step = (size_t)(now_ns / SL_STEP_NS);

	if (step >= record->steps)
		step = record->steps - 1;
	return &record->step[step * record->tenants + tenant];
}

static size_t step_of(const struct sl_record *record, double at_s)
{
	size_t step = at_s <= 0 ? 0 : (size_t)(at_s * STEPS_PER_S + 0.5);

	return step < record->steps ? step : record->steps;
}

/* The sums of one tenant over steps [from, until). */
static void sum(double *admitted, double *exact, const struct sl_record *record, uint32_t tenant,
		size_t from, size_t until)
{
	*admitted = 0;
	*exact = 0;
	for (size_t i = from; i < until && i < record->steps; i++) {
		*admitted += record->step[i * record->tenants + tenant].admitted;
		*exact += record->step[i * record->tenants + tenant].exact;
	}
}

static double use(const struct sl_record *record, size_t from, size_t until)
{
	double used = 0, possible = 0;

	for (uint32_t t = 0; t < record->tenants; t++) {
		double admitted, exact;

		sum(&admitted, &exact, record, t, from, until);
		used += admitted < exact ? admitted : exact;
		possible += exact;
	}
	return possible > 0 ? used / possible : 1;
}

double sl_record_use(const struct sl_record *record, struct sl_period period)
{
	return 100 * use(record, step_of(record, period.from_s), step_of(record, period.until_s));
}

static double over_of(const struct sl_record *record, struct sl_period period, uint32_t tenant,
		      double limit_per_s, double burst)
{
	size_t from = step_of(record, period.from_s), until = step_of(record, period.until_s);
	double admitted, exact, over;

	sum(&admitted, &exact, record, tenant, from, until);
	over = admitted - limit_per_s * (double)(until - from) / STEPS_PER_S - burst;
	return over > 0 ? over : 0;
}

double sl_record_over(const struct sl_record *record, struct sl_period period,
		      const double *limit_per_s, const double *burst)
{
	double over = 0, limits = 0;

	for (uint32_t t = 0; t < record->tenants; t++) {
		over += over_of(record, period, t, limit_per_s[t], burst[t]);
		limits += limit_per_s[t] * (period.until_s - period.from_s);
	}
	return limits > 0 ? 100 * over / limits : 0;
}

double sl_record_over_worst(const struct sl_record *record, struct sl_period period,
			    const double *limit_per_s, const double *burst)
{
	double worst = 0;

	for (uint32_t t = 0; t < record->tenants; t++) {
		double over = over_of(record, period, t, limit_per_s[t], burst[t]) /
			      (limit_per_s[t] * (period.until_s - period.from_s));

		worst = over > worst ? over : worst;
	}
	return 100 * worst;
}

double sl_record_jain(const struct sl_record *record, struct sl_period period)
{
	double all = 0, squares = 0, count = 0;

	for (uint32_t t = 0; t < record->tenants; t++) {
		double admitted, exact;

		sum(&admitted, &exact, record, t, step_of(record, period.from_s),
		    step_of(record, period.until_s));
		if (exact <= 0)
			continue;
		all += admitted / exact;
		squares += admitted / exact * (admitted / exact);
		count++;
	}
	return squares > 0 ? all * all / (count * squares) : 1;
}

double sl_record_recovery_s(const struct sl_record *record, double at_s, struct sl_period before)
{
	size_t at = step_of(record, at_s), first = step_of(record, before.from_s);
	size_t last = step_of(record, before.until_s), windows = 0;
	double base = 0;

	for (size_t i = first; i + WINDOW <= last; i += WINDOW, windows++)
		base += use(record, i, i + WINDOW);
	base /= windows ? (double)windows : 1;

	for (size_t after = 0; after < RECOVERY_S * STEPS_PER_S; after++) {
		int good = 0;

		while (good < WINDOWS &&
		       use(record, at + after + (size_t)good * WINDOW,
			   at + after + (size_t)(good + 1) * WINDOW) >= BACK * base)
			good++;
		if (good == WINDOWS)
			return (double)after / STEPS_PER_S;
	}
	return NEVER_S;
}
