/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which limit a class of a tenant's requests has, who says so, and the word that it is
 * counted in:
 *
 *   the agent knows the tenant    its word, which all gateways of the node share
 *     and limits the class        its limit, in its mode
 *   an operator set another       that one, of this gateway alone
 *   else                          the plan of the credential
 *
 * Beside it a request is held against rows of the agent that are no tenant's: the node's
 * and its policy's (domain/request_rows.h).
 *
 * Thread: the loop's; words are charged by compare-and-swap.
 */
#pragma once

#include "userspace/domain/gcra.h"
#include "userspace/gateway/buckets.h"
#include "userspace/gateway/kernel_requests.h"
#include "userspace/gateway/settings.h"

enum sl_limit_source {
	SL_LIMIT_PLAN = 0,
	SL_LIMIT_OVERRIDE,
	SL_LIMIT_AGENT,
};

/* What a limit is of; "endpoint": one rate class of it alone. */
enum sl_limit_level {
	SL_LEVEL_ENDPOINT = 0, /* of the tenant */
	SL_LEVEL_TENANT,
	SL_LEVEL_NODE_ENDPOINT,
	SL_LEVEL_NODE,
	SL_LEVEL_POLICY_ENDPOINT,
	SL_LEVEL_POLICY,
	SL_LEVELS,
};

/* What is known of a tenant. */
struct sl_tenant_limits {
	const struct sl_settings *settings;
	const struct sl_plan *plan;
	struct sl_caller_bucket *bucket;      /* of this gateway */
	const struct sl_kernel_limits *agent; /* NULL: it does not know the tenant */
};

struct sl_standing {
	struct sl_gcra_level level;
	struct sl_request_slot *slot; /* where the agent counts; NULL: nowhere */
	uint64_t window_ns;
	enum sl_limit_source source;
	enum sl_limit_level level_of;
	enum sl_rate_class rate_class;
	bool shadow; /* what is over the limit passes */
	bool over;   /* and this request was: it is not charged here */
};

void sl_limits_standing(struct sl_standing *ret, const struct sl_tenant_limits *tenant,
			enum sl_rate_class rate_class, uint64_t now_ns);

/* The same of a row; its level is left to the caller. */
void sl_limits_of_row(struct sl_standing *ret, const struct sl_settings *settings,
		      const struct sl_kernel_limits *row, enum sl_rate_class rate_class,
		      uint64_t now_ns);

/*
 * Takes a request of every level or of none. A level in shadow that has none left is
 * passed over, and says so in .over. Counts in the agent's slots. ret->level: which of
 * @standings refused, or has the least left.
 */
void sl_limits_take(struct sl_gcra_verdict *ret, struct sl_standing *standings, size_t count,
		    uint64_t now_ns);

static inline bool sl_limit_is_policy(enum sl_limit_level level)
{
	return level == SL_LEVEL_POLICY || level == SL_LEVEL_POLICY_ENDPOINT;
}

/* "endpoint", ..., "policy" */
const char *sl_limit_level_name(enum sl_limit_level level);

/* @requests in the window of the settings; 0: unlimited. */
struct sl_request_limit sl_limits_of_plan(const struct sl_settings *settings, uint64_t requests);

/* "agent", ... */
const char *sl_limit_source_name(enum sl_limit_source source);
