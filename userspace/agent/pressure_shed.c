// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_shed.h"

#define LEARN	     0.1
#define HARD_PRESSED 1.5
#define NEAR_DONE    1.2
#define PERMILLE_ALL 1000u

void sl_shed_control_init(struct sl_shed_control *control, uint64_t now_ns)
{
	*control = (struct sl_shed_control){ .state = SL_PRESSURE_OK };
	sl_capacity_control_init(&control->capacity, SL_CAPACITY_MAX, now_ns);
}

static bool sheds(enum sl_pressure_state state)
{
	return state == SL_PRESSURE_SHED || state == SL_PRESSURE_STOP;
}

static void learn(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	double seen;

	if (!(input->done_per_s > 0) || !(input->passed_per_s > 0))
		return;
	seen = input->passed_per_s / input->done_per_s;
	control->packets_per_job +=
		control->packets_per_job > 0 ? LEARN * (seen - control->packets_per_job) : seen;
}

/* What passed until now was too much: there is no use in a capacity above it. */
static void begin(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	if (!(control->packets_per_job > 0))
		learn(control, input);
	control->capacity.per_s = input->passed_per_s;
}

static void shed_nothing(const struct sl_shed_input *input)
{
	for (size_t i = 0; i < input->cut_count; i++) {
		input->cuts[i].rate_per_s = input->cuts[i].demand_per_s;
		input->cuts[i].shed_permille = 0;
	}
}

/* Who sends nothing now must not begin to, either. */
static void stop_all_but_the_first(const struct sl_shed_input *input)
{
	for (size_t i = 0; i < input->cut_count; i++)
		if (input->cuts[i].criticality != SL_CRITICAL_PLUS)
			input->cuts[i].shed_permille = PERMILLE_ALL;
}

/*
 * Between two steps of a second what workers finish becomes known better: when shedding
 * began, a part of it was still from before they slowed down. No credits make the fine cut
 * here, so all that is let through too much lies in their queues until then.
 */
static void follow_down(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	const double done = input->done_per_s * control->packets_per_job * NEAR_DONE;

	if (sheds(input->state) && input->pressure > HARD_PRESSED && done > SL_CAPACITY_MIN &&
	    control->capacity.per_s > done)
		control->capacity.per_s = done;
}

static void step_capacity(struct sl_shed_control *control, const struct sl_shed_input *input,
			  uint64_t now_ns)
{
	const struct sl_capacity_step step = {
		.state = input->state,
		.pressure = input->pressure,
		.done_per_s = input->done_per_s * control->packets_per_job,
		.admitted_per_s = input->passed_per_s,
		.jitter = input->jitter,
	};

	(void)sl_capacity_control_step(&control->capacity, &step, now_ns);
	follow_down(control, input);
}

bool sl_shed_control_step(struct sl_shed_control *control, const struct sl_shed_input *input,
			  uint64_t now_ns)
{
	if (input->state == SL_PRESSURE_OK)
		learn(control, input);
	/* An agent that has just begun has not counted yet: nothing would be the capacity. */
	if (input->state == SL_PRESSURE_SHED && !sheds(control->shed_as) &&
	    !(input->passed_per_s > 0)) {
		shed_nothing(input);
		return false;
	}
	if (sheds(input->state) && !sheds(control->shed_as))
		begin(control, input);
	step_capacity(control, input, now_ns);
	control->state = input->state;
	if (sheds(input->state))
		control->shed_as = input->state;
	else if (input->state != SL_PRESSURE_STALE || control->capacity.failed)
		control->shed_as = SL_PRESSURE_OK;
	if (control->shed_as == SL_PRESSURE_OK) {
		shed_nothing(input);
		return false;
	}
	sl_cut_share(input->cuts, input->cut_count, control->capacity.per_s, control->shed_as);
	if (control->shed_as == SL_PRESSURE_STOP)
		stop_all_but_the_first(input);
	return true;
}
