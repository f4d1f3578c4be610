/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of a provider: those that meet the constraints and can work now, by
 * their score; else the fallback chain; and why.
 *
 * score = weight / (1 + cost_factor * cost / dearest + latency_factor * latency / slowest),
 * halved for a provider that is degraded.
 *
 * Thread: pure functions; randomness is the caller's.
 */
#pragma once

#include "userspace/base/span.h"
#include "userspace/domain/policy.h"

/* What the router knows of a provider beside the file. */
enum sl_provider_state {
	SL_PROVIDER_READY = 0,
	SL_PROVIDER_DEGRADED, /* works, worse */
	SL_PROVIDER_OPEN,     /* its breaker lets nothing through */
	SL_PROVIDER_DOWN,     /* its workers said nothing for too long */
};

#define SL_ROUTE_REQUIRE_MAX  16
#define SL_ROUTE_REASON_BYTES 128

struct sl_route_request {
	double max_cost;	 /* 0: none */
	uint64_t max_latency_ns; /* 0: none */
	struct sl_span require[SL_ROUTE_REQUIRE_MAX];
	size_t require_count;
	struct sl_span sticky; /* provider of the session; empty: none */
	uint64_t random;
};

enum sl_route_how {
	SL_ROUTE_SCORED = 0,
	SL_ROUTE_STICKY,
	SL_ROUTE_FALLBACK,
};

struct sl_route_choice {
	uint32_t provider; /* its index */
	enum sl_route_how how;
	double score;
	uint32_t able;	   /* candidates that could */
	uint32_t excluded; /* by constraints */
	uint32_t unable;   /* open or down */
	char reason[SL_ROUTE_REASON_BYTES];
};

/*
 * @states has one of each provider. -ENOENT: constraints exclude every provider of
 * the policy; -EHOSTUNREACH: some would do, and none can work now. @ret's counts and
 * reason are filled then as well.
 */
int sl_route(struct sl_route_choice *ret, const struct sl_policies *policies,
	     const struct sl_policy *policy, const enum sl_provider_state *states,
	     const struct sl_route_request *request);

/* By name, for those of @tenant; the default one for an empty name. NULL: none such. */
const struct sl_policy *sl_policy_find(const struct sl_policies *policies, struct sl_span id,
				       struct sl_span tenant);
