// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <stdlib.h>

#include "tests/harness/options.h"
#include "userspace/base/cleanup.h"

#define DEMAND_NS 100000000ull

static void free_tenant(struct sl_sim_tenant *tenant)
{
	sl_store_free(tenant->store);
	sl_store_free(tenant->replica);
	sl_demand_release(&tenant->demand);
	sl_late_release(&tenant->known);
	free(tenant->pair);
}

void sl_world_free(struct sl_world *world)
{
	struct sl_moment moment;

	if (!world)
		return;
	while (sl_agenda_take(&world->agenda, &moment))
		free(moment.data);
	sl_agenda_release(&world->agenda);
	for (uint32_t i = 0; i < world->options.tenants; i++)
		free_tenant(&world->tenant[i]);
	sl_record_release(&world->record);
	free(world->tenant);
	free(world->pair);
	free(world->instance);
	free(world->present);
	free(world->cut);
	free(world->busy_until_ns);
	free(world->link);
	free(world->load);
	free(world);
}

void sl_world_freep(struct sl_world **world)
{
	sl_world_free(*world);
}

struct sl_world *sl_world_new(const struct sl_sim_options *options, struct sl_faults *faults)
{
	struct sl_world *world = calloc(1, sizeof(*world));

	if (!world)
		sl_die("no memory for a world");
	world->options = *options;
	world->faults = faults;
	sl_world_set_up(world);
	sl_inject_plan(world);
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = options->tick_ns, .kind = SL_AT_TICK });
	return world;
}

struct counted {
	double admitted; /* by all */
	struct sl_step step;
};

/* What arrives at one machine; only the node's present one is in the figures. */
static void arrive(struct sl_world *world, struct sl_sim_pair *pair, uint32_t arrived,
		   bool is_present, struct counted *counted)
{
	uint32_t admitted;

	if (!arrived)
		return;
	admitted = sl_kernel_take(world, pair, arrived);
	pair->arrived += arrived;
	pair->admitted += admitted;
	counted->admitted += admitted;
	if (is_present) {
		sl_late_arrive(&world->tenant[pair->tenant].known, pair->place, arrived);
		counted->step.offered += arrived;
		counted->step.admitted += admitted;
	}
	if (admitted && !pair->small && pair->lease.fenced)
		sl_check_fail(world, "fence: a fenced node admits nothing", pair->tenant, admitted,
			      0);
}

static void tick_tenant(struct sl_world *world, uint32_t index, double tick_s)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];
	struct counted counted = { 0 };
	double rate = (double)tenant->terms.rate_mu_per_s / SL_SIM_MU;
	double burst = (double)tenant->terms.burst_mu / SL_SIM_MU;
	struct sl_step *step;

	for (uint32_t i = 0; i < tenant->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[tenant->pair[i]];
		const struct sl_sim_instance *instance = &world->instance[pair->instance];
		bool is_present = world->present[instance->node] == pair->instance;
		struct sl_demand_pair *demand = &tenant->demand.pair[pair->place];

		if (instance->is_up && (is_present || pair->instance < world->options.nodes))
			arrive(world, pair,
			       is_present ? sl_demand_arrive(demand) : (uint32_t)demand->mean + 1,
			       is_present, &counted);
	}
	tenant->exact_units += rate * tick_s;
	if (tenant->exact_units > burst)
		tenant->exact_units = burst;
	counted.step.exact = tenant->exact_units > counted.step.offered
				     ? counted.step.offered
				     : (uint32_t)tenant->exact_units;
	tenant->exact_units -= counted.step.exact;
	if (world->options.can_recover) {
		step = sl_record_at(&world->record, world->now_ns, index);
		step->offered += counted.step.offered;
		step->admitted += counted.step.admitted;
		step->exact += counted.step.exact;
	}
	sl_check_tick(world, index, counted.admitted, &counted.step);
}

static void tick(struct sl_world *world)
{
	double tick_s = (double)world->options.tick_ns / SL_SIM_S_NS;
	uint64_t every = DEMAND_NS / world->options.tick_ns;

	for (uint32_t i = 0; i < world->options.tenants; i++) {
		if (world->tenant[i].is_out)
			continue;
		if (every < 2 || world->ticks % every == 0)
			sl_demand_update(&world->tenant[i].demand, world->now_ns,
					 world->options.tick_ns);
		tick_tenant(world, i, tick_s);
	}
	for (uint32_t i = 0; i < world->instances; i++)
		sl_node_tick(world, i);
	world->ticks++;
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = world->now_ns + world->options.tick_ns,
					  .kind = SL_AT_TICK });
}

static void happen(struct sl_world *world, const struct sl_moment *moment)
{
	sl_autofree struct sl_sim_message *message = moment->data;

	switch ((enum sl_sim_moment)moment->kind) {
	case SL_AT_TICK:
		tick(world);
		return;
	case SL_AT_FAULT:
		sl_inject(world, moment->subject);
		return;
	case SL_AT_FAULT_2:
		sl_inject_middle(world, moment->subject);
		return;
	case SL_AT_HEALED:
		sl_inject_heal(world, moment->subject);
		return;
	case SL_AT_STORE:
		sl_network_store(world, message);
		return;
	case SL_AT_NODE:
		sl_node_hear(world, message);
		return;
	case SL_AT_TIMEOUT:
		sl_node_miss(world, message);
		return;
	case SL_AT_TERMS:
		sl_node_new_terms(world, moment->subject);
		return;
	}
}

void sl_world_run(struct sl_world *world)
{
	struct sl_moment moment;

	while (!world->finding.rule && sl_agenda_take(&world->agenda, &moment)) {
		if (moment.at_ns > world->options.end_ns) {
			free(moment.data);
			break;
		}
		world->now_ns = moment.at_ns;
		happen(world, &moment);
	}
	if (!world->finding.rule)
		sl_check_end(world);
}
