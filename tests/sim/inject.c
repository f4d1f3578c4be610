// SPDX-License-Identifier: Apache-2.0
/* Faults, done to the world. */
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/world.h"
#include "userspace/base/cleanup.h"

#define TERMS_SPREAD_NS SL_SIM_S_NS /* a new configuration reaches the last node after this */
#define BURST_LEAST_MU	10000
#define RATE_LEAST_MU	2000

static void at(struct sl_world *world, enum sl_sim_moment kind, uint32_t fault, uint64_t at_ns)
{
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = at_ns, .kind = kind, .subject = fault });
}

void sl_inject_plan(struct sl_world *world)
{
	for (uint32_t i = 0; i < world->faults->count; i++) {
		const struct sl_fault *fault = &world->faults->fault[i];
		uint64_t middle_ns = fault->at_ns + fault->for_ns / 2;

		if (world->faults->is_left_out[i])
			continue;
		if (fault->kind == SL_FAULT_FAILOVER) { /* what was written after that is lost */
			uint64_t lost_ns = (uint64_t)(fault->amount * 1e9);

			middle_ns = fault->at_ns > lost_ns ? fault->at_ns - lost_ns : 0;
		}
		at(world, SL_AT_FAULT, i, fault->at_ns);
		at(world, SL_AT_FAULT_2, i, middle_ns);
		at(world, SL_AT_HEALED, i, fault->at_ns + fault->for_ns);
	}
}

static uint64_t latest(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns > b_ns ? a_ns : b_ns;
}

/* Whether the places of an instance's node take traffic. */
static void set_away(struct sl_world *world, uint32_t index, bool is_away)
{
	const struct sl_sim_instance *instance = &world->instance[index];

	for (uint32_t i = 0; i < instance->pairs; i++) {
		const struct sl_sim_pair *pair = &world->pair[instance->pair_first + i];

		sl_demand_set_away(&world->tenant[pair->tenant].demand, pair->place, is_away);
	}
}

static void crash(struct sl_world *world, uint32_t node)
{
	struct sl_sim_instance *instance = &world->instance[world->present[node]];

	instance->is_up = false;
	instance->runs = false;
	set_away(world, world->present[node], true);
}

static void change_limit(struct sl_world *world, const struct sl_fault *fault)
{
	struct sl_sim_tenant *tenant = &world->tenant[fault->tenant];
	const struct sl_terms before = tenant->terms;
	int64_t rate = (int64_t)((double)before.rate_mu_per_s * fault->amount);
	bool is_known =
		!tenant->changed_ns || world->now_ns >= tenant->changed_ns + SL_SIM_TERMS_KNOWN_NS;

	if (rate < RATE_LEAST_MU)
		rate = RATE_LEAST_MU;
	/* Soon after another change a node may still have the terms of before that one. */
	if (is_known || before.rate_mu_per_s > tenant->old_terms.rate_mu_per_s)
		tenant->old_terms = before;
	tenant->changed_ns = world->now_ns;
	tenant->terms = sl_terms_of(before.gen + 1, rate,
				    rate / 2 > BURST_LEAST_MU ? rate / 2 : BURST_LEAST_MU);
	tenant->terms.ttl_ms = before.ttl_ms;
	tenant->terms.cost_max_mu = before.cost_max_mu;
	tenant->terms.on_expiry = before.on_expiry;
	tenant->terms.small = before.small;
	for (uint32_t i = 0; i < tenant->pairs; i++) {
		struct sl_rng *rng = &world->instance[world->pair[tenant->pair[i]].instance].rng;

		at(world, SL_AT_TERMS, tenant->pair[i],
		   world->now_ns + sl_rng_below(rng, TERMS_SPREAD_NS));
	}
}

/* One whose agent is being restarted anyway only comes back by that. */
static void stand_still(struct sl_sim_instance *instance)
{
	instance->stands = instance->runs;
	instance->runs = false;
}

void sl_inject(struct sl_world *world, uint32_t index)
{
	const struct sl_fault *fault = &world->faults->fault[index];
	uint64_t until_ns = world->now_ns + fault->for_ns;

	switch (fault->kind) {
	case SL_FAULT_CRASH:
		for (uint32_t i = 0; i < fault->count; i++)
			crash(world, (fault->node + i) % world->options.nodes);
		return;
	case SL_FAULT_RESTART:
		world->instance[world->present[fault->node]].runs = false;
		world->instance[world->present[fault->node]].stands = false;
		return;
	case SL_FAULT_ZOMBIE:
		stand_still(&world->instance[world->present[fault->node]]);
		return;
	case SL_FAULT_PARTITION:
		for (uint32_t i = 0; i < fault->count; i++) {
			struct sl_sim_cut *cut =
				&world->cut[(fault->node + i) % world->options.nodes];

			cut->until_ns = latest(cut->until_ns, until_ns);
			cut->hears_peers = fault->amount < 0.5;
		}
		return;
	case SL_FAULT_OUTAGE:
		world->down_until_ns = latest(world->down_until_ns, until_ns);
		return;
	case SL_FAULT_FREEZE:
		world->frozen_until_ns = latest(world->frozen_until_ns, until_ns);
		return;
	case SL_FAULT_FAILOVER:
		world->down_until_ns = latest(world->down_until_ns, until_ns);
		world->failed_over_ns = world->now_ns;
		for (uint32_t i = 0; i < world->options.tenants; i++) {
			struct sl_sim_tenant *tenant = &world->tenant[i];

			if (!tenant->replica)
				continue;
			sl_store_free(tenant->store);
			tenant->store = SL_TAKE_PTR(tenant->replica);
		}
		return;
	case SL_FAULT_WIPE:
		world->failed_over_ns = world->now_ns;
		for (uint32_t i = 0; i < world->options.tenants; i++)
			sl_store_wipe(world->tenant[i].store);
		return;
	case SL_FAULT_TIME:
		world->failed_over_ns = world->now_ns;
		world->jump_ms += (int64_t)(fault->amount * 1000);
		return;
	case SL_FAULT_LOSS:
		world->loss = fault->amount;
		world->loss_until_ns = until_ns;
		return;
	case SL_FAULT_DOUBLE:
		world->twice = fault->amount;
		world->twice_until_ns = until_ns;
		return;
	case SL_FAULT_DELAY:
		world->slow_s = fault->amount;
		world->slow_until_ns = until_ns;
		return;
	case SL_FAULT_LIMIT:
		change_limit(world, fault);
		return;
	case SL_FAULT_SHIFT:
		for (uint32_t i = 0; i < world->options.tenants; i++)
			sl_demand_shift(&world->tenant[i].demand);
		return;
	case SL_FAULT_KINDS:
		break;
	}
}

/* Another machine takes the node's name and its traffic. */
static void replace(struct sl_world *world, uint32_t index)
{
	const struct sl_fault *fault = &world->faults->fault[index];
	struct sl_sim_instance *old = &world->instance[world->present[fault->node]];
	uint32_t spare = world->options.nodes;

	if (!old->is_up)
		return;
	for (uint32_t i = 0; i < index; i++)
		spare += world->faults->fault[i].kind == SL_FAULT_ZOMBIE;
	world->instance[spare].incarnation = old->incarnation + 1;
	world->present[fault->node] = spare;
	sl_node_boot(world, spare);
}

void sl_inject_middle(struct sl_world *world, uint32_t index)
{
	const struct sl_fault *fault = &world->faults->fault[index];

	if (fault->kind == SL_FAULT_ZOMBIE)
		replace(world, index);
	if (fault->kind != SL_FAULT_FAILOVER)
		return;
	for (uint32_t i = 0; i < world->options.tenants; i++) {
		struct sl_sim_tenant *tenant = &world->tenant[i];

		sl_store_freep(&tenant->replica);
		if (sl_store_clone(&tenant->replica, tenant->store) != 0)
			sl_die("no memory for a replica");
	}
}

static void come_back(struct sl_world *world, uint32_t node)
{
	struct sl_sim_instance *instance = &world->instance[world->present[node]];

	if (instance->is_up || (world->options.without_node && world->options.without_node[node]))
		return;
	instance->incarnation++;
	sl_node_boot(world, world->present[node]);
	set_away(world, world->present[node], false);
}

void sl_inject_heal(struct sl_world *world, uint32_t index)
{
	const struct sl_fault *fault = &world->faults->fault[index];
	uint32_t present = world->present[fault->node];

	if (fault->kind == SL_FAULT_CRASH)
		for (uint32_t i = 0; i < fault->count; i++)
			come_back(world, (fault->node + i) % world->options.nodes);
	if (fault->kind == SL_FAULT_RESTART && world->instance[present].is_up &&
	    !world->instance[present].runs)
		sl_node_adopt(world, present);
	if (fault->kind != SL_FAULT_ZOMBIE)
		return;
	for (uint32_t i = 0; i < world->instances; i++)
		if (world->instance[i].node == fault->node && world->instance[i].is_up &&
		    world->instance[i].stands)
			sl_node_wake(world, i);
}
