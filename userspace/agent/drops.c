// SPDX-License-Identifier: Apache-2.0
/* Sampled drops, from the ring buffer to the log and to those who follow. */
#include "userspace/agent/agent_private.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/domain/counters.h"

#define DRAIN_MAX 4096 /* a turn; then others in the loop have theirs */

struct words {
	char remote[SL_ADDRESS_BYTES];
	char local[SL_ADDRESS_BYTES];
	char tenant[SL_TENANT_NAME_BYTES];
	char protocol[8];
	const char *reason;
	const char *interface;
	const char *direction;
};

static void put_address(char text[SL_ADDRESS_BYTES], const struct sl_event *event,
			const uint8_t bytes[16])
{
	struct sl_address address = { .family = event->family };

	text[0] = '\0';
	if (event->family != 4 && event->family != 6)
		return;
	memcpy(address.bytes, bytes, event->family == 4 ? 4 : 16);
	(void)sl_format_address(text, SL_ADDRESS_BYTES, &address);
}

static void put_protocol(char text[8], uint8_t protocol)
{
	const char *name = sl_choice_name(sl_choices_protocol, protocol);

	if (strcmp(name, "?") == 0)
		(void)snprintf(text, 8, "%u", protocol);
	else
		(void)snprintf(text, 8, "%.7s", name);
}

static const char *interface_name(const struct sl_agent *agent, uint32_t ifindex)
{
	for (size_t i = 0; i < agent->interface_count; i++)
		if ((uint32_t)agent->interfaces[i].ifindex == ifindex)
			return agent->interfaces[i].spec.name;
	return "";
}

/* Everything in an event comes from the kernel; it is bounded all the same. */
static void describe(struct words *ret, const struct sl_agent *agent, const struct sl_event *event)
{
	const struct sl_maps_view *view = sl_maps_view(agent->maps);
	const struct sl_reason_info *reason = sl_reason_info(event->reason);

	put_address(ret->remote, event, event->remote);
	put_address(ret->local, event, event->local);
	put_protocol(ret->protocol, event->protocol);
	(void)snprintf(ret->tenant, sizeof(ret->tenant), "%.55s",
		       event->tenant < view->tenants ? view->names[event->tenant].name : "");
	if (event->tenant == SL_TENANT_UNKNOWN)
		(void)snprintf(ret->tenant, sizeof(ret->tenant), SL_NAME_UNKNOWN);
	ret->reason = reason ? reason->name : "?";
	ret->interface = interface_name(agent, event->ifindex);
	ret->direction = event->direction == SL_EGRESS ? "egress" : "ingress";
}

static json_t *to_json(const struct words *words, const struct sl_event *event)
{
	uint64_t age_ns = sl_monotonic_ns() - event->time_ns;

	return json_pack("{ss ss ss sI sI ss ss sI ss sI ss sI sI sb}", "tenant", words->tenant,
			 "reason", words->reason, "direction", words->direction, "time_unix_ns",
			 (json_int_t)(sl_wall_ns() - age_ns), "bytes",
			 (json_int_t)event->length_bytes, "interface", words->interface, "remote",
			 words->remote, "remote_port", (json_int_t)ntohs(event->remote_port),
			 "local", words->local, "local_port", (json_int_t)ntohs(event->local_port),
			 "protocol", words->protocol, "tcp_flags", (json_int_t)event->tcp_flags,
			 "tenant_id", (json_int_t)event->tenant, "shadow", (int)event->shadow);
}

void sl_agent_on_drop(const struct sl_event *event, void *arg)
{
	struct sl_agent *agent = arg;
	struct words words;
	json_t *json;

	agent->stats.events_total++;
	describe(&words, agent, event);
	sl_log_limited(agent->log, SL_LOG_DROPS, SL_LOG_INFO, event->shadow ? "would drop" : "drop",
		       SL_STR("tenant", words.tenant), SL_STR("reason", words.reason),
		       SL_STR("direction", words.direction), SL_STR("protocol", words.protocol),
		       SL_STR("remote", words.remote),
		       SL_NUM("remote_port", ntohs(event->remote_port)),
		       SL_STR("local", words.local), SL_NUM("local_port", ntohs(event->local_port)),
		       SL_STR("interface", words.interface));
	if (!sl_admin_stats(agent->admin).followers)
		return;
	json = to_json(&words, event);
	if (json)
		sl_admin_broadcast(agent->admin, json);
}

void sl_agent_drain(struct sl_agent *agent)
{
	struct sl_dp_error error = { .message = "" };
	size_t count = 0;

	if (agent->events && sl_events_poll(&count, agent->events, DRAIN_MAX, &error) != 0)
		sl_log_limited(agent->log, SL_LOG_SYNC, SL_LOG_ERROR, "cannot read drop events",
			       SL_STR("error", error.message));
}
