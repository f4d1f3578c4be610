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
	bool shadow; /* what is over the limit passes */
};

void sl_limits_standing(struct sl_standing *ret, const struct sl_tenant_limits *tenant,
			enum sl_rate_class rate_class, uint64_t now_ns);

/* @requests in the window of the settings; 0: unlimited. */
struct sl_request_limit sl_limits_of_plan(const struct sl_settings *settings, uint64_t requests);

/* "agent", ... */
const char *sl_limit_source_name(enum sl_limit_source source);
