// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_demand.h"

#define REFERENCE_ALPHA 0.5
#define SHED_LEAST	16.0 /* packets, to learn from */
#define EXPECTED_LEAST	64.0
#define LEARN_S		3.0
#define WEIGHT_LEAST	2.0
#define WEIGHT_MOST	32.0
#define PERMILLE_ALL	1000u

static double within(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Nothing of ours was in force: what came is what it wants. A short look says less. */
static void refer(struct sl_shed_demand *demand, double seen_per_s, double seconds)
{
	const double before = demand->reference_per_s;
	const double alpha = REFERENCE_ALPHA * (seconds < 1 ? seconds : 1);

	*demand = (struct sl_shed_demand){
		.per_s = seen_per_s,
		.reference_per_s = before > 0 ? before + alpha * (seen_per_s - before) : seen_per_s,
		.weight = demand->weight,
		.conns = demand->conns,
	};
}

/* @missing: 0..1, of what was expected at an average @level of 0..1. */
static double conns_of(double missing, double level)
{
	const double conns = level > 0.5 ? (missing - level) / (1 - level) : missing / level - 1;

	return within(conns, 0, 1);
}

static void learn(struct sl_shed_demand *demand)
{
	const double expected = demand->reference_per_s * demand->seconds;
	const double missing = within(expected - demand->passed, 0, expected);

	if (demand->is_learnt || demand->shed < SHED_LEAST || expected < EXPECTED_LEAST)
		return;
	demand->is_learnt = true;
	demand->weight = within(missing / demand->shed, 1, WEIGHT_MOST);
	demand->conns =
		conns_of(missing / expected, within(demand->level / demand->seconds, 1e-3, 0.999));
	if (demand->weight < WEIGHT_LEAST) {
		demand->weight = 1;
		demand->conns = 0;
	}
}

void sl_shed_demand_sample(struct sl_shed_demand *demand, const struct sl_shed_sample *sample)
{
	const double seen = (sample->passed + sample->shed) / sample->seconds;
	double wanted;

	if (!sample->level_permille) {
		refer(demand, seen, sample->seconds);
		return;
	}
	demand->seconds += sample->seconds;
	demand->level += sample->seconds * sample->level_permille / PERMILLE_ALL;
	demand->passed += sample->passed;
	demand->shed += sample->shed;
	learn(demand);
	wanted = (sample->passed + sample->shed * larger(demand->weight, 1)) / sample->seconds;
	if (!demand->is_learnt && demand->seconds < LEARN_S)
		wanted = demand->reference_per_s;
	/* What a packet stands for was learnt from no more than that. */
	demand->per_s = larger(seen, within(wanted, 0, demand->reference_per_s));
}

uint32_t sl_shed_demand_level(const struct sl_shed_demand *demand, uint32_t share_permille)
{
	const double conns = demand->conns, share = (double)share_permille / PERMILLE_ALL;
	double level = share / (1 + conns);

	if (share_permille >= PERMILLE_ALL)
		return PERMILLE_ALL;
	if (level > 0.5) /* all new connections are gone */
		level = conns < 1 ? (share - conns) / (1 - conns) : 0.5;
	return (uint32_t)(level * PERMILLE_ALL + 0.5);
}
