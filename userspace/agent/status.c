// SPDX-License-Identifier: Apache-2.0
/* The answer to "status". Fields are documented in docs/ops/admin-protocol.md. */
#include "userspace/agent/agent_private.h"
#include "userspace/base/clock.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static json_t *text(const char *value)
{
	return json_string(value);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *interface_status(const struct sl_agent_interface *interface)
{
	const struct sl_attach_report *report = &interface->report;
	json_t *json = json_pack("{ss si sb}", "name", interface->spec.name, "ifindex",
				 interface->ifindex, "attached", interface->attached);

	if (report->ifindex) {
		(void)json_object_set_new(json, "xdp", text(sl_attached_name(report->xdp.how)));
		(void)json_object_set_new(json, "tc_ingress",
					  text(sl_attached_name(report->tc_ingress.how)));
		(void)json_object_set_new(json, "tc_egress",
					  text(sl_attached_name(report->tc_egress.how)));
	}
	if (!interface->attached) {
		(void)json_object_set_new(
			json, "error",
			text(interface->error[0] ? interface->error : "no such interface (yet)"));
	}
	return json;
}

static json_t *interfaces_status(const struct sl_agent *agent)
{
	json_t *list = json_array();

	for (size_t i = 0; i < agent->interface_count; i++)
		(void)json_array_append_new(list, interface_status(&agent->interfaces[i]));
	return list;
}

static json_t *config_status(const struct sl_agent *agent)
{
	const struct sl_ctl *ctl = sl_maps_view(agent->maps)->ctl;
	uint64_t age_ns = sl_monotonic_ns() - agent->config_read_ns;
	json_t *json = json_object();

	(void)json_object_set_new(json, "path", text(agent->options.config_path));
	(void)json_object_set_new(json, "generation", number(ctl->config_generation));
	(void)json_object_set_new(json, "age_s", number(age_ns / 1000000000));
	(void)json_object_set_new(json, "error",
				  agent->config_error[0] ? text(agent->config_error) : json_null());
	return json;
}

static json_t *counts_status(const struct sl_agent *agent)
{
	const struct sl_admin_stats admin = sl_admin_stats(agent->admin);
	json_t *json = json_object();

	(void)json_object_set_new(json, "reloads", number(agent->stats.reloads_total));
	(void)json_object_set_new(json, "reload_failures",
				  number(agent->stats.reload_failures_total));
	(void)json_object_set_new(json, "applies", number(agent->stats.applies_total));
	(void)json_object_set_new(json, "apply_failures",
				  number(agent->stats.apply_failures_total));
	(void)json_object_set_new(json, "last_apply_us", number(agent->stats.apply_ns / 1000));
	(void)json_object_set_new(json, "attach_repairs",
				  number(agent->stats.attach_repairs_total));
	(void)json_object_set_new(json, "state_failures",
				  number(agent->stats.state_failures_total));
	(void)json_object_set_new(json, "requests", number(admin.requests_total));
	(void)json_object_set_new(json, "clients_refused", number(admin.refused_total));
	(void)json_object_set_new(json, "gateways",
				  number(sl_admin_stats(agent->gateways).clients));
	(void)json_object_set_new(json, "events", number(agent->stats.events_total));
	(void)json_object_set_new(json, "events_lost", number(admin.events_lost_total));
	return json;
}

static const char *origin_name(enum sl_dataplane_origin origin)
{
	switch (origin) {
	case SL_DATAPLANE_CREATED:
		return "created";
	case SL_DATAPLANE_ADOPTED:
		return "adopted";
	case SL_DATAPLANE_MIGRATED:
		return "migrated";
	}
	return "?";
}

json_t *sl_agent_status(const struct sl_agent *agent)
{
	const struct sl_config *config = agent->effective;
	json_t *json = json_object();

	(void)json_object_set_new(json, "version", text(SL_VERSION));
	(void)json_object_set_new(json, "abi", number(SL_ABI_VERSION));
	(void)json_object_set_new(json, "pid", number((uint64_t)getpid()));
	(void)json_object_set_new(json, "uptime_s",
				  number((sl_monotonic_ns() - agent->started_ns) / 1000000000));
	(void)json_object_set_new(json, "ready", json_boolean(!sl_agent_unattached(agent)));
	(void)json_object_set_new(json, "sandbox", json_boolean(!agent->options.no_sandbox));
	(void)json_object_set_new(json, "mode",
				  text(sl_choice_name(sl_choices_mode, (int)config->mode)));
	(void)json_object_set_new(json, "maps",
				  text(origin_name(sl_dataplane_origin(agent->dataplane))));
	(void)json_object_set_new(json, "pin_dir", text(config->pin_dir));
	(void)json_object_set_new(json, "config", config_status(agent));
	(void)json_object_set_new(json, "interfaces", interfaces_status(agent));
	(void)json_object_set_new(json, "connections",
				  text(agent->sockets_error[0]
					       ? agent->sockets_error
					       : sl_attached_name(agent->sockets.how)));
	(void)json_object_set_new(json, "tenants", number(config->tenant_count));
	(void)json_object_set_new(json, "services", number(config->service_count));
	(void)json_object_set_new(json, "overrides", number(agent->overrides.count));
	(void)json_object_set_new(json, "sheds", number(agent->sheds.count));
	(void)json_object_set_new(json, "cgroups_missing", number(agent->synced.cgroups_missing));
	(void)json_object_set_new(json, "counts", counts_status(agent));
	return json;
}
