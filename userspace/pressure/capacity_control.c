// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/capacity_control.h"

#define GROWTH	       0.01
#define GROWTH_MIN     1.0
#define GROWTH_JITTER  0.1
#define GOOD_KEPT      0.9
#define IDLE_FACTOR    2.0 /* a capacity that nobody uses says nothing: it does not grow */
#define WARN_CUT       0.05
#define WARN_FACTOR    0.95
#define SHED_CUT       0.1
#define SHED_FACTOR    0.7
#define NEAR_DONE      0.2
#define FAR_DONE       0.5
#define HARD_PRESSED   1.5
#define HALF_USED      0.5
#define RECOVERED_PART 0.5
#define RECOVERY_GAIN  0.8
#define STALE_FACTOR   0.8
#define STALE_FLOOR    0.5

#define NS_PER_S       1000000000ull
#define STALE_CUT_NS   (10 * NS_PER_S)
#define STALE_FAILS_NS (60 * NS_PER_S)

static double at_least(double value, double floor)
{
	return value > floor ? value : floor;
}

static double at_most(double value, double ceiling)
{
	return value < ceiling ? value : ceiling;
}

void sl_capacity_control_init(struct sl_capacity_control *control, double per_s, uint64_t now_ns)
{
	*control = (struct sl_capacity_control){
		.per_s = at_most(at_least(per_s, SL_CAPACITY_MIN), SL_CAPACITY_MAX),
		.stepped_ns = now_ns,
	};
	control->good_per_s = SL_CAPACITY_MIN;
}

static void grow(struct sl_capacity_control *control, const struct sl_capacity_step *step)
{
	const double used = at_most(control->per_s, step->admitted_per_s);

	if (control->per_s < step->admitted_per_s * IDLE_FACTOR)
		control->per_s += at_least(control->per_s * GROWTH, GROWTH_MIN) *
				  (1 + GROWTH_JITTER * step->jitter);
	control->good_per_s = used > control->good_per_s
				      ? used
				      : control->good_per_s * GOOD_KEPT + used * (1 - GOOD_KEPT);
}

/* The pressure is gone: back to what it was, without swinging. */
static void recover(struct sl_capacity_control *control, const struct sl_capacity_step *step)
{
	const double half = control->good_per_s * RECOVERED_PART;

	/* While less than half of what there is is used, twice as much fits. */
	if (control->per_s < half && step->pressure < HALF_USED)
		control->per_s = at_most(control->per_s * 2, half);
	else if (control->per_s < step->admitted_per_s * IDLE_FACTOR)
		control->per_s *= 1 + RECOVERY_GAIN * (1 - step->pressure);
}

static double can_per_s(const struct sl_capacity_step *step)
{
	return step->busy > 0 && step->busy < 1 ? step->done_per_s / step->busy : step->done_per_s;
}

static void cut(struct sl_capacity_control *control, const struct sl_capacity_step *step)
{
	const bool sheds = step->state != SL_PRESSURE_WARN;
	const double over = step->pressure - 1;
	const double can = can_per_s(step);
	const double least = at_most(control->per_s, can * (1 + NEAR_DONE));

	if (over <= 0)
		return;
	control->per_s *= sheds ? at_least(1 - SHED_CUT * over, SHED_FACTOR)
				: at_least(1 - WARN_CUT * over, WARN_FACTOR);
	if (sheds && step->pressure > HARD_PRESSED && can > 0)
		control->per_s = at_most(control->per_s, can * (1 + FAR_DONE));
	control->per_s = at_least(control->per_s, least);
}

static bool stale(struct sl_capacity_control *control, uint64_t now_ns)
{
	if (control->state != SL_PRESSURE_STALE) {
		control->state = SL_PRESSURE_STALE;
		control->stale_ns = control->stale_cut_ns = now_ns;
		control->stale_per_s = control->per_s;
		return true;
	}
	if (now_ns - control->stale_ns >= STALE_FAILS_NS)
		control->failed = true;
	if (now_ns - control->stale_cut_ns < STALE_CUT_NS)
		return false;
	control->stale_cut_ns += STALE_CUT_NS;
	control->per_s =
		at_least(control->per_s * STALE_FACTOR, control->stale_per_s * STALE_FLOOR);
	return true;
}

/* What the workers finish while they are all busy is what they can. */
static void begin_shedding(struct sl_capacity_control *control, const struct sl_capacity_step *step)
{
	if (control->state == SL_PRESSURE_OK || control->state == SL_PRESSURE_WARN)
		if (step->done_per_s > 0)
			control->per_s = at_most(control->per_s, can_per_s(step) * (1 + NEAR_DONE));
}

bool sl_capacity_control_step(struct sl_capacity_control *control,
			      const struct sl_capacity_step *step, uint64_t now_ns)
{
	const bool changed = step->state != control->state;

	if (step->state == SL_PRESSURE_STALE)
		return stale(control, now_ns);
	control->failed = false;
	if (!changed &&
	    (now_ns < control->stepped_ns || now_ns - control->stepped_ns < SL_CAPACITY_STEP_NS))
		return false;
	control->stepped_ns = now_ns;
	if (step->state == SL_PRESSURE_SHED || step->state == SL_PRESSURE_STOP)
		begin_shedding(control, step);
	if (step->state == SL_PRESSURE_OK)
		grow(control, step);
	else if (step->pressure < 1 && step->state != SL_PRESSURE_STOP)
		recover(control, step);
	else
		cut(control, step);
	/* A moment without workers would leave nothing to grow from: what they finish may come. */
	if (step->state == SL_PRESSURE_SHED)
		control->per_s = at_least(control->per_s, step->done_per_s);
	control->state = step->state;
	control->per_s = at_most(at_least(control->per_s, SL_CAPACITY_MIN), SL_CAPACITY_MAX);
	return true;
}
