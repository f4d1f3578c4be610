// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/campaign.h"

#include "tests/sim/shrink.h"
#include "userspace/base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>

#define RNG_CASE 7
#define END_NS	 (36 * SL_SIM_S_NS)
#define TICK_NS	 (20 * SL_SIM_MS_NS)

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

struct shrinking {
	struct sl_sim_case *run;
	const char *rule;
};

static bool still_fails(void *context)
{
	const struct shrinking *shrinking = context;

	return sl_sim_try(shrinking->run).rule == shrinking->rule;
}

unsigned sl_sim_shrink(struct sl_sim_case *run)
{
	struct shrinking shrinking = { run, sl_sim_try(run).rule };
	struct sl_shrink items = { .count = 0 };

	if (!shrinking.rule)
		return 1;
	sl_shrink_add(&items, run->faults.is_left_out, run->faults.count);
	sl_shrink_add(&items, run->without_tenant, run->options.tenants);
	sl_shrink_add(&items, run->without_node, run->options.nodes);
	return 1 + sl_shrink(&items, still_fails, &shrinking);
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
