// SPDX-License-Identifier: Apache-2.0
/* A world of workers, routers, nodes and tenants, before anything has happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/pressure_sim.h"

#define RNG_DEMAND  31
#define RNG_BUS	    32
#define RNG_SERVICE 33
#define RNG_NODE    34
#define RNG_ROUTER  35
#define RNG_STALL   36

#define CRITICALS     3u  /* tenants; the first of them is critical_plus */
#define CRITICAL_PART 0.2 /* of what slow workers can do: they could take them all */
#define PLUS	      18u /* the tenants below are sheddable_plus, the others sheddable */

void sl_ps_start_worker(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_worker *worker = &world->worker[index];
	const uint32_t slots = worker->slots;
	const uint64_t drops = worker->drops;
	char source[24];
	const struct sl_gauge_options gauge = {
		.pool = "p", .source = source, .epoch = 1 + world->now_ns, .slots = slots
	};

	(void)snprintf(source, sizeof(source), "worker-%u", index);
	memset(worker, 0, sizeof(*worker));
	worker->slots = slots;
	worker->drops = drops;
	worker->tended_ns = world->now_ns - index * SL_PS_MS;
	sl_gauge_init(&worker->gauge, &gauge, world->now_ns);
	sl_queue_init(&worker->queue, SL_PS_TARGET_NS, world->now_ns);
}

void sl_ps_start_router(struct sl_ps_world *world, uint32_t index)
{
	const struct sl_pressure_pool_options options = { .name = "p", .secret = { 1, 2 } };
	struct sl_ps_router *router = &world->router[index];

	sl_pressure_pool_free(router->pool);
	router->pool = NULL;
	if (sl_pressure_pool_new(&router->pool, &options, world->now_ns) != 0)
		sl_die("no memory for a router");
	router->run++;
	router->epoch = 1 + world->now_ns;
	router->seq = 0;
	router->jobs = (struct sl_pool_jobs){ .open = 0 };
}

void sl_ps_start_agent(struct sl_ps_world *world, uint32_t index)
{
	static const uint64_t secret[2] = { 3, 4 };
	struct sl_ps_node *node = &world->node[index];

	sl_agent_pools_free(node->pools);
	node->pools = NULL;
	if (sl_agent_pools_new(&node->pools, secret) != 0)
		sl_die("no memory for an agent");
	sl_shed_control_init(&node->control, world->now_ns);
	node->state = SL_PRESSURE_OK;
	node->sheds = false;
	node->sampled_ns = 0;
	node->passed_per_s = 0;
}

static void set_up_workers(struct sl_ps_world *world)
{
	struct sl_rng *rng = &world->service;
	uint32_t slots = 0, of_each;

	world->workers = 1 + (uint32_t)sl_rng_below(rng, SL_PS_WORKERS);
	of_each = SL_PS_SLOTS / 2 + (uint32_t)sl_rng_below(rng, SL_PS_SLOTS / 2 + 1);
	for (uint32_t i = 0; i < world->workers; i++) {
		world->worker[i].slots = of_each;
		slots += world->worker[i].slots;
		sl_ps_start_worker(world, i);
	}
	/* 200 to 1,000 jobs a second: 6 to 20 ms each, where that fits. */
	world->service_ns = (uint64_t)(sl_rng_between(rng, 6, 20) * 1e6);
	world->capacity_per_s = slots * 1e9 / (double)world->service_ns;
	if (world->capacity_per_s > 1000) {
		world->service_ns = slots * SL_PS_MS;
		world->capacity_per_s = 1000;
	}
	world->factor = sl_rng_unit(rng) < .7 ? 10 : sl_rng_between(rng, 3, 10);
	world->slow_ns = 10 * SL_PS_S + sl_rng_below(rng, SL_PS_S);
	world->well_ns = SL_PS_UNTIL_NS - sl_rng_below(rng, 5 * SL_PS_S);
	world->per_s = world->capacity_per_s * sl_rng_between(rng, .45, .7);
}

static enum sl_criticality class_of(uint32_t tenant)
{
	if (tenant == 0)
		return SL_CRITICAL_PLUS;
	if (tenant < CRITICALS)
		return SL_CRITICAL;
	return tenant < PLUS ? SL_SHEDDABLE_PLUS : SL_SHEDDABLE;
}

static void set_up_tenants(struct sl_ps_world *world)
{
	const double critical =
		CRITICAL_PART * world->capacity_per_s / world->factor / world->per_s;
	double sum = 0;

	for (uint32_t i = 0; i < SL_PS_TENANTS; i++) {
		struct sl_ps_tenant *tenant = &world->tenant[i];

		(void)snprintf(tenant->name, sizeof(tenant->name), "t%u", i);
		tenant->criticality = class_of(i);
		tenant->share = sl_rng_between(&world->demand, .2, 2);
		sum += i < CRITICALS ? 0 : tenant->share;
	}
	for (uint32_t i = 0; i < SL_PS_TENANTS; i++) {
		struct sl_ps_tenant *tenant = &world->tenant[i];

		tenant->share =
			i < CRITICALS ? critical / CRITICALS : tenant->share / sum * (1 - critical);
		tenant->guarantee_per_s =
			tenant->share * world->per_s *
			(i < CRITICALS ? 1000 : sl_rng_between(&world->demand, .1, 1));
	}
}

/* In a third of all runs, while all is well. */
static void set_up_stall(struct sl_ps_world *world)
{
	struct sl_rng rng = sl_rng_of(world->trial->seed, RNG_STALL, 0);

	if (world->trial->seed % 3 != 2)
		return;
	world->stall_ns = 6 * SL_PS_S + sl_rng_below(&rng, 2 * SL_PS_S);
	world->stalled_ns = world->stall_ns + 100 * SL_PS_MS + sl_rng_below(&rng, 300 * SL_PS_MS);
}

void sl_ps_set_up(struct sl_ps_world *world, const struct sl_trial *trial)
{
	memset(world, 0, sizeof(*world));
	world->trial = trial;
	world->now_ns = SL_PS_S; /* 0 is "never" to some; the first second is left out */
	world->demand = sl_rng_of(trial->seed, RNG_DEMAND, 0);
	world->bus = sl_rng_of(trial->seed, RNG_BUS, 0);
	world->service = sl_rng_of(trial->seed, RNG_SERVICE, 0);
	set_up_workers(world);
	set_up_tenants(world);
	set_up_stall(world);
	world->routers = 1 + (uint32_t)sl_rng_below(&world->service, SL_PS_ROUTERS);
	world->nodes = 1 + (uint32_t)sl_rng_below(&world->service, SL_PS_NODES);
	for (uint32_t i = 0; i < world->routers; i++) {
		world->router[i].rng = sl_rng_of(trial->seed, RNG_ROUTER, i);
		sl_ps_start_router(world, i);
	}
	for (uint32_t i = 0; i < world->nodes; i++) {
		world->node[i].rng = sl_rng_of(trial->seed, RNG_NODE, i);
		sl_ps_start_agent(world, i);
	}
}

void sl_ps_tear_down(struct sl_ps_world *world)
{
	struct sl_moment moment;

	while (sl_agenda_take(&world->agenda, &moment))
		free(moment.data);
	sl_agenda_release(&world->agenda);
	for (uint32_t i = 0; i < world->routers; i++)
		sl_pressure_pool_free(world->router[i].pool);
	for (uint32_t i = 0; i < world->nodes; i++)
		sl_agent_pools_free(world->node[i].pools);
}
