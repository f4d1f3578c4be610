// SPDX-License-Identifier: Apache-2.0
/*
 * The metrics of tenants. By id, which is stable, the first metrics.tenants_max
 * have series of their own and the rest are summed as "other"; tenant 0 always
 * has its own. A reason is exported once it has counted something: most tenants
 * never see most of them.
 */
#include "userspace/agent/exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/counters.h"

#define OTHER "other"

struct families {
	unsigned int packets;
	unsigned int bytes;
	unsigned int shadow_packets;
	unsigned int shadow_bytes;
	unsigned int open;
	unsigned int opened;
};

struct rest {
	bool any;
	struct sl_counters counters;
	struct sl_counters shadow;
	struct sl_conns conns;
};

static struct families begin(struct sl_metrics *page)
{
	return (struct families){
		.packets = sl_metrics_family(page, "sluice_packets_total", SL_COUNTER,
					     "Packets by what became of them; pass is admitted."),
		.bytes = sl_metrics_family(page, "sluice_bytes_total", SL_COUNTER,
					   "Bytes by what became of them."),
		.shadow_packets = sl_metrics_family(
			page, "sluice_shadow_packets_total", SL_COUNTER,
			"Packets passed in shadow mode that enforce would have dropped."),
		.shadow_bytes = sl_metrics_family(page, "sluice_shadow_bytes_total", SL_COUNTER,
						  "Bytes of these."),
		.open = sl_metrics_family(page, "sluice_connections_open", SL_GAUGE,
					  "TCP connections open to sockets of this node."),
		.opened = sl_metrics_family(page, "sluice_connections_opened_total", SL_COUNTER,
					    "TCP connections opened."),
	};
}

static void export_side(struct sl_metrics *page, unsigned int packets, unsigned int bytes,
			const char *tenant, const char *direction,
			const struct sl_reason_counts *counts, bool always_pass)
{
	for (unsigned int reason = 0; reason < SL_REASON_COUNT_; reason++) {
		const struct sl_count *count = sl_reason_count(counts, (enum sl_reason)reason);
		const struct sl_label labels[] = { { "tenant", tenant },
						   { "direction", direction },
						   { "reason", sl_reason_info(reason)->name } };

		if (!count->packets && !(always_pass && reason == SL_REASON_PASS))
			continue;
		sl_metrics_add(page, packets, labels, 3, count->packets);
		sl_metrics_add(page, bytes, labels, 3, count->bytes);
	}
}

static void export_tenant(struct sl_metrics *page, const struct families *in, const char *tenant,
			  const struct sl_counters *counters, const struct sl_counters *shadow,
			  const struct sl_conns *conns)
{
	const struct sl_label label = { "tenant", tenant };

	export_side(page, in->packets, in->bytes, tenant, "ingress", &counters->ingress, true);
	export_side(page, in->packets, in->bytes, tenant, "egress", &counters->egress, true);
	export_side(page, in->shadow_packets, in->shadow_bytes, tenant, "ingress", &shadow->ingress,
		    false);
	export_side(page, in->shadow_packets, in->shadow_bytes, tenant, "egress", &shadow->egress,
		    false);
	sl_metrics_add(page, in->open, &label, 1, conns->open);
	sl_metrics_add(page, in->opened, &label, 1, conns->opened_total);
}

/* Which ids have series of their own; a tenant called "other" cannot. */
static bool *choose(const struct sl_maps_view *view, uint32_t tenants_max)
{
	bool *own = calloc(view->tenants, sizeof(*own));
	uint32_t count = 0;

	if (!own)
		return NULL;
	own[SL_TENANT_UNKNOWN] = true;
	for (uint32_t id = 1; id < view->tenants && count < tenants_max; id++) {
		if (!view->names[id].name[0] || strcmp(view->names[id].name, OTHER) == 0)
			continue;
		own[id] = true;
		count++;
	}
	return own;
}

static int export_counters(struct sl_metrics *page, const struct sl_agent *agent, const bool *own)
{
	const struct sl_maps_view *view = sl_maps_view(agent->maps);
	const struct families in = begin(page);
	struct rest rest = { .any = false };

	for (uint32_t id = 0; id < view->tenants; id++) {
		const char *name = id == SL_TENANT_UNKNOWN ? SL_NAME_UNKNOWN : view->names[id].name;
		struct sl_counters counters, shadow;
		int err;

		if (!name[0])
			continue;
		err = sl_counters_read_one(&counters, &shadow, agent->maps, id, NULL);
		if (err)
			return err;
		if (own[id]) {
			export_tenant(page, &in, name, &counters, &shadow, &view->conns[id]);
			continue;
		}
		rest.any = true;
		sl_counters_add(&rest.counters, &counters);
		sl_counters_add(&rest.shadow, &shadow);
		rest.conns.open += view->conns[id].open;
		rest.conns.opened_total += view->conns[id].opened_total;
	}
	if (rest.any)
		export_tenant(page, &in, OTHER, &rest.counters, &rest.shadow, &rest.conns);
	return 0;
}

static void export_rate(struct sl_metrics *page, unsigned int family, const char *tenant,
			const char *direction, const struct sl_rate_spec *rate)
{
	const struct sl_label labels[] = { { "tenant", tenant }, { "direction", direction } };

	if (!rate->unlimited)
		sl_metrics_add(page, family, labels, direction ? 2 : 1, rate->per_s);
}

struct limit_families {
	unsigned int packets;
	unsigned int bytes;
	unsigned int new_connections;
	unsigned int connections;
	unsigned int blocked;
};

static struct limit_families begin_limits(struct sl_metrics *page)
{
	return (struct limit_families){
		.packets = sl_metrics_family(page, "sluice_limit_packets_per_second", SL_GAUGE,
					     "Packets a tenant may have; unlimited is no series."),
		.bytes = sl_metrics_family(page, "sluice_limit_bytes_per_second", SL_GAUGE,
					   "Bytes a tenant may have; unlimited is no series."),
		.new_connections =
			sl_metrics_family(page, "sluice_limit_new_connections_per_second", SL_GAUGE,
					  "Connections a tenant may open; unlimited is no series."),
		.connections = sl_metrics_family(
			page, "sluice_limit_connections", SL_GAUGE,
			"Connections a tenant may have open; unlimited is no series."),
		.blocked = sl_metrics_family(page, "sluice_tenant_blocked", SL_GAUGE,
					     "1 while everything of the tenant is dropped."),
	};
}

static void export_unknown(struct sl_metrics *page, const struct limit_families *in,
			   const struct sl_unknown_spec *unknown)
{
	export_rate(page, in->packets, SL_NAME_UNKNOWN, "ingress", &unknown->packets);
	export_rate(page, in->packets, SL_NAME_UNKNOWN, "egress", &unknown->egress_packets);
	export_rate(page, in->bytes, SL_NAME_UNKNOWN, "ingress", &unknown->bytes);
	export_rate(page, in->bytes, SL_NAME_UNKNOWN, "egress", &unknown->egress_bytes);
	export_rate(page, in->new_connections, SL_NAME_UNKNOWN, NULL, &unknown->new_connections);
}

static void export_spec(struct sl_metrics *page, const struct limit_families *in,
			const struct sl_tenant_spec *tenant)
{
	const struct sl_label label = { "tenant", tenant->name };

	export_rate(page, in->packets, tenant->name, "ingress", &tenant->ingress_packets);
	export_rate(page, in->packets, tenant->name, "egress", &tenant->egress_packets);
	export_rate(page, in->bytes, tenant->name, "ingress", &tenant->ingress_bytes);
	export_rate(page, in->bytes, tenant->name, "egress", &tenant->egress_bytes);
	export_rate(page, in->new_connections, tenant->name, NULL, &tenant->new_connections);
	if (tenant->connections_max)
		sl_metrics_add(page, in->connections, &label, 1, tenant->connections_max);
	sl_metrics_add(page, in->blocked, &label, 1, tenant->blocked);
}

/* What is in force, overrides and all. */
static void export_limits(struct sl_metrics *page, const struct sl_agent *agent, const bool *own)
{
	const struct sl_config *config = agent->effective;
	const struct limit_families in = begin_limits(page);

	export_unknown(page, &in, &config->unknown);
	for (size_t i = 0; i < config->tenant_count; i++)
		if (own[agent->plan->ids[i]])
			export_spec(page, &in, &config->tenants[i]);
}

int sl_export_tenants(struct sl_metrics *page, const struct sl_agent *agent)
{
	sl_autofree bool *own =
		choose(sl_maps_view(agent->maps), agent->effective->metrics_tenants_max);
	int err;

	if (!own)
		return -ENOMEM;
	err = export_counters(page, agent, own);
	if (err)
		return err;
	export_limits(page, agent, own);
	sl_metrics_one(page, "sluice_tenants", SL_GAUGE, "Tenants of the configuration.",
		       agent->effective->tenant_count);
	return 0;
}
