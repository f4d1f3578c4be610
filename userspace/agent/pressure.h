/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pressure of the workers behind this node, as shed levels in the maps: signals come by
 * NATS (signal.h), pools have states (pressure_pools.h), tenants' packets are cut
 * (pressure_shed.h) and the levels written, each with a deadline of 3 s that is put off
 * while the agent lives. An agent that dies takes its levels with it.
 *
 * A level that an operator set by hand stands, whatever the pressure.
 *
 * Owner:  sl_agent_pressure_free(), before the maps and the event loop. NULL wherever
 *         there is no `nats` in the configuration: then nothing runs.
 * Thread: the agent's; begin it after privileges are dropped, as nats.c makes threads.
 */
#pragma once

#include "userspace/agent/pressure_pools.h"
#include "userspace/agent/pressure_shed.h"
#include "userspace/bus/bus.h"

#define SL_AGENT_SHED_NS 3000000000ull

struct json_t;
struct sl_agent;
struct sl_agent_error;
struct sl_agent_pressure;
struct sl_metrics;

/* 0, and *ret stays NULL, without `nats`. -errno with @error. */
int sl_agent_pressure_new(struct sl_agent_pressure **ret, struct sl_agent *agent,
			  struct sl_agent_error *error);
void sl_agent_pressure_free(struct sl_agent_pressure *pressure); /* NULL is fine */

/* For what else the agent says and hears. It lives as long as @pressure. */
struct sl_bus *sl_agent_pressure_bus(const struct sl_agent_pressure *pressure);

/* ---- pressure_show.c -------------------------------------------------------------------- */

/* The answer to "pressure": docs/ops/admin-protocol.md. @pressure may be NULL. */
struct json_t *sl_agent_pressure_json(const struct sl_agent_pressure *pressure);
void sl_agent_pressure_export(struct sl_metrics *page, const struct sl_agent_pressure *pressure);

/* ---- for pressure_show.c alone ------------------------------------------------------------- */

/* What is written for one tenant. */
struct sl_agent_pressure_tenant {
	const char *name;
	const struct sl_cut *cut;
	bool by_operator; /* the level that stands is not ours */
};

struct sl_agent_pressure_view {
	const struct sl_agent_pools *pools;
	struct sl_agent_pools_sum sum;
	enum sl_bus_state bus;
	const char *bus_error;
	struct sl_bus_stats bus_stats;
	uint64_t malformed_total;
	uint64_t since_ns;		/* of the node's state */
	enum sl_pressure_state shed_as; /* OK: nothing is shed */
	double capacity_per_s;		/* packets; only while something is shed */
	double passed_per_s, packets_per_job;
	size_t tenant_count, shed_count;
	uint64_t now_ns;
};
struct sl_agent_pressure_view sl_agent_pressure_view(const struct sl_agent_pressure *pressure);
struct sl_agent_pressure_tenant sl_agent_pressure_tenant(const struct sl_agent_pressure *pressure,
							 size_t at);
