// SPDX-License-Identifier: Apache-2.0
/* The run for size: what the store has to do for many nodes and tenants. */
#include <stdlib.h>
#include <time.h>

#include "tests/harness/options.h"
#include "tests/sim/design.h"
#include "userspace/base/cleanup.h"

#define TICK_NS	     (50 * SL_SIM_MS_NS)
#define PLACES	     16u
#define MASTERS	     3u	    /* of the store, as the design has it for this size */
#define SERVICE_NS   14000u /* of one renewal: the most that bench-redis measured */
#define START_S	     35u    /* nothing is steady before */
#define TARGET_PER_S 60000  /* renewals */

static double cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

struct load {
	double renewals, charges, late; /* a second, on average */
	uint32_t peak;			/* renewals in the second with the most */
};

static struct load load_between(const struct sl_world *world, uint32_t from_s, uint32_t until_s)
{
	struct load load = { 0 };

	for (uint32_t s = from_s; s < until_s; s++) {
		load.renewals += world->load[s].renewals;
		load.charges += world->load[s].charges;
		load.late += world->load[s].late;
		if (world->load[s].renewals > load.peak)
			load.peak = world->load[s].renewals;
	}
	load.renewals /= until_s - from_s;
	load.charges /= until_s - from_s;
	load.late /= until_s - from_s;
	return load;
}

int sl_sim_run_large(const struct sl_sim_large *large, FILE *out)
{
	struct sl_faults faults = { 0 };
	sl_cleanup(sl_world_freep) struct sl_world *world = NULL;
	const struct sl_sim_options options = {
		.seed = large->seed,
		.nodes = large->nodes,
		.tenants = large->tenants,
		.places = PLACES,
		.end_ns = (START_S + large->seconds) * SL_SIM_S_NS,
		.tick_ns = TICK_NS,
		.is_design = true,
		.is_large = true,
		.is_steady = !large->wanders,
		.service_ns = large->service_ns ? large->service_ns : SERVICE_NS,
		.masters = MASTERS,
		.has_links = large->has_links,
	};
	const double begin_s = cpu_s();
	struct load start, steady;
	bool is_met, has_recovered;

	world = sl_world_new(&options, &faults);
	sl_world_run(world);
	start = load_between(world, 0, START_S);
	steady = load_between(world, START_S, START_S + large->seconds);
	is_met = large->wanders || steady.renewals <= TARGET_PER_S;
	has_recovered = steady.late * 100 <= steady.renewals;
	printf("%u nodes, %u tenants, %u places each, %u masters, a start of %u s and %u s, seed "
	       "%llu\n",
	       large->nodes, large->tenants, world->options.places, MASTERS, START_S,
	       large->seconds, (unsigned long long)large->seed);
	if (large->wanders)
		printf("  renewals/s, demand wanders by 30 %% %20.0f\n", steady.renewals);
	else
		printf("  renewals/s, a tenth contended, the rest steady %9.0f  <= %d %s\n",
		       steady.renewals, TARGET_PER_S, is_met ? "yes" : "NO");
	printf("  renewals/s, the most of a second when all begin at once %u, on average %.0f\n",
	       start.peak, start.renewals);
	printf("  given up/s %.0f, in the start %.0f\n", steady.late, start.late);
	if (large->service_ns)
		printf("  from the start it %s\n", has_recovered ? "recovered" : "did NOT recover");
	printf("  charges/s %.0f; %.1f s of CPU\n", steady.charges, cpu_s() - begin_s);
	if (out && !large->wanders)
		(void)fprintf(out, "measured sim.large_renewals_per_s - %.0f %.0f %.0f\n",
			      steady.renewals, steady.renewals, steady.renewals);
	return !is_met + (large->service_ns && !has_recovered) + (world->finding.rule ? 1 : 0);
}
