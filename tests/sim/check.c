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
	RULE_SUM,
	RULE_TOKENS,
	RULE_SERVED_UNDER,
	RULE_SERVED,
};

static const struct {
	const char *name;
} rules[] = {
	[RULE_LEASES] = { "leases: the sum of applied leases <= o * R" },
	[RULE_FAILOVER] = { "failover: beyond R at most R * 1.25 Tr, once" },
	[RULE_COLD] = { "cold: all cold nodes together <= 1 % of R * machines / nodes" },
	[RULE_FALLBACK] = { "fallback: a cut-off node <= max(its last lease, beta * R/N)" },
	[RULE_SUM] = { "sum: of all that was not cut off before <= o * R and the cold ones" },
	[RULE_TOKENS] = { "tokens: admitted in any window <= what was applied, B and n * q" },
	[RULE_SERVED_UNDER] = { "served: a tenant under its guarantee gets what it asks for" },
	[RULE_SERVED] = { "served: a tenant over its limit gets most of it" },
};

#define ROUNDING	  0.01 /* units/s for each node: milli-units are whole */
#define COLD_PART	  0.01
#define FAILOVER_S	  1.25
#define FAILOVER_KNOWN_NS (8 * SL_SIM_S_NS) /* every node has renewed, or its lease is over */
#define PEACE_NS	  (7 * SL_SIM_S_NS)
#define SETTLED_NS	  (2 * SL_SIM_S_NS) /* the table's target after demand moved */
#define UNDER		  0.8		    /* of R */
#define OF_KNOWN	  0.95		    /* acks, floors, lost messages, units that are whole */
#define OVER		  0.75		    /* the least of 20,000 runs had .76 */
#define ENOUGH_S	  2.5		    /* half of what is looked at */
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

/* While its agent is dead a machine does not hear of a lower R: what it would have, did it. */
static double told(const struct sl_world *world, const struct sl_sim_pair *pair)
{
	const struct sl_sim_tenant *tenant = &world->tenant[pair->tenant];

	if (world->instance[pair->instance].runs)
		return 1;
	return fmin(1, limit(world, tenant) / units(pair->lease.terms.rate_mu_per_s));
}

struct sums {
	double held, cold, fallback, rates, caps;
	double cold_most; /* each machine's part of as many nodes as it was told that there are */
	bool is_open;
};

static struct sums sum(struct sl_world *world, uint32_t index)
{
	const struct sl_sim_tenant *tenant = &world->tenant[index];
	struct sums sums = { 0 };

	for (uint32_t i = 0; i < tenant->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[tenant->pair[i]];
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
		sums.cold_most +=
			units(pair->lease.terms.rate_mu_per_s) * COLD_PART / tenant->demand.places;
		if (now.hold == SL_HOLD_LEASE)
			sums.held += now.rate_per_s;
		else if (now.hold == SL_HOLD_COLD)
			sums.cold += now.rate_per_s;
		if (now.hold == SL_HOLD_LEASE)
			pair->is_cut = false;
		if (now.hold == SL_HOLD_FALLBACK && !now.unlimited) {
			sums.fallback += pair->is_cut ? 0 : now.rate_per_s * told(world, pair);
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

static bool has_ended(const struct sl_world *world, const struct sl_sim_pair *pair)
{
	return !pair->small && pair->lease.has_lease &&
	       sl_sim_clock(world, &world->instance[pair->instance]) >= pair->lease.expiry_ns;
}

/* Whose lease has ended by now was cut off while others were not: what it had may be theirs. */
void sl_check_served(struct sl_world *world, uint32_t index)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];

	tenant->answered_ns = world->now_ns;
	for (uint32_t i = 0; i < tenant->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[tenant->pair[i]];

		if (sl_kernel_enforces(world, pair).hold == SL_HOLD_FALLBACK ||
		    has_ended(world, pair))
			pair->is_cut = true;
	}
}

/* The store has heard every node since it last lost something. */
static bool is_whole(const struct sl_world *world, const struct sl_sim_tenant *tenant)
{
	return !world->failed_over_ns ||
	       tenant->answered_ns > world->failed_over_ns + FAILOVER_KNOWN_NS;
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
	expect(world, RULE_COLD, index, sums.cold, sums.cold_most + rounding);
	if (is_whole(world, tenant) && !sums.is_open)
		expect(world, RULE_SUM, index, sums.held + sums.fallback + sums.cold,
		       rate + sums.cold_most + rounding);
}

void sl_check_tick(struct sl_world *world, uint32_t index, double admitted,
		   const struct sl_step *step)
{
	struct sl_sim_tenant *tenant = &world->tenant[index];
	const double known = sl_late_pass(&tenant->known, units(tenant->terms.rate_mu_per_s),
					  units(tenant->terms.burst_mu));

	sl_check_tenant(world, index);
	tenant->ahead += admitted;
	expect(world, RULE_TOKENS, index, tenant->ahead,
	       fmax(tenant->caps, units(tenant->terms.burst_mu)) + tenant->minted + 1);
	if (world->now_ns < world->options.end_ns - world->options.end_ns / 3 + PEACE_NS)
		return;
	if (!sl_demand_stands(&tenant->demand, world->now_ns, SETTLED_NS))
		return;
	tenant->late_s += (double)world->options.tick_ns / SL_SIM_S_NS;
	tenant->late_offered += step->offered;
	tenant->late_admitted += step->admitted;
	tenant->late_exact += step->exact;
	tenant->late_known += known;
}

/*
 * Of what an exact bucket would have given, how much at the least, when all has healed.
 *
 * A lease is as large as demand was up to SL_SIM_LAG_S ago. Where that differs by a normal
 * deviation s the mean of what is short is s / sqrt(2 pi) of it, at demand that is the limit, and
 * less at any other. The few seconds of a few nodes that are looked at may be worse than the mean:
 * what one gets that knows this very demand, but so late, is counted beside. Over the limit nodes
 * that come and go in a flash lose more than that, and how much is measured.
 */
static double least(const struct sl_sim_tenant *tenant, double per_s, bool is_under)
{
	const double s =
		sl_demand_deviation(&tenant->demand, per_s / tenant->demand.places, SL_SIM_LAG_S);
	const double mark = is_under ? 1 - s / sqrt(2 * M_PI) : OVER;

	if (tenant->demand.model == SL_DEMAND_ADVERSARY) /* moves faster than leases do */
		return 0;
	if (!tenant->known.places)
		return mark;
	return fmin(mark, OF_KNOWN * tenant->late_known / (double)tenant->late_exact);
}

/* A node's former machine, of which the store heard nothing newer: it is served as that node, and
 * is not in the figures. */
static bool has_former(const struct sl_world *world, const struct sl_sim_tenant *tenant)
{
	for (uint32_t i = 0; i < tenant->pairs; i++) {
		const struct sl_sim_pair *pair = &world->pair[tenant->pair[i]];
		const struct sl_sim_instance *instance = &world->instance[pair->instance];

		if (instance->is_up && world->present[instance->node] != pair->instance &&
		    !(pair->small ? pair->central.fenced : pair->lease.fenced))
			return true;
	}
	return false;
}

void sl_check_end(struct sl_world *world)
{
	if (world->options.is_design) /* its faults go on to the end */
		return;
	for (uint32_t i = 0; i < world->options.tenants; i++) {
		const struct sl_sim_tenant *tenant = &world->tenant[i];
		double seconds = tenant->late_s;
		double could = units(tenant->terms.rate_mu_per_s) * seconds;
		bool is_under = (double)tenant->late_offered < UNDER * could;
		double part = (double)tenant->late_admitted / (double)(tenant->late_exact + 1);

		if (tenant->late_exact < ENOUGH_OFFERED || tenant->late_s < ENOUGH_S ||
		    has_former(world, tenant))
			continue;
		expect(world, is_under ? RULE_SERVED_UNDER : RULE_SERVED, i,
		       least(tenant, (double)tenant->late_offered / seconds, is_under), part);
	}
}
