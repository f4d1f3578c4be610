// SPDX-License-Identifier: Apache-2.0
/* The clock of a run of backpressure, and what befalls its actors. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/pressure_sim.h"

#define FLAP_NS (15 * SL_PS_S)
#define RAMP_NS (4 * SL_PS_S)

static const struct sl_mishap_kind kinds[SL_PS_MISHAPS] = {
	[SL_PS_LOST] = { "lost", { 1, 15 }, { .05, .6 } },
	[SL_PS_LATE] = { "late", { 1, 15 }, { .05, 1 } },
	[SL_PS_TWICE] = { "twice", { 1, 15 }, { .1, 1 } },
	[SL_PS_SILENT] = { "silent", { .5, 12 }, { 0 } },
	[SL_PS_GONE] = { "gone", { .2, 8 }, { 0 } },
	[SL_PS_DIES] = { "dies", { .2, 8 }, { 0 } },
	[SL_PS_LEAVES] = { "leaves", { .2, 8 }, { 0 } },
	[SL_PS_ROUTER] = { "router", { 0, 0 }, { 0 } },
	[SL_PS_DROPS] = { "drops", { 0, 0 }, { 0 } },
	[SL_PS_SURGE] = { "surge", { 1, 8 }, { 1.2, 3 } },
	[SL_PS_AGENT] = { "agent", { .2, 6 }, { 0 } },
};

/* ---- what befalls them --------------------------------------------------------------- */

static void harm_worker(struct sl_ps_world *world, uint32_t index)
{
	const struct sl_mishaps *all = &world->trial->mishaps;
	struct sl_ps_worker *worker = &world->worker[index];
	const bool leaves = sl_mishaps_hit(all, SL_PS_LEAVES, index, world->workers, world->now_ns);
	const bool is_down = leaves || sl_mishaps_hit(all, SL_PS_GONE, 0, 1, world->now_ns) ||
			     sl_mishaps_hit(all, SL_PS_DIES, index, world->workers, world->now_ns);

	if (is_down && !worker->is_down)
		sl_ps_stop_worker(world, index, leaves);
	else if (!is_down && worker->is_down)
		sl_ps_start_worker(world, index);
}

static void harm_agent(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_node *node = &world->node[index];
	const bool is_down = sl_mishaps_hit(&world->trial->mishaps, SL_PS_AGENT, index,
					    world->nodes, world->now_ns);

	if (is_down && node->pools) {
		sl_agent_pools_free(node->pools);
		node->pools = NULL;
	} else if (!is_down && !node->pools) {
		sl_ps_start_agent(world, index);
	}
}

static void harm(struct sl_ps_world *world)
{
	const struct sl_mishaps *all = &world->trial->mishaps;
	const uint64_t before_ns = world->now_ns - SL_PS_MS;
	const struct sl_mishap *one;
	size_t at = 0;

	while ((one = sl_mishaps_begun(all, &at, SL_PS_ROUTER, before_ns, world->now_ns)))
		sl_ps_start_router(world, one->subject % world->routers);
	for (at = 0; (one = sl_mishaps_begun(all, &at, SL_PS_DROPS, before_ns, world->now_ns));)
		world->worker[one->subject % world->workers].drops++;
	if (world->trial->broken == SL_PS_BREAK_FLAP && world->now_ns % FLAP_NS == 0)
		world->worker[0].drops++;
	for (uint32_t i = 0; i < world->workers; i++)
		harm_worker(world, i);
	for (uint32_t i = 0; i < world->nodes; i++)
		harm_agent(world, i);
}

/* ---- the clock -------------------------------------------------------------------------- */

static uint32_t draw_tenant(struct sl_ps_world *world)
{
	double u = sl_rng_unit(&world->demand);

	for (uint32_t i = 0; i < SL_PS_TENANTS; i++) {
		u -= world->tenant[i].share;
		if (u < 0)
			return i;
	}
	return SL_PS_TENANTS - 1;
}

static void ask(struct sl_ps_world *world, uint32_t tenant)
{
	if (sl_ps_is_stalled(world))
		sl_agenda_put(&world->agenda, (struct sl_moment){ .at_ns = world->stalled_ns,
								  .kind = SL_PS_RETRY,
								  .subject = tenant * 8 });
	else
		sl_ps_ask(world, tenant, 1);
}

static void arrive(struct sl_ps_world *world)
{
	const double surge = sl_mishaps_amount(&world->trial->mishaps, SL_PS_SURGE, world->now_ns);
	const double begun = (double)(world->now_ns - SL_PS_S) / (double)RAMP_NS;
	const double mean = world->per_s / 1e3 * (begun < 1 ? begun : 1);
	uint32_t count = sl_rng_unit(&world->demand) < mean - (uint32_t)mean;

	count += (uint32_t)mean;
	/* Who is in a surge is not critical: those never send more than they may. */
	for (uint32_t i = 0; i < count; i++)
		ask(world, draw_tenant(world));
	if (surge > 1 && sl_rng_unit(&world->demand) < mean * (surge - 1))
		ask(world, SL_PS_TENANTS / 2 + draw_tenant(world) / 2);
}

static void happen_until_now(struct sl_ps_world *world)
{
	struct sl_moment moment;

	while (world->agenda.count && world->agenda.heap[0].at_ns <= world->now_ns &&
	       sl_agenda_take(&world->agenda, &moment)) {
		if (moment.kind == SL_PS_SIGNAL)
			sl_ps_hear(world, &moment);
		else
			sl_ps_ask(world, moment.subject / 8, moment.subject % 8 + 1);
	}
}

static void note_state(struct sl_ps_world *world)
{
	struct sl_ps_second *second = sl_ps_now_in(world);

	for (uint32_t i = 0; i < world->routers; i++) {
		const enum sl_pressure_state state =
			sl_pressure_pool_view(world->router[i].pool).state;

		if (state > second->worst)
			second->worst = state;
	}
	for (uint32_t i = 0; i < world->nodes; i++)
		if (world->node[i].pools && world->node[i].state == SL_PRESSURE_STOP)
			second->node_stops = true;
	second->pressure = sl_pressure_pool_view(world->router[0].pool).pressure;
	second->capacity_per_s = sl_pressure_pool_view(world->router[0].pool).capacity_per_s;
	second->packets_per_s = world->node[0].sheds ? world->node[0].control.capacity.per_s : 0;
}

static void step(struct sl_ps_world *world)
{
	harm(world);
	happen_until_now(world);
	for (uint32_t i = 0; i < world->workers; i++)
		sl_ps_work(world, (uint32_t)((i + world->now_ns / SL_PS_MS) % world->workers));
	for (uint32_t i = 0; i < world->routers; i++)
		sl_ps_tend_router(world, i);
	for (uint32_t i = 0; i < world->nodes; i++) {
		sl_ps_tend_agent(world, i);
		sl_ps_tend_gateway(world, i);
	}
	if (world->now_ns % (50 * SL_PS_MS) == 0)
		note_state(world);
	arrive(world);
}

static void trace(const struct sl_ps_world *world)
{
	printf("# %u workers of %u slots, %u routers, %u nodes, %.0f/s, demand %.0f/s, %.1f times slower at %.3f s until %.3f s\n",
	       world->workers, world->worker[0].slots, world->routers, world->nodes,
	       world->capacity_per_s, world->per_s, world->factor, (double)world->slow_ns / 1e9,
	       (double)world->well_ns / 1e9);
	printf("#  s offered again admit  done wait_ms | kernel status throttle level credit "
	       "expired | critical state permille | p C kernel's C\n");
	for (uint32_t i = 1; i < SL_PS_SECONDS; i++) {
		const struct sl_ps_second *second = &world->second[i];

		printf("# %2u %7u %5u %5u %5u %7.1f | %6u %6u %8u %5u %6u %7u | %8u %s %u | %.2f %.0f %.0f\n",
		       i, second->offered, second->retried, second->admitted, second->done,
		       second->started ? second->waited_ms / second->started : 0,
		       second->lost[SL_PS_BY_KERNEL], second->lost[SL_PS_BY_STATUS],
		       second->lost[SL_PS_BY_THROTTLE], second->lost[SL_PS_BY_LEVEL],
		       second->lost[SL_PS_BY_CREDIT], second->lost[SL_PS_EXPIRED],
		       second->critical_lost, sl_pressure_state_name(second->worst),
		       second->permille, second->pressure, second->capacity_per_s,
		       second->packets_per_s);
	}
}

static struct sl_trial_finding run(const struct sl_trial *trial)
{
	struct sl_ps_world *world = malloc(sizeof(*world));
	struct sl_trial_finding finding;

	if (!world)
		sl_die("no memory for a world");
	sl_ps_set_up(world, trial);
	for (; world->now_ns < SL_PS_SECONDS * SL_PS_S; world->now_ns += SL_PS_MS)
		step(world);
	sl_ps_check(world);
	if (trial->has_trace)
		trace(world);
	finding = world->finding;
	sl_ps_tear_down(world);
	free(world);
	return finding;
}

static const char *const breaks[SL_PS_BREAKS] = { "none",  "blind", "class", "deadline", "greedy",
						  "slack", "stuck", "flap",  "lag",	 "retry" };

const struct sl_trial_kind sl_pressure_trial = {
	.option = "--pressure",
	.script = { .kinds = kinds,
		    .kind_count = SL_PS_MISHAPS,
		    .most = 4,
		    .from_ns = SL_PS_FROM_NS,
		    .until_ns = SL_PS_UNTIL_NS },
	.breaks = breaks,
	.break_count = SL_PS_BREAKS,
	.run = run,
};
