// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/fault.h"

#include "tests/harness/options.h"
#include "tests/sim/rng.h"

#define RNG_FAULTS	3
#define FAULTS_DRAWN	8
#define PEACE_BEFORE_NS 2000000000ull

static const struct {
	const char *name;
	double for_s[2]; /* how long it lasts */
	double amount[2];
} kinds[SL_FAULT_KINDS] = {
	[SL_FAULT_CRASH] = { "crash", { .2, 8 }, { 0 } },
	[SL_FAULT_RESTART] = { "restart", { .1, 7 }, { 0 } },
	[SL_FAULT_ZOMBIE] = { "zombie", { 1, 9 }, { 0 } },
	[SL_FAULT_PARTITION] = { "partition", { .3, 12 }, { 0 } },
	[SL_FAULT_OUTAGE] = { "outage", { .3, 12 }, { 0 } },
	[SL_FAULT_FREEZE] = { "freeze", { .1, 4 }, { 0 } },
	[SL_FAULT_FAILOVER] = { "failover", { .05, 1 }, { .1, 1 } },
	[SL_FAULT_WIPE] = { "wipe", { 0, 0 }, { 0 } },
	[SL_FAULT_TIME] = { "time", { 0, 0 }, { -20, 20 } },
	[SL_FAULT_LOSS] = { "loss", { 1, 10 }, { .05, .6 } },
	[SL_FAULT_DOUBLE] = { "double", { 1, 10 }, { .1, 1 } },
	[SL_FAULT_DELAY] = { "delay", { 1, 10 }, { .05, 3 } },
	[SL_FAULT_LIMIT] = { "limit", { 0, 0 }, { .2, 4 } },
	[SL_FAULT_SHIFT] = { "shift", { 0, 0 }, { 0 } },
};

const char *sl_fault_name(enum sl_fault_kind kind)
{
	return kinds[kind].name;
}

void sl_faults_add(struct sl_faults *faults, struct sl_fault fault)
{
	if (faults->count == SL_FAULTS_MAX)
		sl_die("more than %d faults", SL_FAULTS_MAX);
	faults->fault[faults->count++] = fault;
}

void sl_faults_draw(struct sl_faults *faults, uint64_t seed, uint32_t nodes, uint32_t tenants,
		    uint64_t end_ns)
{
	struct sl_rng rng = sl_rng_of(seed, RNG_FAULTS, 0);
	uint64_t count = 1 + sl_rng_below(&rng, FAULTS_DRAWN);
	uint64_t last_ns = end_ns - end_ns / 3;

	for (uint64_t i = 0; i < count; i++) {
		enum sl_fault_kind kind = (enum sl_fault_kind)sl_rng_below(&rng, SL_FAULT_KINDS);
		uint64_t at_ns = PEACE_BEFORE_NS + sl_rng_below(&rng, last_ns - PEACE_BEFORE_NS);
		double for_s = sl_rng_between(&rng, kinds[kind].for_s[0], kinds[kind].for_s[1]);
		double amount = sl_rng_between(&rng, kinds[kind].amount[0], kinds[kind].amount[1]);
		uint32_t node = (uint32_t)sl_rng_below(&rng, nodes);
		uint32_t more = (uint32_t)sl_rng_below(&rng, nodes);
		uint64_t for_ns = (uint64_t)(for_s * 1e9);

		if (at_ns > last_ns)
			at_ns = last_ns;
		if (for_ns > last_ns - at_ns)
			for_ns = last_ns - at_ns;
		sl_faults_add(faults, (struct sl_fault){
					      .kind = kind,
					      .node = node,
					      .count = 1 + more / 2,
					      .tenant = (uint32_t)sl_rng_below(&rng, tenants),
					      .at_ns = at_ns,
					      .for_ns = for_ns,
					      .amount = amount,
				      });
	}
}

size_t sl_faults_kept(const struct sl_faults *faults)
{
	size_t kept = 0;

	for (size_t i = 0; i < faults->count; i++)
		kept += !faults->is_left_out[i];
	return kept;
}

void sl_faults_print(const struct sl_faults *faults, FILE *out)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct sl_fault *fault = &faults->fault[i];

		if (faults->is_left_out[i])
			continue;
		(void)fprintf(out,
			      "#   %2zu  %-9s at %7.3f s for %6.3f s, node %u (%u of them), "
			      "tenant %u, amount %.3f\n",
			      i, sl_fault_name(fault->kind), (double)fault->at_ns / 1e9,
			      (double)fault->for_ns / 1e9, fault->node, fault->count, fault->tenant,
			      fault->amount);
	}
}
