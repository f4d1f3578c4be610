/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of requests: what a person asked for a tenant as gateways read it, and what
 * of it is in force at a time.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/domain/config.h"

/* @gen: of the tenant's id. The lease of the tenant, if it has one, begins at @now_ns. */
void sl_requests_make(struct sl_requests *ret, const struct sl_tenant_spec *tenant, uint32_t gen,
		      uint64_t now_ns);

/* "global", "routes_decide", ..., "cost"; NULL from SL_REQUEST_CLASSES on. */
const char *sl_request_class_name(enum sl_request_class which);

/* What a class of @requests comes to at @now_ns. */
struct sl_request_rule_now {
	bool set; /* else the gateway's own plan decides */
	struct sl_request_limit limit;
	uint64_t window_ns;
};

void sl_requests_now(struct sl_request_rule_now *ret, const struct sl_requests *requests,
		     enum sl_request_class which, uint64_t now_ns);

/* The tenant's class; critical where the agent did not say. */
enum sl_tenant_class sl_requests_class(const struct sl_requests *requests);

/* The laxer of the tenant's mode and the node's. */
enum sl_mode sl_requests_mode(const struct sl_requests *requests, enum sl_mode node);
