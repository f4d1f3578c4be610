// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold, whatever happens. Each bound stands once, in `rules`; docs/quotas.md
 * promises them by these names. R is the tenant's limit, B its burst, q one unit, beta the
 * part of R that is the safe share, N the nodes that the node saw alive, Tr the period of
 * renewals.
 */
#include <math.h>

#include "tests/sim/world.h"

enum rule {
	RULE_LEASES,
	RULE_FAILOVER,
	RULE_COLD,
	RULE_FALLBACK,
	RULE_OUTAGE,
	RULE_TOKENS,
	RULE_SERVED_UNDER,
	RULE_SERVED,
};

static const struct {
	const char *name;
} rules[] = {
	[RULE_LEASES] = { "leases: the sum of applied leases <= o * R" },
	[RULE_FAILOVER] = { "failover: beyond R at most R * 1.25 Tr, once" },
	[RULE_COLD] = { "cold: all cold nodes together <= 1 % of R" },
	[RULE_FALLBACK] = { "fallback: a cut-off node <= max(its last lease, beta * R/N)" },
	[RULE_OUTAGE] = { "outage: the sum over all nodes <= 1.03 R and the cold ones" },
	[RULE_TOKENS] = { "tokens: admitted in any window <= what was applied, B and n * q" },
	[RULE_SERVED_UNDER] = { "served: a tenant under its guarantee gets what it asks for" },
	[RULE_SERVED] = { "served: a tenant over its limit gets most of it" },
};

#define ROUNDING	  0.01 /* units/s for each node: milli-units are whole */
#define COLD_PART	  0.01
#define STAGGER		  1.03 /* expiries differ by at most Tr of 30 s */
#define FAILOVER_S	  1.25
#define FAILOVER_KNOWN_NS (8 * SL_SIM_S_NS) /* every node has renewed, or its lease is over */
#define PEACE_NS	  (7 * SL_SIM_S_NS)
#define UNDER		  0.8 /* of R */
#define ENOUGH_OFFERED	  200

void sl_check_fail(struct sl_world *world, const char *rule, uint32_t tenant, double is,
		   double bound)
{
	if (world->finding.rule)
		return;
	world->finding = (struct sl_sim_finding){
		.rule = rule, .tenant = tenant, .at_ns = world->now_ns, .is = is, .bound = bound
	};
}

static void expect(struct sl_world *world, enum rule rule, uint32_t tenant, double is, double bound)
{
	if (is > bound)
		sl_check_fail(world, rules[rule].name, tenant, is, bound);
}

static bool is_within(const struct sl_world *world, uint64_t since_ns, uint64_t for_ns)
{
	return since_ns && world->now_ns < since_ns + for_ns;
}

static double units(int64_t mu)
{
	return (double)mu / SL_SIM_MU;
}

/* The largest R that a node may rightly believe in. */
static double limit(const struct sl_world *world, const struct sl_sim_tenant *tenant)
{
	double rate = units(tenant->terms.rate_mu_per_s);

	if (is_within(world, tenant->changed_ns, SL_SIM_TERMS_KNOWN_NS))
		rate = fmax(rate, units(tenant->old_terms.rate_mu_per_s));
	return rate;
}

/* Its share when it is on its own. The kernel's is in the state, for when the agent is dead. */
static double alone(const struct sl_sim_pair *pair)
{
	double safe = units(sl_terms_safe_rate(&pair->lease.terms, pair->lease.live));

	return fmax(pair->last_held, fmax(safe, units(pair->state.safe_rate_mu_per_s)));
}

struct sums {
	double held, cold, fallback, rates, caps;
	bool is_open;
};

static struct sums sum(struct sl_world *world, uint32_t index)
{
	const struct sl_sim_tenant *tenant = &world->tenant[index];
	struct sums sums = { 0 };

	for (uint32_t i = 0; i < tenant->pairs; i++) {
		const struct sl_sim_pair *pair = &world->pair[tenant->pair[i]];
		struct sl_sim_enforced now = sl_kernel_enforces(world, pair);

		if (!world->instance[pair->instance].is_up)
			continue;
		if (pair->bucket.cost_cu) {
			sums.rates += pair->bucket.rate_per_s;
			sums.caps += pair->bucket.burst;
		}
		sums.is_open |= now.unlimited;
		if (pair->small)
			continue;
		if (now.hold == SL_HOLD_LEASE)
			sums.held += now.rate_per_s;
		else if (now.hold == SL_HOLD_COLD)
			sums.cold += now.rate_per_s;
		else if (now.hold == SL_HOLD_FALLBACK && !now.unlimited) {
			sums.fallback += now.rate_per_s;
			expect(world, RULE_FALLBACK, index, now.rate_per_s, alone(pair) + ROUNDING);
		}
	}
	return sums;
}

/* A bucket's debt, paid off by what the nodes' buckets were given since. */
static void settle(const struct sl_world *world, struct sl_sim_tenant *tenant, struct sums sums)
{
	double seconds = (double)(world->now_ns - tenant->seen_ns) / SL_SIM_S_NS;

	tenant->ahead = fmax(0, tenant->ahead - tenant->applied * seconds * (1 + 3e-4));
	tenant->seen_ns = world->now_ns;
	tenant->applied = sums.rates;
	tenant->caps = fmax(tenant->caps, sums.caps);
}

static void check_leases(struct sl_world *world, uint32_t index, struct sums sums)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];
	double seconds = (double)(world->now_ns - tenant->checked_ns) / SL_SIM_S_NS;
	double rounding = ROUNDING * tenant->pairs;
	double rate = limit(world, tenant) * tenant->terms.overbook_max_ppm / SL_QUOTA_PPM;

	if (is_within(world, world->failed_over_ns, FAILOVER_KNOWN_NS)) {
		tenant->excess += fmax(0, tenant->held - rate) * seconds;
		expect(world, RULE_FAILOVER, index, tenant->excess, rate * FAILOVER_S + rounding);
	} else {
		tenant->excess = 0;
		expect(world, RULE_LEASES, index, sums.held, rate + rounding);
		tenant->most = fmax(tenant->most, sums.held / rate);
	}
	tenant->held = sums.held;
	tenant->checked_ns = world->now_ns;
}

static bool all_are_cut(const struct sl_world *world, const struct sl_sim_tenant *tenant)
{
	uint64_t ttl_ns = 2 * tenant->terms.ttl_ms * SL_SIM_MS_NS;

	return world->now_ns > world->answered_ns + ttl_ns &&
	       !is_within(world, tenant->changed_ns, world->now_ns - world->answered_ns + ttl_ns);
}

void sl_check_tenant(struct sl_world *world, uint32_t index)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];
	struct sums sums = sum(world, index);
	double rounding = ROUNDING * tenant->pairs;
	double rate = limit(world, tenant) * tenant->terms.overbook_max_ppm / SL_QUOTA_PPM;

	settle(world, tenant, sums);
	if (tenant->terms.small)
		return;
	check_leases(world, index, sums);
	expect(world, RULE_COLD, index, sums.cold,
	       rate * COLD_PART * (1 + log(tenant->pairs)) + rounding);
	if (all_are_cut(world, tenant) && !sums.is_open)
		expect(world, RULE_OUTAGE, index, sums.held + sums.fallback,
		       rate * STAGGER + rounding);
}

void sl_check_tick(struct sl_world *world, uint32_t index, double admitted,
		   const struct sl_step *step)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];

	sl_check_tenant(world, index);
	tenant->ahead += admitted;
	expect(world, RULE_TOKENS, index, tenant->ahead,
	       fmax(tenant->caps, units(tenant->terms.burst_mu)) + tenant->minted + 1);
	if (world->now_ns < world->options.end_ns - world->options.end_ns / 3 + PEACE_NS)
		return;
	tenant->late_offered += step->offered;
	tenant->late_admitted += step->admitted;
	tenant->late_exact += step->exact;
}

/* Of what an exact bucket would have given, how much at the least, when all has healed. */
static double least(enum sl_demand_model model, bool is_under)
{
	switch (model) {
	case SL_DEMAND_ZIPF:
	case SL_DEMAND_DIURNAL:
		return is_under ? .95 : .8;
	case SL_DEMAND_FLASH:
		return is_under ? .6 : .4;
	case SL_DEMAND_ADVERSARY: /* moves faster than leases do: only the bounds hold */
	case SL_DEMAND_MODELS:
		break;
	}
	return 0;
}

void sl_check_end(struct sl_world *world)
{
	if (world->options.is_design) /* its faults go on to the end */
		return;
	for (uint32_t i = 0; i < world->options.tenants; i++) {
		const struct sl_sim_tenant *tenant = &world->tenant[i];
		double seconds = (double)(world->options.end_ns / 3 - PEACE_NS) / SL_SIM_S_NS;
		double could = units(tenant->terms.rate_mu_per_s) * seconds;
		bool is_under = (double)tenant->late_offered < UNDER * could;
		double part = (double)tenant->late_admitted / (double)(tenant->late_exact + 1);

		if (tenant->late_exact < ENOUGH_OFFERED)
			continue;
		expect(world, is_under ? RULE_SERVED_UNDER : RULE_SERVED, i,
		       least(world->options.model, is_under), part);
	}
}
