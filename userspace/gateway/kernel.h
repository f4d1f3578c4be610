/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway's part in the kernel: connections of authenticated tenants are bound to
 * them, so that the packet path charges and limits their packets; and who keeps asking
 * after 429 is refused there until its Retry-After has passed. All of it only makes
 * refusing cheaper: without an agent the gateway enforces alone, and what was written
 * stays in force without the gateway for as long as it was meant to.
 *
 * Owner:  sl_kernel_free() unbinds what this worker has bound.
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/requests.h"
#include "userspace/base/span.h"
#include "userspace/domain/flow_table.h"

struct sl_kernel;
struct sl_log;
struct sl_loop;
struct sl_settings;
struct sl_worker_counters;

struct sl_kernel_options {
	struct sl_loop *loop;
	const struct sl_settings *settings;
	struct sl_worker_counters *counters;
	struct sl_log *log;    /* may be NULL */
	const uint16_t *ports; /* of the gateway's listeners, in host order */
	size_t port_count;
	bool sweeps; /* this worker looks again and again for what dead ones left */
};

/* A TCP connection, zeroed at first; its owner keeps it until sl_kernel_forget(). */
struct sl_kernel_connection {
	/* As on the wire: the direct peer, whatever a proxy says. Family 0: not known. The
	 * tenant is the kernel's while it is bound. */
	struct sl_flow_spec flow;
	struct sl_kernel *kernel; /* set while it is bound */
	struct sl_kernel_connection *next;
	struct sl_kernel_connection **link; /* what points here */
	struct sl_request_word refusals;
	uint64_t retry_ns; /* when binding it is tried again */
	uint32_t gen;	   /* of the tenant's id */
};

/* Without `agent.socket` in the settings it does nothing. -ENOMEM. */
int sl_kernel_new(struct sl_kernel **ret, const struct sl_kernel_options *options);
void sl_kernel_free(struct sl_kernel *kernel);

/* The agent is there; what was mapped before serves without it. */
bool sl_kernel_is_linked(const struct sl_kernel *kernel);

/* A request of @tenant, who proved that it is it, came on the connection. NULLs are fine. */
void sl_kernel_bind(struct sl_kernel *kernel, struct sl_kernel_connection *connection,
		    struct sl_span tenant);

/* The connection is over. Fine when it was never bound. */
void sl_kernel_forget(struct sl_kernel_connection *connection);

struct sl_kernel_refusal {
	struct sl_request_word *tenant_word; /* of the tenant's refusals; NULL: not counted */
	const char *tenant;
	uint64_t wait_ns; /* until it may ask again; UINT64_MAX: never */
	bool shadow;	  /* it passed: only count */
};

/* A request on it was refused for its rate. */
void sl_kernel_refused(struct sl_kernel *kernel, struct sl_kernel_connection *connection,
		       const struct sl_kernel_refusal *refusal);

/* Once a second: follows the agent's names, and counts. */
void sl_kernel_tick(struct sl_kernel *kernel);

struct sl_kernel_limits;
/* The agent's limits of requests. False: it is not there yet, has none, or does not know the
 * tenant. @kernel may be NULL. */
bool sl_kernel_limits(struct sl_kernel_limits *ret, struct sl_kernel *kernel,
		      struct sl_span tenant);

/* There are limits that are no tenant's (request_rows.h). Costs a few loads. */
bool sl_kernel_has_rows(const struct sl_kernel *kernel);
/* Those of the row @name. False: there are none. */
bool sl_kernel_row(struct sl_kernel_limits *ret, struct sl_kernel *kernel, struct sl_span name);

struct sl_kernel_maps;
/* For tests: as if the agent had handed these over. */
void sl_kernel_use(struct sl_kernel *kernel, struct sl_kernel_maps *maps);
