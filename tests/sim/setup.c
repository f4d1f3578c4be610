// SPDX-License-Identifier: Apache-2.0
/* A world before anything has happened. */
#include <math.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/world.h"
#include "userspace/domain/quota_defaults.h"

#define RNG_INSTANCE 4
#define RNG_TERMS    5
#define RNG_NETWORK  6
#define RNG_RATIO    8

#define DESIGN_RATE	  5000.0
#define DESIGN_RATE_LEAST 20.0
#define TTL_MS		  2000	/* the one term that is not the default: docs/adr/0010 */
#define LARGE_PLACE	  250.0 /* units a second that are worth another node */
#define LARGE_OVER	  10	/* each tenth tenant is over its limit */
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

/* What an agent makes of such a limit, where the file says no more than quota.ttl. */
static struct sl_terms terms_of(double rate, uint32_t nodes)
{
	double burst = fmax(BURST_LEAST, rate / 2);
	struct sl_terms terms =
		sl_terms_of(1, (int64_t)(rate * SL_SIM_MU), (int64_t)(burst * SL_SIM_MU));

	terms.small = sl_terms_are_small(terms.rate_mu_per_s, nodes);
	terms.ttl_ms = TTL_MS;
	return terms;
}

static struct sl_terms drawn_terms(struct sl_rng *rng, uint32_t nodes)
{
	static const enum sl_on_expiry on_expiry[] = { SL_EXPIRY_BLEND, SL_EXPIRY_BLEND,
						       SL_EXPIRY_LAST, SL_EXPIRY_SAFE,
						       SL_EXPIRY_CLOSED };
	struct sl_terms terms = terms_of(exp(sl_rng_between(rng, log(10), log(3000))), nodes);

	terms.on_expiry = on_expiry[sl_rng_below(rng, 5)];
	return terms;
}

/* With the ttl that is the default. */
static struct sl_terms large_terms(uint32_t places)
{
	struct sl_terms terms = terms_of(LARGE_PLACE * places, places);

	terms.ttl_ms = SL_QUOTA_DEFAULT_TTL_S * 1000;
	return terms;
}

static struct sl_terms choose_terms(const struct sl_sim_options *options, uint32_t index)
{
	struct sl_rng rng = sl_rng_of(options->seed, RNG_TERMS, index);

	if (options->is_large)
		return large_terms(options->places);
	if (options->is_design) /* R = 5000/rank, at least 20 */
		return terms_of(fmax(DESIGN_RATE_LEAST, DESIGN_RATE / (index + 1)),
				options->places);
	return drawn_terms(&rng, options->places);
}

/* Of what is offered, over the limit; 0: the model draws it. */
static double choose_ratio(const struct sl_sim_options *options, uint32_t index)
{
	struct sl_rng rng = sl_rng_of(options->seed, RNG_RATIO, index);

	if (!options->is_large)
		return 0;
	return index % LARGE_OVER ? sl_rng_between(&rng, .3, .8) : sl_rng_between(&rng, 1.2, 20);
}

static void set_up_tenant(struct sl_world *world, uint32_t index)
{
	const struct sl_sim_options *options = &world->options;
	struct sl_sim_tenant *tenant = &world->tenant[index];

	tenant->is_out = is_out(options->without_tenant, index);
	tenant->terms = choose_terms(options, index);
	if (sl_terms_check(&tenant->terms, NULL) != 0)
		sl_die("terms that are none");
	if (sl_store_new(&tenant->store) != 0)
		sl_die("no memory for a store");
	sl_demand_init(&tenant->demand, options->model, options->seed, index, options->places,
		       (double)tenant->terms.rate_mu_per_s / SL_SIM_MU,
		       choose_ratio(options, index));
	if (options->is_steady)
		sl_demand_steady(&tenant->demand);
	if (!options->is_design && !options->is_large)
		sl_late_init(&tenant->known, options->places, SL_SIM_LAG_S,
			     (double)options->tick_ns / SL_SIM_S_NS);
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

	if (!options->nodes || !options->tenants)
		sl_die("a world without nodes or tenants");
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
	if (!options->masters)
		options->masters = 1;
	world->busy_until_ns = table(options->masters, sizeof(*world->busy_until_ns));
	if (options->has_links)
		world->link = sl_links_new(world->instances, options->masters);
	world->load = table(options->end_ns / SL_SIM_S_NS + 1, sizeof(*world->load));
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

			sl_demand_set_away(&world->tenant[pair->tenant].demand, pair->place, true);
		}
	}
}
