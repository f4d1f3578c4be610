/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"
#include "userspace/obs/metrics.h"

struct by {
	const char *value; /* of the label */
	enum sl_gateway_count count;
};

static const struct by scopes[] = {
	{ "connection", SL_COUNT_ESCALATED_CONNECTION },
	{ "tenant", SL_COUNT_ESCALATED_TENANT },
};

static const struct by reasons[] = {
	{ "no_tenant", SL_COUNT_FLOW_NO_TENANT },
	{ "limit", SL_COUNT_FLOW_LIMIT },
	{ "full", SL_COUNT_FLOW_FULL },
};

static const struct by sources[] = {
	{ "agent", SL_COUNT_LIMITS_AGENT },
	{ "gateway", SL_COUNT_LIMITS_GATEWAY },
};

static const struct by outcomes[] = {
	{ "reserved", SL_COUNT_COST_RESERVED },
	{ "settled", SL_COUNT_COST_SETTLED },
	{ "returned", SL_COUNT_COST_RETURNED },
	{ "expired", SL_COUNT_COST_EXPIRED },
};

static void put_by(struct sl_metrics *page, unsigned int family, const char *label,
		   const struct by *by, size_t count, const struct sl_worker_counters *sum)
{
	for (size_t i = 0; i < count; i++) {
		const struct sl_label labels[] = { { label, by[i].value } };

		sl_metrics_add(page, family, labels, 1, sum->counts[by[i].count]);
	}
}

void sl_kernel_metrics(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family;

	sl_metrics_one(page, "gateway_agent_connected", SL_GAUGE,
		       "1: every worker is connected to the agent",
		       sum->alive && sum->gauges[SL_GAUGE_AGENT] >= sum->alive);
	sl_metrics_one(page, "gateway_agent_wrong_total", SL_COUNTER,
		       "Answers that the agent would not give", sum->counts[SL_COUNT_AGENT_WRONG]);
	sl_metrics_one(page, "gateway_flows", SL_GAUGE, "Connections bound in the kernel",
		       sum->gauges[SL_GAUGE_FLOWS]);
	sl_metrics_one(page, "gateway_flows_bound_total", SL_COUNTER,
		       "Connections bound to their tenant", sum->counts[SL_COUNT_FLOW_BOUND]);
	family = sl_metrics_family(page, "gateway_flows_unbound_total", SL_COUNTER,
				   "Times that a connection could not be bound");
	put_by(page, family, "reason", reasons, sizeof(reasons) / sizeof(reasons[0]), sum);
	sl_metrics_one(page, "gateway_flows_swept_total", SL_COUNTER,
		       "Flows that a dead worker had left bound", sum->counts[SL_COUNT_FLOW_SWEPT]);
	family = sl_metrics_family(page, "gateway_escalations_total", SL_COUNTER,
				   "Refusals that were pushed into the kernel");
	put_by(page, family, "scope", scopes, sizeof(scopes) / sizeof(scopes[0]), sum);
	family = sl_metrics_family(page, "gateway_request_limits_source_total", SL_COUNTER,
				   "Requests by who says the limit of their class");
	put_by(page, family, "source", sources, sizeof(sources) / sizeof(sources[0]), sum);
	family = sl_metrics_family(page, "gateway_cost_reservations_total", SL_COUNTER,
				   "Reservations of cost, and how they ended");
	put_by(page, family, "event", outcomes, sizeof(outcomes) / sizeof(outcomes[0]), sum);
	sl_metrics_one(page, "gateway_cost_refused_total", SL_COUNTER,
		       "Requests over the tenant's limit of cost",
		       sum->counts[SL_COUNT_COST_REFUSED]);
	sl_metrics_one(page, "gateway_escalations_shadow_total", SL_COUNTER,
		       "Those that shadow mode only counted",
		       sum->counts[SL_COUNT_ESCALATED_SHADOW]);
}
