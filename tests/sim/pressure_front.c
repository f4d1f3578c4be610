// SPDX-License-Identifier: Apache-2.0
/* Clients, the kernel and the agent of a node, the gateway, and a router's answer. */
#include "tests/sim/pressure_sim.h"

#define HOUR		1u
#define RETRY_NS	(100 * SL_PS_MS)
#define TRIES_PLACES	8u
#define AGENT_TICK_NS	(25 * SL_PS_MS)
#define AGENT_HEARS_NS	(5 * SL_PS_MS)
#define SAMPLE_NS	SL_PS_S /* these as in userspace/agent/pressure.c */
#define SAMPLE_BUSY_NS	(500 * SL_PS_MS)
#define SAMPLE_LEAST_NS (100 * SL_PS_MS)
#define LEVEL_NS	(3 * SL_PS_S)
#define ASK_NS		SL_PS_S /* these are the defaults of gateway.yaml */
#define STALE_NS	(5 * SL_PS_S)
#define THROTTLE_RATIO	2.0

/* ---- what was refused ------------------------------------------------------------------- */

static void note_shedding(struct sl_ps_world *world)
{
	if (!world->shed_ns && world->now_ns >= world->slow_ns)
		world->shed_ns = world->now_ns;
}

void sl_ps_lose(struct sl_ps_world *world, uint32_t index, enum sl_ps_end how, unsigned int tries)
{
	struct sl_ps_tenant *tenant = &world->tenant[index];
	/* Who is dropped in the kernel hears nothing, and does not know why. */
	const bool overloaded = how != SL_PS_BY_KERNEL && how != SL_PS_EXPIRED;

	sl_ps_now_in(world)->lost[how]++;
	/* At the router's `active` the gateway refuses all alike, as the contract says. */
	sl_ps_now_in(world)->critical_lost +=
		tenant->criticality >= SL_CRITICAL && how != SL_PS_BY_STATUS;
	if (how != SL_PS_EXPIRED)
		note_shedding(world);
	if (!sl_retry_budget_take(&tenant->budget, tries, overloaded) &&
	    (world->trial->broken != SL_PS_BREAK_RETRY || tries >= TRIES_PLACES - 1))
		return;
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = world->now_ns + RETRY_NS,
					  .kind = SL_PS_RETRY,
					  .subject = index * TRIES_PLACES + tries });
}

/* ---- gateway and router -------------------------------------------------------------------- */

static enum sl_pool_verdict router_admits(struct sl_ps_world *world, uint32_t index,
					  uint32_t number, unsigned int tries)
{
	struct sl_ps_router *router = &world->router[index];
	const struct sl_ps_tenant *tenant = &world->tenant[number];
	const enum sl_criticality criticality =
		world->trial->broken == SL_PS_BREAK_CLASS ? SL_SHEDDABLE : tenant->criticality;
	const struct sl_pool_request request = {
		.criticality = criticality,
		.level = sl_priority_level(criticality, sl_span_of(tenant->name), HOUR),
		.needs_credit = true
	};
	const struct sl_ps_job job = {
		.item = { .queued_ns = world->now_ns,
			  .deadline_ns = world->now_ns + SL_PS_DEADLINE,
			  .criticality = criticality },
		.router_run = router->run,
		.router = index,
		.tenant = number,
		.tries = tries,
		.is_there = true,
	};
	enum sl_pool_verdict verdict =
		sl_pressure_pool_admit(sl_ps_pool(world, index), &request, world->now_ns);

	if (verdict == SL_POOL_NO_CREDIT &&
	    sl_pressure_pool_tick(router->pool, sl_rng_next(&router->rng), world->now_ns))
		sl_ps_router_tells(world, index);
	if (verdict != SL_POOL_ADMIT)
		return verdict;
	router->jobs.open++;
	router->jobs.unaccepted++;
	router->jobs.sheddable += criticality < SL_CRITICAL;
	sl_ps_push(world, &job);
	sl_ps_now_in(world)->admitted++;
	sl_ps_now_in(world)->sheddable_passed += tenant->criticality < SL_CRITICAL;
	return verdict;
}

static void ask_gateway(struct sl_ps_world *world, struct sl_ps_node *node, uint32_t tenant,
			unsigned int tries)
{
	static const enum sl_ps_end ends[] = {
		[SL_POOL_SHED] = SL_PS_BY_LEVEL, [SL_POOL_NO_CREDIT] = SL_PS_BY_CREDIT
	};
	const enum sl_criticality criticality = world->tenant[tenant].criticality;
	enum sl_pool_verdict verdict;

	if (node->level == SL_PRESSURE_ACTIVE) {
		sl_ps_lose(world, tenant, SL_PS_BY_STATUS, tries);
		return;
	}
	if (!sl_class_throttle_admits(&node->throttle, criticality, THROTTLE_RATIO, world->now_ns,
				      sl_rng_next(&node->rng))) {
		sl_ps_lose(world, tenant, SL_PS_BY_THROTTLE, tries);
		return;
	}
	verdict = router_admits(world, (uint32_t)sl_rng_below(&node->rng, world->routers), tenant,
				tries);
	sl_class_throttle_report(&node->throttle, criticality, verdict == SL_POOL_ADMIT,
				 world->now_ns);
	if (verdict != SL_POOL_ADMIT)
		sl_ps_lose(world, tenant, ends[verdict], tries);
}

/* As the router answers its status map, and the gateway reads it. */
void sl_ps_tend_gateway(struct sl_ps_world *world, uint32_t index)
{
	static const enum sl_pressure_level levels[] = { SL_PRESSURE_INACTIVE, SL_PRESSURE_WARNING,
							 SL_PRESSURE_WARNING, SL_PRESSURE_ACTIVE,
							 SL_PRESSURE_UNKNOWN };
	struct sl_ps_node *node = &world->node[index];
	struct sl_pressure_view view;

	if (sl_pressure_claim(&node->board, ASK_NS, world->now_ns)) {
		const uint32_t router = (uint32_t)sl_rng_below(&node->rng, world->routers);
		const struct sl_pressure_status status = {
			.level = levels[sl_pressure_pool_view(world->router[router].pool).state],
			.retry_after_s = 1
		};

		sl_pressure_note(&node->board, &status, world->now_ns);
	}
	view = sl_pressure_look(&node->board, STALE_NS, world->now_ns);
	if (view.level != node->level && view.level == SL_PRESSURE_INACTIVE)
		sl_class_throttle_forget(&node->throttle);
	node->level = view.level;
}

/* ---- kernel ------------------------------------------------------------------------------------
 */

void sl_ps_ask(struct sl_ps_world *world, uint32_t tenant, unsigned int tries)
{
	struct sl_ps_node *node = &world->node[sl_rng_below(&world->demand, world->nodes)];
	struct sl_ps_traffic *traffic = &node->traffic[tenant];
	struct sl_ps_second *second = sl_ps_now_in(world);

	if (tries == 1) {
		second->offered++;
		sl_retry_budget_request(&world->tenant[tenant].budget);
	} else {
		second->retried++;
	}
	if (world->now_ns < traffic->until_ns &&
	    sl_rng_below(&node->rng, 1000) < traffic->permille) {
		traffic->shed++;
		sl_ps_lose(world, tenant, SL_PS_BY_KERNEL, tries);
		return;
	}
	traffic->passed++;
	ask_gateway(world, node, tenant, tries);
}

/* ---- agent
 * ---------------------------------------------------------------------------------------- */

static void sample(struct sl_ps_world *world, struct sl_ps_node *node)
{
	const double seconds = (double)(world->now_ns - node->sampled_ns) / 1e9;
	/* The first sample only tells where the counters stand. */
	const double per_s = node->sampled_ns ? 1 / seconds : 0;

	node->passed_per_s = 0;
	node->sampled_ns = world->now_ns;
	for (uint32_t i = 0; i < SL_PS_TENANTS; i++) {
		struct sl_ps_traffic *traffic = &node->traffic[i];

		node->passed_per_s += traffic->passed * per_s;
		if (per_s > 0)
			sl_shed_demand_sample(&traffic->demand,
					      &(struct sl_shed_sample){ 1 / per_s, traffic->passed,
									traffic->shed,
									traffic->permille });
		traffic->passed = traffic->shed = 0;
	}
}

static void write_levels(struct sl_ps_world *world, struct sl_ps_node *node,
			 const struct sl_cut *cuts)
{
	struct sl_ps_second *second = sl_ps_now_in(world);

	for (uint32_t i = 0; i < SL_PS_TENANTS; i++) {
		struct sl_ps_traffic *traffic = &node->traffic[i];

		traffic->permille = sl_shed_demand_level(&traffic->demand, cuts[i].shed_permille);
		traffic->until_ns = world->now_ns + LEVEL_NS;
		if (traffic->permille > second->permille)
			second->permille = traffic->permille;
	}
}

static void shed(struct sl_ps_world *world, struct sl_ps_node *node,
		 const struct sl_agent_pools_sum *sum)
{
	struct sl_cut cuts[SL_PS_TENANTS];
	const struct sl_shed_input input = {
		.state = sum->state,
		.pressure = sum->pressure,
		.done_per_s = sum->done_per_s,
		.busy = sum->busy,
		.passed_per_s = node->passed_per_s,
		.jitter = sl_rng_unit(&node->rng),
		.cuts = cuts,
		.cut_count = SL_PS_TENANTS,
	};
	const bool shed_before = node->sheds;

	for (uint32_t i = 0; i < SL_PS_TENANTS; i++)
		cuts[i] = (struct sl_cut){
			.demand_per_s = node->traffic[i].demand.per_s,
			.guarantee_per_s = world->tenant[i].guarantee_per_s / world->nodes,
			.weight = 1,
			.criticality = world->tenant[i].criticality,
		};
	node->sheds = sl_shed_control_step(&node->control, &input, world->now_ns);
	if (node->sheds || shed_before)
		write_levels(world, node, cuts);
}

void sl_ps_tend_agent(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_node *node = &world->node[index];
	struct sl_agent_pools_sum sum;
	uint64_t age_ns;
	bool changed;

	if (!node->pools || world->now_ns % AGENT_HEARS_NS)
		return;
	if (world->now_ns % AGENT_TICK_NS == 0)
		(void)sl_agent_pools_tick(node->pools, sl_rng_next(&node->rng), world->now_ns);
	sum = sl_agent_pools_sum(node->pools);
	changed = sum.state != node->state;
	age_ns = world->now_ns - node->sampled_ns;
	if (!changed &&
	    (age_ns < (node->state != SL_PRESSURE_OK || node->sheds ? SAMPLE_BUSY_NS : SAMPLE_NS)))
		return;
	node->state = sum.state;
	if (age_ns >= SAMPLE_LEAST_NS)
		sample(world, node);
	shed(world, node, &sum);
}
