// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of shares across tenants. S is what a tenant wants, E what it may have, R
 * its limit, C the capacity.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/sim/share_sim.h"

static const char rule_capacity[] = "capacity: the sum of min(S, E) <= C";
static const char rule_floor[] = "floors: each has min(S, R/4N), or all alike less";
static const char rule_guarantee[] =
	"guarantees: min(S, guarantee) first, by class; of the class at the edge all alike";
static const char rule_fair[] = "fair: by weight nobody has more spare than one who wants more";
static const char rule_waste[] = "waste: no capacity is left while somebody wants it";
static const char rule_token[] = "token: no write of an older leader is accepted";
static const char rule_lock[] = "lock: one leader at a time, each with a token of its own";
static const char rule_hold[] = "hold: E stays 30 s after its write, then goes to R in 30 s";
static const char rule_fresh[] = "fresh: a healthy leader writes every tenant each second or two";
static const char rule_healed[] = "healed: what tenants send and may send is <= C together";
static const char rule_mean[] = "mean: that is so on average as well";
static const char rule_served[] = "served: who is under its guarantee is served";

#define ROUNDING     4.0 /* mu/s for each tenant: shares are whole */
#define SLACK	     1e-6
#define STEADY_NS    (6 * SL_SHARE_S)
#define FRESH_MS     3000
#define ANEW_NS	     (8 * SL_SHARE_S)
#define WANT_NOISE   1.05 /* wants are measured: at one time */
#define MEAN_NOISE   1.02 /* and on average */
#define SERVED_LEAST 0.93 /* of it: shares of nodes follow demand late */

static void fail(struct sl_share_world *world, const char *rule, uint32_t subject, double is,
		 double bound)
{
	sl_trial_fail(&world->finding, (struct sl_trial_finding){ .rule = rule,
								  .subject = subject,
								  .at_ns = world->now_ns,
								  .is = is,
								  .bound = bound });
}

/* ---- one computation ------------------------------------------------------------------- */

static double floor_of(const struct sl_share *share)
{
	return fmin((double)share->want_mu_per_s,
		    (double)share->rate_mu_per_s / (4.0 * (share->live ? share->live : 1)));
}

static double due_of(const struct sl_share *share)
{
	return fmax(floor_of(share),
		    fmin((double)share->want_mu_per_s, (double)share->guarantee_mu_per_s));
}

/* What it has of what it wants. */
static double has(const struct sl_share *share)
{
	return (double)(share->effective_mu_per_s < share->want_mu_per_s ? share->effective_mu_per_s
									 : share->want_mu_per_s);
}

static double check_sum(struct sl_share_world *world, const struct sl_share *shares)
{
	const double capacity = (double)world->capacity_mu_per_s;
	double sum = 0;

	for (uint32_t i = 0; i < world->tenants; i++)
		sum += has(&shares[i]);
	if (sum > capacity * (1 + SLACK) + world->tenants)
		fail(world, rule_capacity, 0, sum, capacity);
	return sum;
}

/* Returns what is left after floors; below 0: they do not fit. */
static double check_floors(struct sl_share_world *world, const struct sl_share *shares)
{
	double left = (double)world->capacity_mu_per_s, all = 0, part;

	for (uint32_t i = 0; i < world->tenants; i++)
		all += floor_of(&shares[i]);
	part = all > left ? left / all : 1;
	for (uint32_t i = 0; i < world->tenants; i++)
		if (has(&shares[i]) < floor_of(&shares[i]) * part * (1 - SLACK) - ROUNDING)
			fail(world, rule_floor, i, has(&shares[i]), floor_of(&shares[i]) * part);
	return left - all;
}

/* Returns what is left after guarantees; below 0: they do not fit. */
static double check_guarantees(struct sl_share_world *world, const struct sl_share *shares,
			       double left)
{
	for (unsigned c = 0; c < SL_QUOTA_CLASSES && left >= 0; c++) {
		double all = 0, part;

		for (uint32_t i = 0; i < world->tenants; i++)
			if (shares[i].class == c)
				all += due_of(&shares[i]) - floor_of(&shares[i]);
		part = all > left ? left / all : 1;
		for (uint32_t i = 0; i < world->tenants; i++) {
			double due = floor_of(&shares[i]) +
				     part * (due_of(&shares[i]) - floor_of(&shares[i]));

			if (shares[i].class == c && has(&shares[i]) < due * (1 - SLACK) - ROUNDING)
				fail(world, rule_guarantee, i, has(&shares[i]), due);
		}
		left -= all;
	}
	return left;
}

/* Can it use more? */
static bool is_short(const struct sl_share *share)
{
	const int64_t most = share->want_mu_per_s < share->ceiling_mu_per_s
				     ? share->want_mu_per_s
				     : share->ceiling_mu_per_s;

	return (double)share->effective_mu_per_s < (double)most * (1 - SLACK) - ROUNDING;
}

static double level_of(const struct sl_share *share)
{
	return (has(share) - due_of(share)) / share->weight;
}

static void check_spare(struct sl_share_world *world, const struct sl_share *shares, double sum)
{
	const double capacity = (double)world->capacity_mu_per_s;

	for (uint32_t i = 0; i < world->tenants; i++) {
		if (!is_short(&shares[i]))
			continue;
		if (sum < capacity * (1 - SLACK) - 10 * ROUNDING * world->tenants)
			fail(world, rule_waste, i, sum, capacity);
		for (uint32_t j = 0; j < world->tenants; j++)
			if (level_of(&shares[j]) >
			    level_of(&shares[i]) + ROUNDING + capacity * SLACK)
				fail(world, rule_fair, i, level_of(&shares[j]),
				     level_of(&shares[i]));
	}
}

void sl_share_check_fill(struct sl_share_world *world, const struct sl_share *shares)
{
	const double sum = check_sum(world, shares);
	double left = check_floors(world, shares);

	left = check_guarantees(world, shares, left);
	if (left >= 0)
		check_spare(world, shares, sum);
}

/* ---- the store ------------------------------------------------------------------------- */

void sl_share_check_lead(struct sl_share_world *world, uint32_t node, int64_t token)
{
	struct sl_store_lead *seen = &world->seen;
	const int64_t now_ms = sl_share_store_ms(world);

	if (!token)
		return;
	/* A lock of a time that is to come ended with the jump back. */
	if (seen->holder && seen->holder != node + 1 &&
	    seen->until_ms <= now_ms + SL_STORE_LEAD_MS &&
	    (seen->until_ms > now_ms || token <= seen->token))
		fail(world, rule_lock, node, (double)token, (double)seen->token);
	*seen = (struct sl_store_lead){ node + 1, token, now_ms + SL_STORE_LEAD_MS };
}

void sl_share_check_write(struct sl_share_world *world, const struct sl_share_message *message)
{
	struct sl_share_written *written = &world->tenant[message->tenant].written;

	if (message->status != SL_QUOTA_OK)
		return;
	if (written->is_there && message->token < written->token)
		fail(world, rule_token, message->tenant, (double)message->token,
		     (double)written->token);
	*written = (struct sl_share_written){ .is_there = true,
					      .token = message->token,
					      .rate_mu_per_s = message->rate_mu_per_s,
					      .at_ms = sl_share_store_ms(world) };
}

/* E as it must be now: worked out anew from what was written. */
static double expected(const struct sl_share_world *world, const struct sl_share_tenant *tenant)
{
	const double rate = (double)tenant->terms.rate_mu_per_s;
	const double written = (double)tenant->written.rate_mu_per_s;
	const double age_s = (double)(sl_share_store_ms(world) - tenant->written.at_ms) / 1e3;
	double past;

	if (!tenant->written.is_there)
		return rate;
	past = fmin(1, fmax(0, (age_s - 30) / 30));
	return written + (rate - written) * past;
}

/* What a renewal would be told now, on a copy. */
static double rate_in_store(const struct sl_share_world *world, const struct sl_store *store)
{
	struct sl_store_sums sums;
	struct sl_store *copy = NULL;
	const struct sl_renew renew = { .ttl_ms = 1000 };
	struct sl_renewed renewed;

	if (sl_store_clone(&copy, store) != 0)
		return 0;
	(void)sl_store_renew(copy, SL_SHARE_NODES + 1, 1, &renew, sl_share_store_ms(world),
			     &renewed);
	sl_store_sums(copy, &sums);
	sl_store_free(copy);
	return (double)sums.rate_mu_per_s;
}

static void check_hold(struct sl_share_world *world, uint32_t index)
{
	const struct sl_share_tenant *tenant = &world->tenant[index];
	const double wanted = expected(world, tenant);
	const double is = rate_in_store(world, tenant->store);
	struct sl_terms terms;

	if (sl_store_terms(tenant->store, &terms) && !tenant->written.is_vague &&
	    fabs(is - wanted) > 2 + wanted * SLACK)
		fail(world, rule_hold, index, is, wanted);
}

/* A token is of the store's time: after that jumped back, it takes as long to catch up, and
 * the leader some seconds to take the lock anew. */
static bool is_fresh_time(const struct sl_share_world *world)
{
	const uint64_t behind_ms = (uint64_t)(world->most_jump_ms - world->jump_ms);

	return world->now_ns >= SL_SHARE_HEALED &&
	       (!behind_ms || world->now_ns - SL_SHARE_HEALED >= behind_ms * SL_SHARE_MS + ANEW_NS);
}

static void check_fresh(struct sl_share_world *world, uint32_t index)
{
	const struct sl_share_tenant *tenant = &world->tenant[index];
	const int64_t age_ms = sl_share_store_ms(world) - tenant->written.at_ms;

	if (!tenant->written.is_there || age_ms > FRESH_MS)
		fail(world, rule_fresh, index, (double)age_ms, FRESH_MS);
}

static void check_healed(struct sl_share_world *world)
{
	double sum = 0;

	for (uint32_t i = 0; i < world->tenants; i++)
		sum += fmin(world->tenant[i].demand_mu_per_s, expected(world, &world->tenant[i]));
	if (sum > (double)world->capacity_mu_per_s * WANT_NOISE + ROUNDING * world->tenants)
		fail(world, rule_healed, 0, sum, (double)world->capacity_mu_per_s);
	world->healed_sum += sum / (double)world->capacity_mu_per_s;
	world->healed_ticks++;
}

void sl_share_check_tick(struct sl_share_world *world)
{
	if (world->now_ns % SL_SHARE_S == 0)
		for (uint32_t i = 0; i < world->tenants; i++)
			check_hold(world, i);
	if (!is_fresh_time(world))
		return;
	for (uint32_t i = 0; i < world->tenants; i++)
		check_fresh(world, i);
	check_healed(world);
}

/* Whose guarantees fit, with those of the classes above it and everybody's floor. */
static bool fits(const struct sl_share_world *world, const struct sl_share_tenant *tenant)
{
	double sum = 0;

	for (uint32_t i = 0; i < world->tenants; i++) {
		const struct sl_share_tenant *other = &world->tenant[i];
		const double want = other->demand_mu_per_s * 1.1;
		const double least = fmin(want, (double)other->terms.rate_mu_per_s / 4);

		sum += other->terms.class > tenant->terms.class
			       ? least
			       : fmax(least, fmin(want, (double)other->terms.guarantee_mu_per_s));
	}
	return sum <= (double)world->capacity_mu_per_s;
}

void sl_share_check_end(struct sl_share_world *world)
{
	const double mean = world->healed_ticks ? world->healed_sum / world->healed_ticks : 0;

	if (mean > MEAN_NOISE)
		fail(world, rule_mean, 0, mean, MEAN_NOISE);
	for (uint32_t i = 0; i < world->tenants; i++) {
		const struct sl_share_tenant *tenant = &world->tenant[i];
		const double guarantee = (double)tenant->terms.guarantee_mu_per_s;
		const double due = fmin(1, guarantee / tenant->demand_mu_per_s);
		const double served = tenant->served_mu / tenant->offered_mu;

		if (is_fresh_time(world) && fits(world, tenant) && served < due * SERVED_LEAST)
			fail(world, rule_served, i, served, due * SERVED_LEAST);
	}
}
