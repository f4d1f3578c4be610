// SPDX-License-Identifier: Apache-2.0
/* Pages over HTTP: metrics and health; and the metrics that are not of tenants. */
#include "userspace/agent/exporter.h"

#include <stdio.h>
#include <string.h>

#include "userspace/agent/pressure.h"
#include "userspace/agent/quota_show.h"
#include "userspace/base/clock.h"

#define NS_PER_S 1e9

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OCCUPANCY_NS	    15000000000ull
#define OCCUPANCY_LARGE_NS  300000000000ull /* walking a large map takes a while */
#define OCCUPANCY_LARGE_MAX 65536u

/* ---- the agent ------------------------------------------------------------------- */

static void export_real(struct sl_metrics *page, const char *name, const char *help, double value)
{
	sl_metrics_add_real(page, sl_metrics_family(page, name, SL_GAUGE, help), NULL, 0, value);
}

static void export_config(struct sl_metrics *page, const struct sl_agent *agent)
{
	const struct sl_ctl *ctl = sl_maps_view(agent->maps)->ctl;
	uint64_t now_ns = sl_monotonic_ns();

	sl_metrics_one(page, "sluice_agent_config_generation", SL_GAUGE,
		       "Raised with every plan that was put in force.", ctl->config_generation);
	sl_metrics_one(page, "sluice_config_reloads_total", SL_COUNTER,
		       "Times the configuration was read again.", agent->stats.reloads_total);
	sl_metrics_one(page, "sluice_config_reload_failures_total", SL_COUNTER,
		       "Times it was refused and the last good one kept.",
		       agent->stats.reload_failures_total);
	sl_metrics_one(page, "sluice_config_last_reload_successful", SL_GAUGE,
		       "0 while the file on disk is not what is in force.",
		       !agent->config_error[0]);
	export_real(page, "sluice_agent_config_age_seconds",
		    "Since the configuration in force was read.",
		    (double)(now_ns - agent->config_read_ns) / NS_PER_S);
	export_real(page, "sluice_agent_heartbeat_age_seconds",
		    "Since the agent last renewed the leases of limits.",
		    (double)(now_ns - ctl->heartbeat_ns) / NS_PER_S);
	export_real(page, "sluice_agent_last_apply_seconds",
		    "How long it took to put the last plan in force.",
		    (double)agent->stats.apply_ns / NS_PER_S);
	export_real(page, "sluice_agent_uptime_seconds", "Since the agent started.",
		    (double)(now_ns - agent->started_ns) / NS_PER_S);
}

static void export_counts(struct sl_metrics *page, const struct sl_agent *agent)
{
	const struct sl_admin_stats admin = sl_admin_stats(agent->admin);
	const struct sl_admin_stats gateways = sl_admin_stats(agent->gateways);
	const struct sl_links_stats links = sl_links_stats(agent->links);
	const struct sl_http_stats http = sl_http_stats(agent->http);
	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} counts[] = {
		{ "sluice_agent_applies_total", "Plans written.", agent->stats.applies_total },
		{ "sluice_agent_apply_failures_total", "Plans that could not be put in force.",
		  agent->stats.apply_failures_total },
		{ "sluice_agent_state_failures_total", "Overrides that could not be saved.",
		  agent->stats.state_failures_total },
		{ "sluice_interface_attach_failures_total", "Interfaces that refused a program.",
		  agent->stats.attach_failures_total },
		{ "sluice_interface_repairs_total",
		  "Times somebody else took a program off and it was attached again.",
		  agent->stats.attach_repairs_total },
		{ "sluice_links_overruns_total", "Times interfaces had to be listed anew.",
		  links.overruns_total },
		{ "sluice_links_malformed_total", "Messages about interfaces that made no sense.",
		  links.malformed_total },
		{ "sluice_admin_requests_total", "Requests on the admin socket.",
		  admin.requests_total },
		{ "sluice_admin_request_failures_total", "Of these, answered by an error.",
		  admin.failed_total },
		{ "sluice_admin_clients_refused_total", "Clients turned away.",
		  admin.refused_total },
		{ "sluice_gateway_requests_total", "Requests on the gateway's socket.",
		  gateways.requests_total },
		{ "sluice_gateway_request_failures_total", "Of these, answered by an error.",
		  gateways.failed_total },
		{ "sluice_gateway_clients_refused_total", "Gateways turned away.",
		  gateways.refused_total },
		{ "sluice_http_requests_total", "Pages served.", http.requests_total },
		{ "sluice_http_refused_total",
		  "HTTP connections over the cap, too slow, or malformed.", http.refused_total },
		{ "sluice_events_unfollowed_total", "Events a follower was too slow for.",
		  admin.events_lost_total },
		{ "sluice_events_read_total", "Events read from the kernel.",
		  agent->stats.events_total },
	};

	for (size_t i = 0; i < COUNT(counts); i++)
		sl_metrics_one(page, counts[i].name, SL_COUNTER, counts[i].help, counts[i].value);
}

static void export_hook(struct sl_metrics *page, unsigned int family,
			const struct sl_agent_interface *interface, const char *hook,
			const struct sl_attachment *attachment)
{
	const struct sl_label labels[] = { { "interface", interface->spec.name },
					   { "hook", hook },
					   { "mode", sl_attached_name(attachment->how) } };

	if (attachment->how)
		sl_metrics_add(page, family, labels, COUNT(labels), 1);
}

static void export_interfaces(struct sl_metrics *page, const struct sl_agent *agent)
{
	unsigned int attached = sl_metrics_family(page, "sluice_interface_attached", SL_GAUGE,
						  "1 when the interface is protected.");
	unsigned int hooks = sl_metrics_family(page, "sluice_interface_hook_info", SL_GAUGE,
					       "Where and how our programs run.");

	for (size_t i = 0; i < agent->interface_count; i++) {
		const struct sl_agent_interface *interface = &agent->interfaces[i];
		const struct sl_label label = { "interface", interface->spec.name };

		sl_metrics_add(page, attached, &label, 1, interface->attached);
		export_hook(page, hooks, interface, "xdp", &interface->report.xdp);
		export_hook(page, hooks, interface, "tc_ingress", &interface->report.tc_ingress);
		export_hook(page, hooks, interface, "tc_egress", &interface->report.tc_egress);
	}
}

void sl_export_agent(struct sl_metrics *page, const struct sl_agent *agent)
{
	const struct sl_label version = { "version", SL_VERSION };
	const struct sl_label mode = { "mode", sl_choice_name(sl_choices_mode,
							      (int)agent->effective->mode) };

	sl_metrics_add(
		page,
		sl_metrics_family(page, "sluice_build_info", SL_GAUGE, "The agent's version."),
		&version, 1, 1);
	sl_metrics_add(page, sl_metrics_family(page, "sluice_mode_info", SL_GAUGE, "Of the node."),
		       &mode, 1, 1);
	export_config(page, agent);
	export_counts(page, agent);
	export_interfaces(page, agent);
}

/* ---- the packet path, whatever the tenant ---------------------------------------------- */

static void export_bypass(struct sl_metrics *page, const struct sl_node *node)
{
	unsigned int packets = sl_metrics_family(page, "sluice_bypass_packets_total", SL_COUNTER,
						 "Packets that no tenant was charged for.");
	unsigned int bytes =
		sl_metrics_family(page, "sluice_bypass_bytes_total", SL_COUNTER, "Bytes of these.");
	const struct {
		const char *direction;
		const char *kind;
		const struct sl_count *count;
	} rows[] = {
		{ "ingress", "not_ip", &node->ingress.not_ip },
		{ "ingress", "unprotected", &node->ingress.unprotected },
		{ "ingress", "off", &node->ingress.off },
		{ "egress", "not_ip", &node->egress.not_ip },
		{ "egress", "unprotected", &node->egress.unprotected },
		{ "egress", "off", &node->egress.off },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sl_label labels[] = { { "direction", rows[i].direction },
						   { "kind", rows[i].kind } };

		sl_metrics_add(page, packets, labels, 2, rows[i].count->packets);
		sl_metrics_add(page, bytes, labels, 2, rows[i].count->bytes);
	}
}

void sl_export_node(struct sl_metrics *page, const struct sl_agent *agent)
{
	struct sl_node node = { .events_sent = 0 };
	struct sl_dp_error error = { .message = "" };

	if (sl_node_read(&node, agent->maps, &error) != 0) {
		sl_log_limited(agent->log, SL_LOG_SCRAPES, SL_LOG_ERROR,
			       "cannot read the node's counters", SL_STR("error", error.message));
		return;
	}
	export_bypass(page, &node);

	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} counts[] = {
		{ "sluice_events_sent_total", "Drop events written by the kernel.",
		  node.events_sent },
		{ "sluice_events_lost_total", "Drop events for which the ring buffer was full.",
		  node.events_lost },
		{ "sluice_events_suppressed_total", "Drop events over events.per_s.",
		  node.events_suppressed },
		{ "sluice_bucket_cas_retries_total", "Another CPU was at the bucket first.",
		  node.cas_retries },
		{ "sluice_bucket_cas_exhausted_total", "Charged without a check, after retries.",
		  node.cas_exhausted },
		{ "sluice_bucket_pullbacks_total", "Buckets pulled back to a lower limit.",
		  node.pullbacks },
		{ "sluice_resets_sent_total", "SYNs answered by a reset.", node.resets_sent },
		{ "sluice_resets_suppressed_total", "Resets over resets_per_s.",
		  node.resets_suppressed },
		{ "sluice_connections_untracked_total", "Connections there was no room to count.",
		  node.conns_untracked },
	};

	for (size_t i = 0; i < COUNT(counts); i++)
		sl_metrics_one(page, counts[i].name, SL_COUNTER, counts[i].help, counts[i].value);
}

/* ---- how full the maps are -------------------------------------------------------------- */

static const enum sl_map_id walked[] = { SL_MAP_FLOWS4,	  SL_MAP_FLOWS6,  SL_MAP_SOURCES4,
					 SL_MAP_SOURCES6, SL_MAP_BLOCKS4, SL_MAP_BLOCKS6,
					 SL_MAP_CGROUPS };

/* Walking the maps holds the agent up: not for each scrape. */
static void refresh_occupancy(struct sl_agent *agent)
{
	struct sl_agent_occupancy *seen = &agent->occupancy;
	uint64_t now_ns = sl_monotonic_ns();
	bool first = seen->read_ns == 0;

	if (!first && now_ns - seen->read_ns < OCCUPANCY_NS)
		return;
	for (size_t i = 0; i < COUNT(walked); i++) {
		enum sl_map_id id = walked[i];
		bool large = sl_maps_max_entries(agent->maps, id) > OCCUPANCY_LARGE_MAX;

		if (large && !first && now_ns - seen->large_ns < OCCUPANCY_LARGE_NS)
			continue;
		seen->known[id] = sl_occupancy_read(&seen->maps[id], agent->maps, id, NULL) == 0;
	}
	if (first || now_ns - seen->large_ns >= OCCUPANCY_LARGE_NS)
		seen->large_ns = now_ns;
	seen->read_ns = now_ns;
}

static void export_map(struct sl_metrics *page, const unsigned int families[2], enum sl_map_id id,
		       uint64_t used, uint64_t max)
{
	const struct sl_label label = { "map", sl_map_name(id) };

	sl_metrics_add(page, families[0], &label, 1, used);
	sl_metrics_add(page, families[1], &label, 1, max);
}

void sl_export_maps(struct sl_metrics *page, struct sl_agent *agent)
{
	const struct sl_maps_view *view = sl_maps_view(agent->maps);
	const unsigned int families[2] = {
		sl_metrics_family(
			page, "sluice_map_entries", SL_GAUGE,
			"Entries in use; refreshed every 15 s, of large maps every 5 min."),
		sl_metrics_family(page, "sluice_map_max_entries", SL_GAUGE, "Room for entries."),
	};
	uint64_t names = 0;

	refresh_occupancy(agent);
	for (size_t i = 0; i < COUNT(walked); i++)
		if (agent->occupancy.known[walked[i]])
			export_map(page, families, walked[i], agent->occupancy.maps[walked[i]].used,
				   agent->occupancy.maps[walked[i]].max);
	for (uint32_t id = 0; id < view->tenants; id++)
		names += view->names[id].name[0] != '\0';
	export_map(page, families, SL_MAP_NAMES, names, view->tenants);
	export_map(page, families, SL_MAP_SERVICES4, agent->plan->services4_used,
		   (uint64_t)view->services4_lines * SL_SERVICE4_SLOTS);
	export_map(page, families, SL_MAP_SERVICES6, agent->plan->services6_used,
		   (uint64_t)view->services6_lines * SL_SERVICE6_SLOTS);
}

/* ---- routes --------------------------------------------------------------------------------- */

static void serve_metrics(struct sl_http_reply *reply, void *context)
{
	struct sl_agent *agent = context;
	int err = sl_metrics_new(&reply->metrics, SL_EXPORT_BYTES_MAX);

	if (!err) {
		sl_export_agent(reply->metrics, agent);
		sl_export_node(reply->metrics, agent);
		sl_export_maps(reply->metrics, agent);
		sl_agent_pressure_export(reply->metrics, agent->pressure);
		sl_quota_export(reply->metrics, agent->quota, sl_monotonic_ns());
		err = sl_export_tenants(reply->metrics, agent);
	}
	if (!err)
		return;
	sl_metrics_free(reply->metrics);
	reply->metrics = NULL;
	reply->status = 500;
	(void)snprintf(reply->text, sizeof(reply->text), "cannot read the counters: %s\n",
		       strerror(-err));
}

/* It answers, so it turns its loop: that is all there is to being alive. */
static void serve_alive(struct sl_http_reply *reply, void *context)
{
	(void)context;
	(void)snprintf(reply->text, sizeof(reply->text), "ok\n");
}

static void serve_ready(struct sl_http_reply *reply, void *context)
{
	const struct sl_agent *agent = context;
	const struct sl_agent_interface *interface = sl_agent_unattached(agent);

	if (agent->ready && !interface) {
		(void)snprintf(reply->text, sizeof(reply->text), "ok\n");
		return;
	}
	reply->status = 503;
	if (interface)
		(void)snprintf(reply->text, sizeof(reply->text), "%s is not protected: %.200s\n",
			       interface->spec.name, interface->error);
	else
		(void)snprintf(reply->text, sizeof(reply->text), "starting\n");
}

const struct sl_http_route sl_agent_routes[] = {
	{ "/metrics", serve_metrics },
	{ "/startupz", serve_alive },
	{ "/livez", serve_alive },
	{ "/readyz", serve_ready },
	{ NULL, NULL },
};
