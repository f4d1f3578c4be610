// SPDX-License-Identifier: Apache-2.0
/* Signals on their way, and the routers, who hear and tell. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/pressure_sim.h"

#define WAY_NS	      (SL_PS_MS / 2)
#define AGAIN_S	      5.0
#define LAG_NS	      (2 * SL_PS_S)
#define STUCK	      0.9
#define PERIOD_MIN_NS (200 * SL_PS_MS)
#define PERIOD_NS     (100 * SL_PS_MS)

/* ---- the way -------------------------------------------------------------------------- */

static void put(struct sl_ps_world *world, const struct sl_signal *signal, uint64_t at_ns)
{
	struct sl_signal *copy = malloc(sizeof(*copy));

	if (!copy)
		sl_die("no memory for a signal");
	*copy = *signal;
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = at_ns, .kind = SL_PS_SIGNAL, .data = copy });
}

static uint64_t way_ns(struct sl_ps_world *world)
{
	const double late_s = sl_mishaps_amount(&world->trial->mishaps, SL_PS_LATE, world->now_ns);
	uint64_t way = WAY_NS + (uint64_t)(late_s * sl_rng_unit(&world->bus) * 1e9);

	return world->trial->broken == SL_PS_BREAK_LAG ? way + LAG_NS : way;
}

/* As it goes over the wire: written and read. */
static struct sl_signal carried(const struct sl_signal *signal)
{
	struct sl_json_out out = SL_JSON_OUT(SL_SIGNAL_BYTES_MAX);
	struct sl_signal ret;
	struct sl_span text;

	sl_signal_write(&out, signal);
	if (sl_json_done(&text, &out) != 0 || sl_signal_read(&ret, text, NULL) != 0)
		sl_die("a signal that cannot be read");
	sl_json_out_free(&out);
	return ret;
}

void sl_ps_tell(struct sl_ps_world *world, const struct sl_signal *signal)
{
	const struct sl_mishaps *mishaps = &world->trial->mishaps;
	const struct sl_signal sent = carried(signal);

	if (world->trial->broken == SL_PS_BREAK_BLIND ||
	    sl_mishaps_hit(mishaps, SL_PS_SILENT, 0, 1, world->now_ns) ||
	    sl_rng_unit(&world->bus) < sl_mishaps_amount(mishaps, SL_PS_LOST, world->now_ns))
		return;
	put(world, &sent, world->now_ns + way_ns(world));
	if (sl_rng_unit(&world->bus) < sl_mishaps_amount(mishaps, SL_PS_TWICE, world->now_ns))
		put(world, &sent,
		    world->now_ns + WAY_NS + (uint64_t)(sl_rng_unit(&world->bus) * AGAIN_S * 1e9));
}

/* ---- routers ---------------------------------------------------------------------------- */

struct sl_pressure_pool *sl_ps_pool(struct sl_ps_world *world, uint32_t index)
{
	const struct sl_ps_router *router = &world->router[index];

	sl_pressure_pool_jobs(router->pool, &router->jobs);
	return router->pool;
}

void sl_ps_router_tells(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_router *router = &world->router[index];
	struct sl_signal signal;

	sl_pressure_pool_signal(&signal, router->pool);
	(void)snprintf(signal.source, sizeof(signal.source), "router-%u", index);
	signal.epoch = router->epoch;
	signal.seq = ++router->seq;
	sl_ps_tell(world, &signal);
}

void sl_ps_tend_router(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_router *router = &world->router[index];

	if (world->now_ns < router->next_ns)
		return;
	router->next_ns = world->now_ns + PERIOD_MIN_NS + sl_rng_below(&router->rng, PERIOD_NS);
	(void)sl_pressure_pool_tick(sl_ps_pool(world, index), sl_rng_next(&router->rng),
				    world->now_ns);
	/* A router has no pool before a worker spoke. */
	if (sl_pressure_pool_view(router->pool).counts.signals_total)
		sl_ps_router_tells(world, index);
}

/* ---- hearing ------------------------------------------------------------------------------ */

static void router_hears(struct sl_ps_world *world, uint32_t index, const struct sl_signal *signal)
{
	if (sl_pressure_pool_hear(sl_ps_pool(world, index), signal, world->now_ns) == 1)
		sl_ps_router_tells(world, index);
}

static void all_hear(struct sl_ps_world *world, const struct sl_signal *signal)
{
	for (uint32_t i = 0; i < world->nodes; i++)
		if (world->node[i].pools)
			(void)sl_agent_pools_hear(world->node[i].pools, signal, world->now_ns);
	if (signal->role == SL_SIGNAL_WORKER) {
		for (uint32_t i = 0; i < world->routers; i++)
			router_hears(world, i, signal);
		return;
	}
	for (uint32_t i = 0; i < world->workers; i++)
		world->worker[i].router_ns[(unsigned)(signal->source[7] - '0') % SL_PS_ROUTERS] =
			world->now_ns;
}

void sl_ps_hear(struct sl_ps_world *world, const struct sl_moment *moment)
{
	struct sl_signal *signal = moment->data;
	const uint64_t stuck = (uint64_t)(STUCK * (double)signal->limit + 0.5);

	if (world->trial->broken == SL_PS_BREAK_STUCK && signal->inflight < stuck)
		signal->inflight = stuck;
	all_hear(world, signal);
	free(signal);
}
