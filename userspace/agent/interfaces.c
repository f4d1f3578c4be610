// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/agent_private.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"

static const char *hook_name(const struct sl_attach_report *report)
{
	return report->xdp.how ? sl_attached_name(report->xdp.how)
			       : sl_attached_name(report->tc_ingress.how);
}

/* Reloads attach again what is attached; that is no news. */
static bool is_news(const struct sl_agent_interface *interface,
		    const struct sl_attach_report *report)
{
	return !interface->attached || interface->report.ifindex != report->ifindex ||
	       interface->report.xdp.how != report->xdp.how ||
	       interface->report.tc_ingress.how != report->tc_ingress.how ||
	       interface->report.tc_egress.how != report->tc_egress.how;
}

/* It is not there (any more). */
static void forget(struct sl_agent_interface *interface)
{
	interface->attached = false;
	interface->ifindex = 0;
	interface->report = (struct sl_attach_report){ .ifindex = 0 };
	interface->error[0] = '\0';
}

static void attach(struct sl_agent *agent, struct sl_agent_interface *interface)
{
	struct sl_dp_error error = { .message = "" };
	struct sl_attach_report report = { .ifindex = 0 };
	int err = sl_attach_interface(agent->dataplane, &interface->spec, NULL, &report, &error);
	bool is_new;

	if (err == -ENODEV) {
		forget(interface);
		return;
	}
	if (err) {
		is_new = strcmp(interface->error, error.message) != 0;
		interface->attached = false;
		interface->ifindex = report.ifindex;
		interface->report = report;
		agent->stats.attach_failures_total++;
		(void)snprintf(interface->error, sizeof(interface->error), "%s", error.message);
		if (is_new) /* retries say it once */
			sl_log(agent->log, SL_LOG_ERROR, "cannot attach: not protected",
			       SL_STR("interface", interface->spec.name),
			       SL_STR("error", error.message));
		return;
	}
	is_new = is_news(interface, &report);
	interface->attached = true;
	interface->ifindex = report.ifindex;
	interface->report = report;
	interface->error[0] = '\0';
	if (!is_new)
		return;
	sl_log(agent->log, SL_LOG_INFO, "protected", SL_STR("interface", interface->spec.name),
	       SL_NUM("ifindex", report.ifindex), SL_STR("ingress", hook_name(&report)),
	       SL_STR("egress", sl_attached_name(report.tc_egress.how)));
}

static struct sl_agent_interface *find(struct sl_agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->interface_count; i++)
		if (strcmp(agent->interfaces[i].spec.name, name) == 0)
			return &agent->interfaces[i];
	return NULL;
}

static void detach(struct sl_agent *agent, int ifindex, const char *name)
{
	struct sl_dp_error error = { .message = "" };

	if (sl_detach_interface(agent->config->pin_dir, ifindex, &error) != 0)
		sl_log(agent->log, SL_LOG_ERROR, "cannot detach", SL_STR("interface", name),
		       SL_NUM("ifindex", ifindex), SL_STR("error", error.message));
	else
		sl_log(agent->log, SL_LOG_INFO, "no longer protected", SL_STR("interface", name),
		       SL_NUM("ifindex", ifindex));
}

/* What an agent before us, or a configuration before this one, left attached. */
static void detach_others(struct sl_agent *agent)
{
	sl_autofree struct sl_attach_report *reports = NULL;
	struct sl_dp_error error = { .message = "" };
	size_t count = 0;

	if (sl_attach_list(&reports, &count, NULL, agent->config->pin_dir, &error) != 0) {
		sl_log(agent->log, SL_LOG_WARN, "cannot list what is attached",
		       SL_STR("error", error.message));
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!reports[i].ifname[0] || !find(agent, reports[i].ifname))
			detach(agent, reports[i].ifindex, reports[i].ifname);
}

/* The interfaces of the configuration, with what is known of those of before. */
static void replace_specs(struct sl_agent *agent)
{
	struct sl_agent_interface fresh[SL_CONFIG_INTERFACES_MAX] = { 0 };

	for (size_t i = 0; i < agent->config->interface_count; i++) {
		const struct sl_interface_spec *spec = &agent->config->interfaces[i];
		const struct sl_agent_interface *known = find(agent, spec->name);

		if (known)
			fresh[i] = *known;
		fresh[i].spec = *spec;
	}
	memcpy(agent->interfaces, fresh, sizeof(fresh));
	agent->interface_count = agent->config->interface_count;
}

void sl_agent_take_interfaces(struct sl_agent *agent)
{
	replace_specs(agent);
	for (size_t i = 0; i < agent->interface_count; i++) {
		struct sl_agent_interface *interface = &agent->interfaces[i];

		attach(agent, interface);
		if (!interface->attached && !interface->error[0])
			sl_log(agent->log, SL_LOG_WARN,
			       "no such interface (yet); it is protected when it comes",
			       SL_STR("interface", interface->spec.name));
	}
	detach_others(agent);
	if (agent->links)
		sl_links_want(agent->links, agent->config->interfaces, agent->interface_count);
}

void sl_agent_on_link(const struct sl_link_slot *slot, int ifindex, bool come, void *arg)
{
	struct sl_agent *agent = arg;
	struct sl_agent_interface *interface = find(agent, slot->name);

	if (!interface)
		return;
	if (come) {
		if (!interface->attached || interface->ifindex != ifindex)
			attach(agent, interface);
		return;
	}
	/* The name is gone; under another one the interface may still be there. */
	sl_log_limited(agent->log, SL_LOG_LINKS, SL_LOG_WARN, "interface gone",
		       SL_STR("interface", slot->name), SL_NUM("ifindex", ifindex));
	detach(agent, ifindex, slot->name);
	if (interface->ifindex == ifindex)
		forget(interface);
}

void sl_agent_retry_interfaces(struct sl_agent *agent)
{
	for (size_t i = 0; i < agent->interface_count; i++)
		if (agent->interfaces[i].error[0])
			attach(agent, &agent->interfaces[i]);
}

static void repair_sockets(struct sl_agent *agent)
{
	struct sl_dp_error error = { .message = "" };

	if (sl_attach_check_sockets(agent->config->pin_dir, &agent->sockets) == 0)
		return;
	agent->stats.attach_repairs_total++;
	sl_log_limited(agent->log, SL_LOG_LINKS, SL_LOG_WARN,
		       "somebody took the program off that counts connections; attaching it again");
	if (sl_attach_sockets(agent->dataplane, agent->config->cgroup_dir, &agent->sockets,
			      &error) != 0)
		sl_log_limited(agent->log, SL_LOG_LINKS, SL_LOG_ERROR,
			       "concurrent connections are not counted; trying again",
			       SL_STR("error", error.message));
}

void sl_agent_repair(struct sl_agent *agent)
{
	for (size_t i = 0; i < agent->interface_count; i++) {
		struct sl_agent_interface *interface = &agent->interfaces[i];

		/* One that vanished is the news of sl_agent_on_link(). */
		if (!interface->report.ifindex ||
		    sl_attach_check(agent->config->pin_dir, &interface->report) != -ENOLINK)
			continue;
		agent->stats.attach_repairs_total++;
		sl_log_limited(agent->log, SL_LOG_LINKS, SL_LOG_WARN,
			       "somebody took a program off; attaching it again",
			       SL_STR("interface", interface->spec.name),
			       SL_NUM("ifindex", interface->ifindex));
		attach(agent, interface);
	}
	repair_sockets(agent);
}

const struct sl_agent_interface *sl_agent_unattached(const struct sl_agent *agent)
{
	for (size_t i = 0; i < agent->interface_count; i++)
		if (agent->interfaces[i].error[0])
			return &agent->interfaces[i];
	return NULL;
}
