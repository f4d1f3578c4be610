// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/route.h"

#include <errno.h>
#include <stdio.h>

static bool has_capability(const struct sl_provider *provider, struct sl_span name)
{
	for (size_t i = 0; i < provider->capability_count; i++)
		if (sl_span_is(name, provider->capabilities[i]))
			return true;
	return false;
}

static bool meets(const struct sl_provider *provider, const struct sl_policy *policy,
		  const struct sl_route_request *request)
{
	if ((policy->max_cost > 0 && provider->cost > policy->max_cost) ||
	    (request->max_cost > 0 && provider->cost > request->max_cost))
		return false;
	if ((policy->max_latency_ns && provider->latency_ns > policy->max_latency_ns) ||
	    (request->max_latency_ns && provider->latency_ns > request->max_latency_ns))
		return false;
	for (size_t i = 0; i < policy->require_count; i++)
		if (!has_capability(provider, sl_span_of(policy->require[i])))
			return false;
	for (size_t i = 0; i < request->require_count; i++)
		if (!has_capability(provider, request->require[i]))
			return false;
	return true;
}

static bool can_work(enum sl_provider_state state)
{
	return state == SL_PROVIDER_READY || state == SL_PROVIDER_DEGRADED;
}

/* ---- scores --------------------------------------------------------------------------- */

struct pool {
	const struct sl_policies *policies;
	const struct sl_policy *policy;
	const enum sl_provider_state *states;
	double dearest;
	double slowest;
	uint32_t index[SL_PROVIDERS_MAX]; /* of the candidates that can */
	double score[SL_PROVIDERS_MAX];
	uint32_t count;
	double total;
};

static const struct sl_provider *provider_of(const struct pool *pool,
					     const struct sl_candidate *candidate)
{
	return &pool->policies->providers[candidate->provider];
}

static void gather(struct pool *pool, struct sl_route_choice *ret,
		   const struct sl_route_request *request)
{
	const struct sl_policy *policy = pool->policy;

	for (uint32_t i = 0; i < policy->candidate_count && pool->count < SL_PROVIDERS_MAX; i++) {
		const struct sl_candidate *candidate = &policy->candidates[i];
		const struct sl_provider *provider = provider_of(pool, candidate);

		if (!meets(provider, policy, request)) {
			ret->excluded++;
		} else if (!can_work(pool->states[candidate->provider])) {
			ret->unable++;
		} else {
			const double latency = (double)provider->latency_ns;

			pool->index[pool->count++] = i;
			pool->dearest =
				provider->cost > pool->dearest ? provider->cost : pool->dearest;
			pool->slowest = latency > pool->slowest ? latency : pool->slowest;
		}
	}
	ret->able = pool->count;
}

static void rate(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		const struct sl_candidate *candidate = &pool->policy->candidates[pool->index[i]];
		const struct sl_provider *provider = provider_of(pool, candidate);
		double loss = 1;

		if (pool->dearest > 0)
			loss += pool->policy->cost_factor * provider->cost / pool->dearest;
		if (pool->slowest > 0)
			loss += pool->policy->latency_factor * (double)provider->latency_ns /
				pool->slowest;
		if (pool->states[candidate->provider] == SL_PROVIDER_DEGRADED)
			loss *= 2;
		pool->score[i] = candidate->weight / loss;
		pool->total += pool->score[i];
	}
}

/* ---- ways to choose -------------------------------------------------------------------- */

/* 53 bits of it, 0 <= x < 1. */
static double fraction(uint64_t random)
{
	return (double)(random >> 11) * 0x1p-53;
}

static uint32_t draw(const struct pool *pool, uint64_t random)
{
	double at = fraction(random) * pool->total;

	/* All weights are 0: one is as good as another. */
	if (pool->total <= 0)
		return (uint32_t)(fraction(random) * pool->count);
	for (uint32_t i = 0; i + 1 < pool->count; i++) {
		if (at < pool->score[i])
			return i;
		at -= pool->score[i];
	}
	return pool->count - 1;
}

static uint32_t best(const struct pool *pool)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < pool->count; i++)
		if (pool->score[i] > pool->score[found])
			found = i;
	return found;
}

static void choose(struct sl_route_choice *ret, const struct pool *pool, uint32_t at,
		   enum sl_route_how how)
{
	ret->provider = pool->policy->candidates[pool->index[at]].provider;
	ret->score = pool->score[at];
	ret->how = how;
}

static unsigned int share_percent(const struct pool *pool, double score)
{
	return pool->total > 0 ? (unsigned int)(100 * score / pool->total + 0.5)
			       : 100 / pool->count;
}

static void choose_scored(struct sl_route_choice *ret, const struct pool *pool, uint64_t random)
{
	static const char *const words[] = { "weighted", "best score", "first in order" };
	const enum sl_strategy strategy = pool->policy->strategy;
	uint32_t at = 0;

	if (strategy == SL_STRATEGY_WEIGHTED)
		at = draw(pool, random);
	else if (strategy == SL_STRATEGY_BEST)
		at = best(pool);
	choose(ret, pool, at, SL_ROUTE_SCORED);
	if (pool->count == 1)
		(void)snprintf(ret->reason, sizeof(ret->reason), "only candidate of %zu",
			       pool->policy->candidate_count);
	else
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "%s, %u %% of the score over %u candidates", words[strategy],
			       share_percent(pool, ret->score), pool->count);
}

static bool choose_sticky(struct sl_route_choice *ret, const struct pool *pool,
			  struct sl_span sticky)
{
	for (uint32_t i = 0; sticky.length && i < pool->count; i++) {
		if (!sl_span_is(sticky, pool->policy->candidates[pool->index[i]].id))
			continue;
		choose(ret, pool, i, SL_ROUTE_STICKY);
		(void)snprintf(ret->reason, sizeof(ret->reason), "sticky session");
		return true;
	}
	return false;
}

static bool choose_fallback(struct sl_route_choice *ret, const struct pool *pool,
			    const struct sl_route_request *request)
{
	const struct sl_policy *policy = pool->policy;

	for (uint32_t i = 0; i < policy->fallback_count; i++) {
		const struct sl_candidate *candidate = &policy->fallback[i];

		if (!meets(provider_of(pool, candidate), policy, request)) {
			ret->excluded++;
		} else if (!can_work(pool->states[candidate->provider])) {
			ret->unable++;
		} else {
			ret->provider = candidate->provider;
			ret->how = SL_ROUTE_FALLBACK;
			(void)snprintf(ret->reason, sizeof(ret->reason),
				       "fallback %u: %u candidates cannot work, %u are excluded",
				       i + 1, ret->unable, ret->excluded);
			return true;
		}
	}
	return false;
}

int sl_route(struct sl_route_choice *ret, const struct sl_policies *policies,
	     const struct sl_policy *policy, const enum sl_provider_state *states,
	     const struct sl_route_request *request)
{
	struct pool pool;

	/* Not the arrays: this runs for every request. */
	pool.policies = policies;
	pool.policy = policy;
	pool.states = states;
	pool.dearest = pool.slowest = pool.total = 0;
	pool.count = 0;
	ret->excluded = ret->unable = 0;
	ret->score = 0;
	gather(&pool, ret, request);
	rate(&pool);
	if (pool.count && choose_sticky(ret, &pool, request->sticky))
		return 0;
	if (pool.count) {
		choose_scored(ret, &pool, request->random);
		return 0;
	}
	if (choose_fallback(ret, &pool, request))
		return 0;
	if (ret->unable) {
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "no provider can work now: %u cannot, %u are excluded", ret->unable,
			       ret->excluded);
		return -EHOSTUNREACH;
	}
	(void)snprintf(ret->reason, sizeof(ret->reason), "the constraints exclude all %u providers",
		       ret->excluded);
	return -ENOENT;
}

/* ---- policies ---------------------------------------------------------------------------- */

static bool is_for(const struct sl_policy *policy, struct sl_span tenant)
{
	for (size_t i = 0; i < policy->tenant_count; i++)
		if (sl_span_is(tenant, policy->tenants[i]))
			return true;
	return policy->tenant_count == 0;
}

const struct sl_policy *sl_policy_find(const struct sl_policies *policies, struct sl_span id,
				       struct sl_span tenant)
{
	if (!id.length) {
		/* A policy that names its tenants is their default. */
		for (size_t i = 0; i < policies->policy_count; i++)
			if (policies->policies[i].tenant_count &&
			    is_for(&policies->policies[i], tenant))
				return &policies->policies[i];
		return policies->policy_count ? &policies->policies[policies->default_policy]
					      : NULL;
	}
	for (size_t i = 0; i < policies->policy_count; i++)
		if (sl_span_is(id, policies->policies[i].id))
			return is_for(&policies->policies[i], tenant) ? &policies->policies[i]
								      : NULL;
	return NULL;
}
