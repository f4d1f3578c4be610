// SPDX-License-Identifier: Apache-2.0
/* A world before anything has happened. */
#include <math.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/world.h"

#define RNG_INSTANCE 4
#define RNG_TERMS    5
#define RNG_NETWORK  6

#define DESIGN_RATE	  5000.0
#define DESIGN_RATE_LEAST 20.0
#define DESIGN_SMALL	  1001.0
#define DESIGN_SMALL_NODE 20 /* units a second for each node: asked centrally below */
#define DESIGN_TTL_MS	  2000
#define DESIGN_COST_MU	  2000
#define BURST_LEAST	  10.0
#define DRIFT_PPM	  200

static void *table(size_t count, size_t size)
{
	void *ret = calloc(count ? count : 1, size);

	if (!ret)
		sl_die("no memory for a table of %zu", count);
	return ret;
}

static bool is_out(const bool *without, uint32_t index)
{
	return without && without[index];
}

static struct sl_terms terms_of(double rate)
{
	double burst = fmax(BURST_LEAST, rate / 2);

	return sl_terms_of(1, (int64_t)(rate * SL_SIM_MU), (int64_t)(burst * SL_SIM_MU));
}

/* A tenant of the design's table: R = 5000/rank, at least 20. */
static struct sl_terms design_terms(uint32_t rank)
{
	double rate = fmax(DESIGN_RATE_LEAST, DESIGN_RATE / (rank + 1));
	struct sl_terms terms = terms_of(rate);

	terms.small = rate < DESIGN_SMALL;
	terms.ttl_ms = DESIGN_TTL_MS;
	terms.cost_max_mu = DESIGN_COST_MU;
	return terms;
}

static struct sl_terms drawn_terms(struct sl_rng *rng, uint32_t nodes)
{
	static const enum sl_on_expiry on_expiry[] = { SL_EXPIRY_BLEND, SL_EXPIRY_BLEND,
						       SL_EXPIRY_LAST, SL_EXPIRY_SAFE,
						       SL_EXPIRY_CLOSED };
	struct sl_terms terms = terms_of(exp(sl_rng_between(rng, log(10), log(3000))));

	terms.on_expiry = on_expiry[sl_rng_below(rng, 5)];
	terms.small = terms.rate_mu_per_s < DESIGN_SMALL_NODE * SL_SIM_MU * (int64_t)nodes;
	terms.ttl_ms = DESIGN_TTL_MS;
	terms.cost_max_mu = DESIGN_COST_MU;
	return terms;
}

static void set_up_tenant(struct sl_world *world, uint32_t index)
{
	const struct sl_sim_options *options = &world->options;
	struct sl_sim_tenant *tenant = &world->tenant[index];
	struct sl_rng rng = sl_rng_of(options->seed, RNG_TERMS, index);

	tenant->is_out = is_out(options->without_tenant, index);
	tenant->terms =
		options->is_design ? design_terms(index) : drawn_terms(&rng, options->places);
	if (sl_terms_check(&tenant->terms, NULL) != 0)
		sl_die("terms that are none");
	if (sl_store_new(&tenant->store) != 0)
		sl_die("no memory for a store");
	sl_demand_init(&tenant->demand, options->model, options->seed, index, options->places,
		       (double)tenant->terms.rate_mu_per_s / SL_SIM_MU, 0);
	tenant->exact_units = (double)tenant->terms.burst_mu / SL_SIM_MU;
	tenant->pair =
		table(options->places + world->instances - options->nodes, sizeof(*tenant->pair));
}

/* Tenant t lives on nodes t*7, t*7+1, ... */
static bool lives_on(const struct sl_world *world, uint32_t tenant, uint32_t node,
		     uint32_t *ret_place)
{
	uint32_t nodes = world->options.nodes;
	uint32_t first = (uint32_t)((uint64_t)tenant * 7 % nodes);

	*ret_place = (node + nodes - first) % nodes;
	return *ret_place < world->options.places;
}

static void set_up_instance(struct sl_world *world, uint32_t index)
{
	struct sl_sim_instance *instance = &world->instance[index];
	uint32_t place;

	instance->rng = sl_rng_of(world->options.seed, RNG_INSTANCE, index);
	instance->incarnation = 1;
	instance->drift_ppm = (int64_t)sl_rng_below(&instance->rng, 2 * DRIFT_PPM + 1) - DRIFT_PPM;
	instance->clock_ns = SL_SIM_S_NS + sl_rng_below(&instance->rng, 1000 * SL_SIM_S_NS);
	instance->pair_first = world->pairs;
	for (uint32_t t = 0; t < world->options.tenants; t++) {
		struct sl_sim_tenant *tenant = &world->tenant[t];

		if (!lives_on(world, t, instance->node, &place))
			continue;
		world->pair[world->pairs] =
			(struct sl_sim_pair){ .tenant = t, .instance = index, .place = place };
		tenant->pair[tenant->pairs++] = world->pairs++;
		instance->pairs++;
	}
}

/* Every zombie of the script, kept or not, has its spare machine: chance stays the same. */
static void set_up_instances(struct sl_world *world)
{
	uint32_t spare = world->options.nodes;

	for (uint32_t i = 0; i < world->options.nodes; i++)
		world->instance[i].node = world->present[i] = i;
	for (uint32_t i = 0; i < world->faults->count; i++)
		if (world->faults->fault[i].kind == SL_FAULT_ZOMBIE)
			world->instance[spare++].node = world->faults->fault[i].node;
	for (uint32_t i = 0; i < world->instances; i++)
		set_up_instance(world, i);
}

void sl_world_set_up(struct sl_world *world)
{
	struct sl_sim_options *options = &world->options;

	if (!options->places || options->places > options->nodes)
		options->places = options->nodes;
	world->instances = options->nodes;
	for (uint32_t i = 0; i < world->faults->count; i++)
		world->instances += world->faults->fault[i].kind == SL_FAULT_ZOMBIE;
	world->tenant = table(options->tenants, sizeof(*world->tenant));
	world->instance = table(world->instances, sizeof(*world->instance));
	world->present = table(options->nodes, sizeof(*world->present));
	world->cut = table(options->nodes, sizeof(*world->cut));
	world->pair = table((size_t)options->tenants *
				    (options->places + world->instances - options->nodes),
			    sizeof(*world->pair));
	world->network = sl_rng_of(options->seed, RNG_NETWORK, 0);
	world->delay_ns = 15 * SL_SIM_MS_NS; /* there and back 40 ms on average */
	world->jitter_ns = 5 * SL_SIM_MS_NS;
	if (options->can_recover)
		sl_record_init(&world->record, options->tenants, options->end_ns);

	for (uint32_t i = 0; i < options->tenants; i++)
		set_up_tenant(world, i);
	set_up_instances(world);
	for (uint32_t i = 0; i < options->nodes; i++) {
		if (!is_out(options->without_node, i)) {
			sl_node_boot(world, i);
			continue;
		}
		for (uint32_t p = 0; p < world->instance[i].pairs; p++) {
			const struct sl_sim_pair *pair =
				&world->pair[world->instance[i].pair_first + p];

			world->tenant[pair->tenant].demand.is_away[pair->place] = true;
		}
	}
}
