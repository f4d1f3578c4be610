// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/campaign.h"

#include "userspace/base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RNG_CASE  7
#define END_NS	  (36 * SL_SIM_S_NS)
#define TICK_NS	  (20 * SL_SIM_MS_NS)
#define ITEMS_MAX (SL_FAULTS_MAX + SL_SIM_NODES_DRAWN + SL_SIM_TENANTS_DRAWN)

static const char *const breaks[SL_BREAKS] = { "none",	"mint",	 "report", "expiry",
					       "fence", "grown", "starve" };

const char *sl_sim_break_name(enum sl_sim_break broken)
{
	return breaks[broken];
}

void sl_sim_draw(struct sl_sim_case *ret, uint64_t seed, enum sl_sim_break broken)
{
	struct sl_rng rng = sl_rng_of(seed, RNG_CASE, 0);

	*ret = (struct sl_sim_case){
		.options = { .seed = seed,
			     .nodes = 2 + (uint32_t)sl_rng_below(&rng, SL_SIM_NODES_DRAWN - 1),
			     .tenants = 1 + (uint32_t)sl_rng_below(&rng, SL_SIM_TENANTS_DRAWN),
			     .end_ns = END_NS,
			     .tick_ns = TICK_NS,
			     .model = (enum sl_demand_model)sl_rng_below(&rng, SL_DEMAND_MODELS),
			     .broken = broken },
	};
	sl_faults_draw(&ret->faults, seed, ret->options.nodes, ret->options.tenants, END_NS);
}

struct sl_sim_finding sl_sim_try(struct sl_sim_case *run)
{
	sl_cleanup(sl_world_freep) struct sl_world *world = NULL;

	run->options.without_node = run->without_node;
	run->options.without_tenant = run->without_tenant;
	world = sl_world_new(&run->options, &run->faults);
	sl_world_run(world);
	return world->finding;
}

/* ---- shrinking -------------------------------------------------------------------- */

/* All that can be left out, in one row. */
struct items {
	bool *is_out[ITEMS_MAX];
	size_t count;
};

static void add(struct items *items, bool *is_out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_out[i])
			items->is_out[items->count++] = &is_out[i];
}

static void set(const struct items *items, size_t from, size_t until, bool is_out)
{
	for (size_t i = from; i < until; i++)
		*items->is_out[i] = is_out;
}

static void forget(struct items *items, size_t from, size_t until)
{
	memmove(&items->is_out[from], &items->is_out[until],
		(items->count - until) * sizeof(items->is_out[0]));
	items->count -= until - from;
}

unsigned sl_sim_shrink(struct sl_sim_case *run)
{
	const char *rule = sl_sim_try(run).rule;
	struct items items = { 0 };
	unsigned runs = 1;
	bool has_shrunk;

	add(&items, run->faults.is_left_out, run->faults.count);
	add(&items, run->without_tenant, run->options.tenants);
	add(&items, run->without_node, run->options.nodes);
	for (size_t chunk = items.count / 2; rule && chunk > 0;) {
		has_shrunk = false;
		for (size_t from = 0; from < items.count;) {
			size_t until = from + chunk < items.count ? from + chunk : items.count;

			set(&items, from, until, true);
			runs++;
			if (sl_sim_try(run).rule == rule) {
				forget(&items, from, until);
				has_shrunk = true;
			} else {
				set(&items, from, until, false);
				from = until;
			}
		}
		/* At one each: again, until nothing more can go. */
		if (chunk > 1 || !has_shrunk)
			chunk /= 2;
	}
	return runs;
}

/* ---- printing --------------------------------------------------------------------- */

static void print_list(const char *option, const bool *is_out, size_t count)
{
	const char *before = option;

	for (size_t i = 0; i < count; i++) {
		if (!is_out[i])
			continue;
		printf("%s%zu", before, i);
		before = ",";
	}
}

void sl_sim_print_finding(const struct sl_sim_case *run, const struct sl_sim_finding *finding,
			  const char *program)
{
	printf("# seed %" PRIu64 ": %u nodes, %u tenants, demand %s: at %.3f s tenant %u\n"
	       "#   %s\n#   is %.3f, bound %.3f\n",
	       run->options.seed, run->options.nodes, run->options.tenants,
	       sl_demand_name(run->options.model), (double)finding->at_ns / 1e9, finding->tenant,
	       finding->rule, finding->is, finding->bound);
	sl_faults_print(&run->faults, stdout);
	printf("%s --seed %" PRIu64, program, run->options.seed);
	if (run->options.broken)
		printf(" --break %s", sl_sim_break_name(run->options.broken));
	print_list(" --without-faults ", run->faults.is_left_out, run->faults.count);
	print_list(" --without-nodes ", run->without_node, run->options.nodes);
	print_list(" --without-tenants ", run->without_tenant, run->options.tenants);
	printf(" --trace %u\n", finding->tenant);
}
