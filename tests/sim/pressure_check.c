// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of backpressure. Seconds are left out in which something befell the workers
 * or took the signals away, and those after it that the scheme takes to know it.
 */
#include <math.h>

#include "tests/sim/pressure_sim.h"

static const char rule_idle[] = "idle: while all is well nothing is refused";
static const char rule_stall[] = "stall: what comes at once after a moment sheds nothing";
static const char rule_shed[] = "shed: who is too much is refused within 500 ms and what fills up";
static const char rule_goodput[] = "goodput: slow workers are kept busy";
static const char rule_delay[] = "delay: what runs has waited no longer than the target";
static const char rule_critical[] = "critical: next to nothing is lost while others pass";
static const char rule_deadline[] = "deadline: nothing runs after it";
static const char rule_recovery[] = "recovery: 10 s after healing everything passes";
static const char rule_steady[] = "steady: after recovery nothing is shed anew";
static const char rule_retry[] = "retry: at most a tenth is asked again, and ten of each";

#define ADAPT_S	       3u /* from slow to steady, and from a mishap's end to what was before */
#define SILENCE_S      4u /* until a worker that died is forgotten */
#define RECOVERY_S     10u
#define ALONE_S	       8u  /* more, when agents, routers or workers were away */
#define STOP_S	       18u /* SILENCE_S, a deadline, 2 s to enter it and 10 s until it is left */
#define BEGUN_S	       5u  /* who begins under full load knows no rates yet */
#define SHED_MS	       500.0
#define GOODPUT_LEAST  0.8
#define GOODPUT_SIGNAL 0.6 /* with signals lost or late */
#define CRITICAL_MOST  2u  /* of some hundreds, by chance: of 4,000 seeds four lost one */
#define REFUSED_MOST   0.1 /* a small pool: bursts find no credit that is not kept for others */
#define DEVIATIONS     3.0 /* of a Poisson count */
#define RETRY_MOST     0.1
#define RETRY_SAVED    10.0
#define SECONDS_LEAST  4u
#define LIGHT_MOST     0.6 /* of what workers can do; with more they need a second for a burst */

#define BIT(kind)  (1u << (kind))
#define OF_WORKERS (BIT(SL_PS_GONE) | BIT(SL_PS_DIES) | BIT(SL_PS_LEAVES))
#define OF_SILENCE (BIT(SL_PS_SILENT) | BIT(SL_PS_ROUTER))
#define OF_SIGNALS (BIT(SL_PS_LOST) | BIT(SL_PS_LATE) | BIT(SL_PS_TWICE))
#define OF_ALL	   (BIT(SL_PS_MISHAPS) - 1)

static void fail(struct sl_ps_world *world, const char *rule, double at_s, double is, double bound)
{
	sl_trial_fail(&world->finding, (struct sl_trial_finding){ .rule = rule,
								  .at_ns = (uint64_t)(at_s * 1e9),
								  .is = is,
								  .bound = bound });
}

/* Does one of @kinds overlap [@from_s, @until_s)? */
static bool befell(const struct sl_ps_world *world, uint32_t kinds, double from_s, double until_s)
{
	const struct sl_mishaps *all = &world->trial->mishaps;

	for (size_t i = 0; i < all->count; i++) {
		const double begun_s = (double)all->at[i].at_ns / 1e9;
		const double ended_s = begun_s + (double)all->at[i].for_ns / 1e9;

		if (!all->is_left_out[i] && (kinds & BIT(all->at[i].kind)) && begun_s < until_s &&
		    ended_s >= from_s)
			return true;
	}
	return false;
}

static double healed_s(const struct sl_ps_world *world)
{
	const struct sl_mishaps *all = &world->trial->mishaps;
	double ret = (double)world->well_ns / 1e9;

	for (size_t i = 0; i < all->count; i++)
		if (!all->is_left_out[i])
			ret = fmax(ret, (double)(all->at[i].at_ns + all->at[i].for_ns) / 1e9);
	return ret;
}

static uint32_t lost(const struct sl_ps_second *second)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < SL_PS_ENDS; i++)
		sum += second->lost[i];
	return sum;
}

static double slow_s(const struct sl_ps_world *world)
{
	return (double)world->slow_ns / 1e9;
}

/* ---- the rules ------------------------------------------------------------------------ */

static void check_idle(struct sl_ps_world *world)
{
	const uint32_t until = (uint32_t)slow_s(world);
	uint32_t refused = 0, offered = 0;

	/* What comes all at once after a stall finds no credits, at first. */
	if (world->stall_ns || befell(world, OF_ALL, 0, until))
		return;
	for (uint32_t i = BEGUN_S; i < until; i++) {
		refused += lost(&world->second[i]);
		offered += world->second[i].offered;
	}
	if (refused > REFUSED_MOST * offered)
		fail(world, rule_idle, until, refused, REFUSED_MOST * offered);
}

static void check_stall(struct sl_ps_world *world)
{
	const uint32_t until = (uint32_t)slow_s(world);

	if (!world->stall_ns || world->per_s > LIGHT_MOST * world->capacity_per_s ||
	    befell(world, OF_ALL, 0, until))
		return;
	for (uint32_t i = (uint32_t)(world->stall_ns / SL_PS_S); i < until; i++)
		if (world->second[i].worst >= SL_PRESSURE_SHED || world->second[i].permille)
			fail(world, rule_stall, i, world->second[i].worst, SL_PRESSURE_WARN);
}

/* Slots and the credits of one wait for a slot: so much fits before anything is too much. */
static double fills_up_ms(const struct sl_ps_world *world)
{
	const double capacity = world->capacity_per_s / world->factor;
	double room = 0;

	for (uint32_t i = 0; i < world->workers; i++)
		room += 3.0 * world->worker[i].slots;
	return room / (world->per_s - capacity) * 1e3 +
	       (double)world->service_ns * world->factor / 1e6;
}

static void check_shed(struct sl_ps_world *world)
{
	const double most_ms = SHED_MS + fills_up_ms(world);
	const double took_ms =
		world->shed_ns ? (double)(world->shed_ns - world->slow_ns) / 1e6 : 1e9;

	if (world->per_s < 1.2 * world->capacity_per_s / world->factor ||
	    befell(world, OF_WORKERS | OF_SILENCE | OF_SIGNALS, slow_s(world) - SILENCE_S,
		   slow_s(world) + 2))
		return;
	if (took_ms > most_ms)
		fail(world, rule_shed, slow_s(world), took_ms, most_ms);
}

/*
 * Workers that come back to what waited meanwhile may enter `stop`, and it lasts for 10 s after
 * the pressure has gone: until then they idle, as the scheme has it. Then C grows back.
 */
static bool was_stopped(const struct sl_ps_world *world, uint32_t at)
{
	for (uint32_t i = at - ADAPT_S; i <= at; i++)
		if ((world->second[i].worst == SL_PRESSURE_STOP || world->second[i].node_stops) &&
		    befell(world, OF_WORKERS | OF_SILENCE, i - (double)STOP_S, i + 1.0))
			return true;
	return false;
}

/* Seconds of slow workers in steady state, with @with allowed. */
static bool counts(const struct sl_ps_world *world, uint32_t at, uint32_t without)
{
	return at >= slow_s(world) + ADAPT_S && at + 1 <= (double)world->well_ns / 1e9 &&
	       !befell(world, without, at - (double)SILENCE_S - ADAPT_S, at + 1.0) &&
	       !was_stopped(world, at);
}

static void check_slow(struct sl_ps_world *world, uint32_t without, double least)
{
	const double capacity = fmin(world->capacity_per_s / world->factor, world->per_s);
	uint32_t done = 0, started = 0, seconds = 0;
	double waited_ms = 0;

	for (uint32_t i = 0; i < SL_PS_SECONDS; i++) {
		if (!counts(world, i, without))
			continue;
		seconds++;
		done += world->second[i].done;
		started += world->second[i].started;
		waited_ms += world->second[i].waited_ms;
	}
	if (seconds < SECONDS_LEAST)
		return;
	if (done < least * capacity * seconds)
		fail(world, rule_goodput, slow_s(world), (double)done / seconds, least * capacity);
	if (started && waited_ms / started > (double)SL_PS_TARGET_NS / SL_PS_MS)
		fail(world, rule_delay, slow_s(world), waited_ms / started,
		     (double)SL_PS_TARGET_NS / SL_PS_MS);
}

static void check_critical(struct sl_ps_world *world)
{
	uint32_t critical = 0;

	for (uint32_t i = 1; i < SL_PS_SECONDS; i++) {
		const struct sl_ps_second *second = &world->second[i];

		/* In STOP only critical_plus passes. A router that is new does not know of it. */
		if (second->worst != SL_PRESSURE_STOP && !second->node_stops &&
		    !befell(world, OF_WORKERS | OF_SILENCE, i - (double)SILENCE_S - ADAPT_S, i + 1))
			critical += second->critical_lost;
		if (critical > CRITICAL_MOST)
			fail(world, rule_critical, i, critical, CRITICAL_MOST);
		if (second->overdue)
			fail(world, rule_deadline, i, second->overdue, 0);
	}
}

/* Requests come by chance: where a tenth is refused, of one second it is so many more. */
static double refused_most(const struct sl_ps_second *second)
{
	const double mean = REFUSED_MOST * second->offered;

	return mean + DEVIATIONS * sqrt(mean);
}

static void check_recovery(struct sl_ps_world *world)
{
	const uint32_t alone =
		befell(world, BIT(SL_PS_AGENT) | OF_WORKERS | OF_SILENCE, 0, SL_PS_SECONDS)
			? ALONE_S
			: 0;
	const uint32_t from = (uint32_t)ceil(healed_s(world)) + RECOVERY_S + alone;

	for (uint32_t i = from; i < SL_PS_SECONDS; i++) {
		const struct sl_ps_second *second = &world->second[i];

		if (lost(second) > refused_most(second))
			fail(world, rule_recovery, i, lost(second), refused_most(second));
		if (second->worst >= SL_PRESSURE_SHED &&
		    world->second[i - 1].worst < SL_PRESSURE_SHED)
			fail(world, rule_steady, i, second->worst, SL_PRESSURE_WARN);
	}
}

static void check_retry(struct sl_ps_world *world)
{
	double offered = 0, again = 0;

	for (uint32_t i = 0; i < SL_PS_SECONDS; i++) {
		offered += world->second[i].offered;
		again += world->second[i].retried;
	}
	if (again > RETRY_MOST * offered + RETRY_SAVED * SL_PS_TENANTS)
		fail(world, rule_retry, SL_PS_SECONDS, again,
		     RETRY_MOST * offered + RETRY_SAVED * SL_PS_TENANTS);
}

void sl_ps_check(struct sl_ps_world *world)
{
	check_idle(world);
	check_stall(world);
	check_shed(world);
	check_slow(world, OF_ALL & ~(BIT(SL_PS_SURGE) | BIT(SL_PS_AGENT) | BIT(SL_PS_DROPS)),
		   GOODPUT_LEAST);
	check_slow(world, OF_WORKERS | OF_SILENCE, GOODPUT_SIGNAL);
	check_critical(world);
	check_recovery(world);
	check_retry(world);
}
