// SPDX-License-Identifier: Apache-2.0
/* What is known of pressure, and what follows, for people and for a scraper. */
#include <jansson.h>

#include "userspace/agent/pressure.h"
#include "userspace/obs/metrics.h"

#define NS_PER_S     1e9
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *bus_name(enum sl_bus_state state)
{
	switch (state) {
	case SL_BUS_CONNECTING:
		return "connecting";
	case SL_BUS_CONNECTED:
		return "connected";
	case SL_BUS_RECONNECTING:
		return "reconnecting";
	case SL_BUS_REFUSED:
		return "refused";
	}
	return "?";
}

static double age_s(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? (double)(now_ns - then_ns) / NS_PER_S : 0;
}

/* ---- for people ----------------------------------------------------------------------------- */

static json_t *pool_json(const struct sl_agent_pool_view *pool, uint64_t now_ns)
{
	return json_pack("{ss ss ss sf sf sf si si sf}", "pool", pool->name, "class",
			 sl_work_class_name(pool->work), "state",
			 sl_pressure_state_name(pool->state), "since_s",
			 age_s(pool->since_ns, now_ns), "pressure", pool->pressure, "done_per_s",
			 pool->done_per_s, "workers", (int)pool->workers, "routers",
			 (int)pool->routers, "signal_age_s", age_s(pool->signal_ns, now_ns));
}

static json_t *pools_json(const struct sl_agent_pressure_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sl_agent_pools_count(view->pools); i++) {
		const struct sl_agent_pool_view pool = sl_agent_pools_view(view->pools, i);

		(void)json_array_append_new(list, pool_json(&pool, view->now_ns));
	}
	return list;
}

/* Why a tenant loses what it loses. */
static const char *reason(const struct sl_agent_pressure_view *view,
			  const struct sl_agent_pressure_tenant *tenant)
{
	const struct sl_cut *cut = tenant->cut;

	if (tenant->by_operator)
		return "an operator set its level";
	if (view->shed_as == SL_PRESSURE_STOP)
		return "stop: only critical_plus passes";
	if (cut->rate_per_s < cut->guarantee_per_s)
		return "its class does not get all that is guaranteed";
	return "above the guarantee of its class";
}

static json_t *tenants_json(const struct sl_agent_pressure *pressure,
			    const struct sl_agent_pressure_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; view->shed_as != SL_PRESSURE_OK && i < view->tenant_count; i++) {
		const struct sl_agent_pressure_tenant tenant =
			sl_agent_pressure_tenant(pressure, i);

		if (!tenant.cut->shed_permille && !tenant.by_operator)
			continue;
		(void)json_array_append_new(
			list, json_pack("{ss ss si sf sf ss}", "tenant", tenant.name, "class",
					sl_criticality_name(tenant.cut->criticality), "permille",
					tenant.by_operator ? 0 : (int)tenant.cut->shed_permille,
					"demand_per_s", tenant.cut->demand_per_s, "rate_per_s",
					tenant.cut->rate_per_s, "why", reason(view, &tenant)));
	}
	return list;
}

json_t *sl_agent_pressure_json(const struct sl_agent_pressure *pressure)
{
	struct sl_agent_pressure_view view;
	json_t *json;

	if (!pressure)
		return json_pack("{sb}", "on", 0);
	view = sl_agent_pressure_view(pressure);
	json = json_pack("{sb ss ss ss ss sf sf sf}", "on", 1, "nats", bus_name(view.bus),
			 "nats_error", view.bus_error, "state",
			 sl_pressure_state_name(view.sum.state), "worst", view.sum.worst, "since_s",
			 age_s(view.since_ns, view.now_ns), "pressure", view.sum.pressure,
			 "passed_per_s", view.passed_per_s);
	if (!json)
		return NULL;
	(void)json_object_set_new(json, "sheds", json_boolean(view.shed_as != SL_PRESSURE_OK));
	(void)json_object_set_new(json, "capacity_per_s",
				  view.shed_as != SL_PRESSURE_OK ? json_real(view.capacity_per_s)
								 : json_null());
	(void)json_object_set_new(json, "pools", pools_json(&view));
	(void)json_object_set_new(json, "tenants", tenants_json(pressure, &view));
	return json;
}

/* ---- for a scraper -----------------------------------------------------------------------------
 */

static void export_pools(struct sl_metrics *page, const struct sl_agent_pressure_view *view)
{
	const unsigned int state =
		sl_metrics_family(page, "sluice_pressure_state", SL_GAUGE,
				  "Of a pool of workers: 0 ok, 1 warn, 2 shed, 3 stop, 4 stale.");
	const unsigned int ratio = sl_metrics_family(page, "sluice_pressure_ratio", SL_GAUGE,
						     "Of a pool; 1 is what is wanted.");
	const unsigned int age = sl_metrics_family(page, "sluice_pressure_signal_age_seconds",
						   SL_GAUGE, "Since somebody spoke of the pool.");
	const unsigned int workers = sl_metrics_family(page, "sluice_pressure_workers", SL_GAUGE,
						       "Workers of the pool that speak.");

	for (size_t i = 0; i < sl_agent_pools_count(view->pools); i++) {
		const struct sl_agent_pool_view pool = sl_agent_pools_view(view->pools, i);
		const struct sl_label labels[] = { { "pool", pool.name },
						   { "class", sl_work_class_name(pool.work) } };

		sl_metrics_add(page, state, labels, 2, (uint64_t)pool.state);
		sl_metrics_add_real(page, ratio, labels, 2, pool.pressure);
		sl_metrics_add_real(page, age, labels, 2, age_s(pool.signal_ns, view->now_ns));
		sl_metrics_add(page, workers, labels, 2, pool.workers);
	}
}

void sl_agent_pressure_export(struct sl_metrics *page, const struct sl_agent_pressure *pressure)
{
	struct sl_agent_pressure_view view;
	struct sl_agent_pools_stats stats;

	if (!pressure)
		return;
	view = sl_agent_pressure_view(pressure);
	stats = sl_agent_pools_stats(view.pools);

	const struct {
		const char *name;
		enum sl_metric_type type;
		const char *help;
		uint64_t value;
	} rows[] = {
		{ "sluice_pressure_node_state", SL_GAUGE,
		  "Of all pools together: 0 ok, 1 warn, 2 shed, 3 stop, 4 stale.",
		  (uint64_t)view.sum.state },
		{ "sluice_pressure_tenants_shed", SL_GAUGE,
		  "Tenants of which the kernel sheds a part for pressure.", view.shed_count },
		{ "sluice_pressure_nats_connected", SL_GAUGE, "1 while NATS is there.",
		  view.bus == SL_BUS_CONNECTED },
		{ "sluice_pressure_signals_total", SL_COUNTER, "Signals heard.",
		  stats.signals_total },
		{ "sluice_pressure_signals_old_total", SL_COUNTER,
		  "Of these, doubled or overtaken.", stats.old_total },
		{ "sluice_pressure_signals_refused_total", SL_COUNTER,
		  "Of these, of one pool too many.", stats.refused_total },
		{ "sluice_pressure_signals_malformed_total", SL_COUNTER,
		  "Messages that are no signals.", view.malformed_total },
		{ "sluice_pressure_signals_lost_total", SL_COUNTER,
		  "Signals that came faster than they were read.",
		  view.bus_stats.slow_consumer_total },
		{ "sluice_pressure_transitions_total", SL_COUNTER, "Changes of a pool's state.",
		  stats.transitions_total },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		sl_metrics_one(page, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
	/* Without a limit there is none to show. */
	if (view.shed_as != SL_PRESSURE_OK)
		sl_metrics_add_real(
			page,
			sl_metrics_family(page, "sluice_pressure_capacity_packets", SL_GAUGE,
					  "Packets a second that all tenants together may send."),
			NULL, 0, view.capacity_per_s);
	export_pools(page, &view);
}
