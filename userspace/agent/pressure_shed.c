// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_shed.h"

#define LEARN	     0.1
#define FIRST_FACTOR 0.7	   /* the most of a step of capacity_control.h */
#define FRESH_NS     1000000000ull /* of so long ago is what interactive workers finish */
#define HARD_PRESSED 1.5
#define ALL_BUSY     0.9
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

/* Packets that pass for each job that is finished; 0: nobody can say. */
static double seen_cost(const struct sl_shed_input *input)
{
	const bool is_known = input->done_per_s > 0 && input->passed_per_s > 0;

	return is_known ? input->passed_per_s / input->done_per_s : 0;
}

static void learn(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	const double seen = seen_cost(input);

	if (seen > 0)
		control->packets_per_job += control->packets_per_job > 0
						    ? LEARN * (seen - control->packets_per_job)
						    : seen;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void note_cost(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	const unsigned int at = control->seen_next++ % SL_SHED_SEEN;

	control->seen[at].packets_per_job = seen_cost(input);
	control->seen[at].passed_per_s = input->passed_per_s;
}

/*
 * No more packets are to a job than passed for each lately. What was learnt may be of traffic
 * that is no jobs, and has ended. The most of some looks, for in one all may have stood still.
 */
static void bound_cost(struct sl_shed_control *control, const struct sl_shed_input *input)
{
	double most = seen_cost(input);

	for (size_t i = 0; i < SL_SHED_SEEN; i++)
		most = larger(most, control->seen[i].packets_per_job);
	if (most > 0 && (!(control->packets_per_job > 0) || control->packets_per_job > most))
		control->packets_per_job = most;
}

/*
 * What passed until now was too much: there is no use in a capacity above it. A part of it goes
 * at once: what workers finish is still mostly from before they slowed down, and says that all
 * of it fits.
 */
static void begin(struct sl_shed_control *control, const struct sl_shed_input *input,
		  uint64_t now_ns)
{
	const double factor = input->pressure > HARD_PRESSED ? FIRST_FACTOR : 1;

	bound_cost(control, input);
	/* The most of some looks: in one of them the senders may have stood still. */
	control->capacity.per_s = input->passed_per_s;
	for (size_t i = 0; i < SL_SHED_SEEN; i++)
		control->capacity.per_s =
			larger(control->capacity.per_s, control->seen[i].passed_per_s);
	control->is_confirmed = false;
	control->first_per_s = input->passed_per_s * factor;
	control->began_ns = now_ns;
}

/* The first cut stands until it is known better, and no longer. */
static double allowed_per_s(const struct sl_shed_control *control, uint64_t now_ns)
{
	const bool is_fresh = now_ns - control->began_ns >= FRESH_NS;

	return is_fresh || control->capacity.per_s < control->first_per_s ? control->capacity.per_s
									  : control->first_per_s;
}

static void shed_nothing(const struct sl_shed_input *input)
{
	for (size_t i = 0; i < input->cut_count; i++) {
		input->cuts[i].rate_per_s = input->cuts[i].demand_per_s;
		input->cuts[i].shed_permille = 0;
	}
}

static void spare(struct sl_cut *cut)
{
	cut->rate_per_s = cut->demand_per_s;
	cut->shed_permille = 0;
}

/* The lowest class that sends anything; SL_CRITICAL when none below it does. */
static unsigned int first_to_go(const struct sl_shed_input *input)
{
	unsigned int lowest = SL_CRITICAL;

	for (size_t i = 0; i < input->cut_count; i++)
		if (input->cuts[i].demand_per_s > 0 && input->cuts[i].criticality < lowest)
			lowest = input->cuts[i].criticality;
	return lowest;
}

static void spare_all_but_the_first_to_go(const struct sl_shed_input *input)
{
	const unsigned int lowest = first_to_go(input);

	for (size_t i = 0; i < input->cut_count; i++)
		if (input->cuts[i].criticality >= SL_CRITICAL ||
		    input->cuts[i].criticality != lowest)
			spare(&input->cuts[i]);
}

/* Not even when C has become less than that. */
static void spare_what_is_never_shed(const struct sl_shed_input *input)
{
	for (size_t i = 0; i < input->cut_count; i++)
		if (input->cuts[i].criticality == SL_CRITICAL_PLUS &&
		    input->cuts[i].demand_per_s <= input->cuts[i].guarantee_per_s)
			spare(&input->cuts[i]);
}

/* Still hard pressed, and all workers busy: a stall of some hundred ms is over, p follows. */
static void confirm(struct sl_shed_control *control, const struct sl_shed_input *input,
		    uint64_t now_ns)
{
	const bool are_busy = !(input->busy > 0) || input->busy >= ALL_BUSY;

	if (input->state == SL_PRESSURE_STOP ||
	    (input->state == SL_PRESSURE_SHED && input->pressure > HARD_PRESSED && are_busy &&
	     now_ns - control->began_ns >= FRESH_NS))
		control->is_confirmed = true;
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
	const double busy = input->busy > 0 ? input->busy : 1;
	const double done = input->done_per_s / busy * control->packets_per_job * NEAR_DONE;

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
		.busy = input->busy,
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
		begin(control, input, now_ns);
	if (!sheds(input->state))
		note_cost(control, input);
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
	confirm(control, input, now_ns);
	sl_cut_share(input->cuts, input->cut_count, allowed_per_s(control, now_ns),
		     control->shed_as);
	if (!control->is_confirmed)
		spare_all_but_the_first_to_go(input);
	spare_what_is_never_shed(input);
	if (control->shed_as == SL_PRESSURE_STOP)
		stop_all_but_the_first(input);
	return true;
}
