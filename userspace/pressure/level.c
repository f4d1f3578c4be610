// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/level.h"

#include <errno.h>

#define ALPHA	      0.3
#define REFUSED_SHARE 0.05
#define REFUSED_MAX   3.0 /* sheds, but does not stop: who was refused does not wait */
#define UNACKED_SHARE 0.9

#define WARN_ENTER 1.0
#define WARN_LEAVE 0.7
#define SHED_ENTER 1.5
#define SHED_LEAVE 0.8
#define STOP_ENTER 4.0
#define STOP_LEAVE 1.0

#define SIGNALS_TO_ENTER 2u
#define NS_PER_S	 1000000000ull
#define WARN_ENTER_NS	 (NS_PER_S * 2 / 5) /* two periods, less their jitter */
#define SHED_ENTER_NS	 (NS_PER_S / 10)    /* a burst after a stall is worked off sooner */
#define WARN_DWELL_NS	 (5 * NS_PER_S)
#define SHED_DWELL_NS	 (10 * NS_PER_S)
#define STOP_ENTER_NS	 (2 * NS_PER_S)
#define STOP_DWELL_NS	 (10 * NS_PER_S)
#define NOT_SINCE	 UINT64_MAX

static const char *const names[SL_PRESSURE_STATES] = { "ok", "warn", "shed", "stop", "stale" };

const char *sl_pressure_state_name(enum sl_pressure_state state)
{
	return (unsigned int)state < SL_PRESSURE_STATES ? names[state] : "unknown";
}

int sl_pressure_state_of(enum sl_pressure_state *ret, struct sl_span name)
{
	for (unsigned int i = 0; i < SL_PRESSURE_STATES; i++)
		if (sl_span_is(name, names[i])) {
			*ret = (enum sl_pressure_state)i;
			return 0;
		}
	return -ENOENT;
}

/* ---- the number ----------------------------------------------------------------------- */

/* @amount / @whole within 0..SL_PRESSURE_MAX, also when the whole is nothing. */
static double term(double amount, double whole)
{
	if (!(amount > 0))
		return 0;
	if (!(whole > 0) || amount / whole > SL_PRESSURE_MAX)
		return SL_PRESSURE_MAX;
	return amount / whole;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* What finds no free slot: the rest is only on its way to one. */
static double stuck(const struct sl_pressure_inputs *inputs)
{
	const double unused = inputs->limit - inputs->inflight;

	return unused > 0 ? inputs->queue_depth - unused : inputs->queue_depth;
}

/* Else what waited has found a slot since: that it waited says nothing of what comes now. */
static bool is_full(const struct sl_pressure_inputs *inputs)
{
	return inputs->inflight + inputs->queue_depth >= inputs->limit;
}

double sl_pressure_of(const struct sl_pressure_inputs *inputs)
{
	double p = 0, refused;

	if (is_full(inputs))
		p = term(inputs->queue_delay_s, inputs->target_s);
	if (inputs->limit > 0)
		p = larger(p, term(inputs->inflight, inputs->limit));
	p = larger(p, term(stuck(inputs), inputs->drain_per_s * inputs->target_s));
	refused = term(inputs->refused_per_s, inputs->offered_per_s * REFUSED_SHARE);
	p = larger(p, refused < REFUSED_MAX ? refused : REFUSED_MAX);
	if (inputs->unacked_max > 0)
		p = larger(p, term(inputs->unacked, inputs->unacked_max * UNACKED_SHARE));
	return p;
}

/* ---- the state -------------------------------------------------------------------------- */

/* Since when it is so; what just ceased begins anew. */
static void note(uint64_t *since_ns, bool is_so, uint64_t now_ns)
{
	if (!is_so)
		*since_ns = NOT_SINCE;
	else if (*since_ns == NOT_SINCE)
		*since_ns = now_ns;
}

static bool lasted(uint64_t since_ns, uint64_t dwell_ns, uint64_t now_ns)
{
	return since_ns != NOT_SINCE && now_ns >= since_ns && now_ns - since_ns >= dwell_ns;
}

static void begin_times(struct sl_level *level)
{
	level->calm_ns = level->still_ns = level->easy_ns = level->high_ns = NOT_SINCE;
	level->over_ns = level->hard_ns = NOT_SINCE;
	level->over_warn = level->over_shed = 0;
}

static bool is_over(uint64_t since_ns, bool smoothed)
{
	return smoothed && since_ns != NOT_SINCE;
}

static void measure(struct sl_level *level, const struct sl_level_signal *signal, uint64_t now_ns)
{
	double p = level->begun ? level->pressure + ALPHA * (signal->pressure - level->pressure)
				: signal->pressure;

	if (!level->begun)
		begin_times(level);
	level->begun = true;
	level->pressure = p;
	/* The signal itself must say so, too: one of 10 is smoothed to over 1.5 for three. */
	note(&level->over_ns, signal->pressure > WARN_ENTER, now_ns);
	note(&level->hard_ns, signal->pressure > SHED_ENTER, now_ns);
	level->over_warn = is_over(level->over_ns, p > WARN_ENTER) ? level->over_warn + 1 : 0;
	level->over_shed = is_over(level->hard_ns, p > SHED_ENTER) ? level->over_shed + 1 : 0;
	note(&level->calm_ns, p < WARN_LEAVE, now_ns);
	note(&level->still_ns, p < SHED_LEAVE, now_ns);
	note(&level->easy_ns, p < STOP_LEAVE && !signal->deserted, now_ns);
	note(&level->high_ns, p > STOP_ENTER, now_ns);
}

static bool must_stop(const struct sl_level *level, const struct sl_level_signal *signal,
		      uint64_t now_ns)
{
	return signal->deserted || lasted(level->high_ns, STOP_ENTER_NS, now_ns);
}

static bool must_warn(const struct sl_level *level, uint64_t now_ns)
{
	return level->over_warn >= SIGNALS_TO_ENTER &&
	       lasted(level->over_ns, WARN_ENTER_NS, now_ns);
}

static bool must_shed(const struct sl_level *level, const struct sl_level_signal *signal,
		      uint64_t now_ns)
{
	return signal->dropped || signal->deserted ||
	       (level->over_shed >= SIGNALS_TO_ENTER &&
		lasted(level->hard_ns, SHED_ENTER_NS, now_ns));
}

static enum sl_pressure_state next_state(const struct sl_level *level,
					 const struct sl_level_signal *signal, uint64_t now_ns)
{
	switch (level->state) {
	case SL_PRESSURE_OK:
		/* Hard pressed for as long as it takes to warn: to warn first gains nothing. */
		if (must_shed(level, signal, now_ns))
			return SL_PRESSURE_SHED;
		return must_warn(level, now_ns) ? SL_PRESSURE_WARN : SL_PRESSURE_OK;
	case SL_PRESSURE_WARN:
		if (must_shed(level, signal, now_ns))
			return SL_PRESSURE_SHED;
		return lasted(level->calm_ns, WARN_DWELL_NS, now_ns) ? SL_PRESSURE_OK
								     : SL_PRESSURE_WARN;
	case SL_PRESSURE_SHED:
		if (must_stop(level, signal, now_ns))
			return SL_PRESSURE_STOP;
		return lasted(level->still_ns, SHED_DWELL_NS, now_ns) ? SL_PRESSURE_WARN
								      : SL_PRESSURE_SHED;
	case SL_PRESSURE_STOP:
		/* Stopped for want of a worker: there is one. It may be hard pressed. */
		if (level->was_deserted && !signal->deserted)
			return SL_PRESSURE_SHED;
		return lasted(level->easy_ns, STOP_DWELL_NS, now_ns) ? SL_PRESSURE_SHED
								     : SL_PRESSURE_STOP;
	case SL_PRESSURE_STALE:
		break;
	}
	return level->state;
}

/* Dwell is in a state: what was before it does not count for the way out of it. */
static void enter(struct sl_level *level, enum sl_pressure_state state)
{
	const unsigned int over_shed = level->over_shed;
	const uint64_t hard_ns = level->hard_ns, high_ns = level->high_ns;
	const bool goes_up = state >= level->state;

	level->state = state;
	begin_times(level);
	if (!goes_up)
		return;
	level->over_shed = over_shed; /* the ways up need no second wait */
	level->hard_ns = hard_ns;
	level->high_ns = high_ns;
}

bool sl_level_signal(struct sl_level *level, const struct sl_level_signal *signal, uint64_t now_ns)
{
	const enum sl_pressure_state before = level->state;
	enum sl_pressure_state next;

	if (level->state == SL_PRESSURE_STALE) /* nobody knows what was meanwhile */
		enter(level, level->before_stale);
	level->signal_ns = now_ns;
	measure(level, signal, now_ns);
	next = next_state(level, signal, now_ns);
	if (next != level->state)
		enter(level, next);
	/* Without a worker there is nothing to step through. */
	if (signal->deserted && level->state != SL_PRESSURE_STOP)
		enter(level, SL_PRESSURE_STOP);
	level->was_deserted = signal->deserted;
	return level->state != before;
}

bool sl_level_tick(struct sl_level *level, uint64_t now_ns)
{
	if (!level->begun || level->state == SL_PRESSURE_STALE || now_ns < level->signal_ns ||
	    now_ns - level->signal_ns < SL_PRESSURE_STALE_NS)
		return false;
	level->before_stale = level->state;
	enter(level, SL_PRESSURE_STALE);
	return true;
}
