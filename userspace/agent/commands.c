// SPDX-License-Identifier: Apache-2.0
/* What each request of the admin socket does. */
#include "userspace/agent/agent_private.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/agent/commands_quota.h"
#include "userspace/agent/override_json.h"
#include "userspace/agent/pressure.h"
#include "userspace/base/clock.h"
#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/hand_over.h"

static uint64_t end_of(const struct sl_admin_request *request)
{
	return request->for_ns ? sl_wall_ns() + request->for_ns : 0;
}

/* True when there is such a tenant; else @reply says that there is none. */
static bool has_tenant(struct sl_admin_reply *reply, const struct sl_agent *agent, const char *name,
		       uint32_t *ret_id)
{
	int64_t id = sl_agent_tenant_id(agent, name);

	if (id < 0) {
		sl_admin_refuse(reply, "no tenant is called \"%s\"", name);
		return false;
	}
	if (ret_id)
		*ret_id = (uint32_t)id;
	return true;
}

/* Takes @changed. */
static void change(struct sl_admin_reply *reply, struct sl_agent *agent,
		   struct sl_overrides *changed)
{
	struct sl_agent_error error = { .message = "" }, unsaved = { .message = "" };

	if (sl_agent_change(agent, changed, &unsaved, &error) != 0) {
		sl_admin_refuse(reply, "%s", error.message);
		return;
	}
	reply->body = json_object();
	if (unsaved.message[0])
		(void)json_object_set_new(reply->body, "warning", json_string(unsaved.message));
}

/* A copy to change; false: refused. */
static bool begin(struct sl_admin_reply *reply, const struct sl_agent *agent,
		  struct sl_overrides *ret)
{
	if (sl_agent_copy_overrides(ret, &agent->overrides) == 0)
		return true;
	sl_admin_refuse(reply, "out of memory");
	return false;
}

static bool set(struct sl_admin_reply *reply, struct sl_overrides *overrides,
		const struct sl_override *item)
{
	struct sl_text_error error = { .message = "" };

	if (sl_overrides_set(overrides, item, &error) == 0)
		return true;
	sl_admin_refuse(reply, "%s", error.message);
	sl_overrides_release(overrides);
	return false;
}

static void set_one(struct sl_admin_reply *reply, struct sl_agent *agent,
		    const struct sl_override *item)
{
	struct sl_overrides changed;

	if (begin(reply, agent, &changed) && set(reply, &changed, item))
		change(reply, agent, &changed);
}

static void limit_set(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		      struct sl_agent *agent)
{
	struct sl_overrides changed;

	if (!has_tenant(reply, agent, request->tenant, NULL) || !begin(reply, agent, &changed))
		return;
	for (size_t i = 0; i < request->set_count; i++) {
		struct sl_override item = request->set[i];

		memcpy(item.tenant, request->tenant, sizeof(item.tenant));
		item.until_unix_ns = end_of(request);
		if (!set(reply, &changed, &item))
			return;
	}
	change(reply, agent, &changed);
}

static void limit_clear(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			struct sl_agent *agent)
{
	struct sl_overrides changed;
	size_t count;

	if (!begin(reply, agent, &changed))
		return;
	count = sl_overrides_clear_tenant(&changed, request->tenant);
	if (count == 0) {
		sl_overrides_release(&changed);
		sl_admin_refuse(reply, "nothing is set for \"%s\"", request->tenant);
		return;
	}
	change(reply, agent, &changed);
	if (reply->body)
		(void)json_object_set_new(reply->body, "cleared", json_integer((json_int_t)count));
}

static json_t *sheds_list(const struct sl_agent *agent)
{
	json_t *list = json_array();
	uint64_t now_ns = sl_monotonic_ns(), unix_ns = sl_wall_ns();

	for (size_t i = 0; i < agent->sheds.count; i++) {
		const struct sl_shed *shed = &agent->sheds.at[i];

		(void)json_array_append_new(
			list, json_pack("{ss si sI sb}", "tenant", shed->tenant, "permille",
					(int)shed->permille, "until_unix_ns",
					(json_int_t)(unix_ns + shed->until_ns - now_ns),
					"by_pressure", (int)shed->by_pressure));
	}
	return list;
}

static void limit_list(struct sl_admin_reply *reply, const struct sl_agent *agent)
{
	json_t *list = json_array();

	for (size_t i = 0; i < agent->overrides.count; i++)
		(void)json_array_append_new(list, sl_override_to_json(&agent->overrides.at[i]));
	reply->body = json_pack("{so so}", "overrides", list, "sheds", sheds_list(agent));
}

/* Room for one more of its family, or for itself once more. */
static bool has_block_room(const struct sl_agent *agent, const struct sl_prefix_spec *prefix)
{
	const struct sl_config *config = agent->effective;
	size_t used = 0;

	for (size_t i = 0; i < config->block_count; i++) {
		if (memcmp(&config->blocks[i].prefix, prefix, sizeof(*prefix)) == 0)
			return true;
		used += config->blocks[i].prefix.address.family == prefix->address.family;
	}
	return used < config->sizes.blocks;
}

static void block_add(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		      struct sl_agent *agent)
{
	const struct sl_override item = { .field = SL_OVERRIDE_PREFIX,
					  .prefix = request->prefix,
					  .value = 1,
					  .until_unix_ns = end_of(request) };

	if (!has_block_room(agent, &request->prefix)) {
		sl_admin_refuse(
			reply,
			"sizes.blocks: there is room for %u blocks of a family and all are taken; "
			"lift some, or raise it and start once with --migrate",
			agent->effective->sizes.blocks);
		return;
	}
	set_one(reply, agent, &item);
}

static bool is_configured_block(const struct sl_agent *agent, const struct sl_prefix_spec *prefix)
{
	for (size_t i = 0; i < agent->config->block_count; i++)
		if (memcmp(&agent->config->blocks[i].prefix, prefix, sizeof(*prefix)) == 0)
			return true;
	return false;
}

/* A block of the file is overridden; one of an operator is forgotten. */
static void block_del(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		      struct sl_agent *agent)
{
	const struct sl_override item = { .field = SL_OVERRIDE_PREFIX, .prefix = request->prefix };
	const struct sl_override *there = sl_overrides_find(&agent->overrides, &item);
	bool configured = is_configured_block(agent, &request->prefix);
	struct sl_overrides changed;
	char text[SL_PREFIX_BYTES];

	if (there ? there->value == 0 : !configured) {
		sl_admin_refuse(reply, "%s is not blocked",
				sl_format_prefix(text, sizeof(text), &request->prefix));
		return;
	}
	if (configured) {
		set_one(reply, agent, &item);
		return;
	}
	if (!begin(reply, agent, &changed))
		return;
	(void)sl_overrides_clear(&changed, &item);
	change(reply, agent, &changed);
}

static struct sl_override mode_item(const struct sl_admin_request *request)
{
	struct sl_override item = { .field = request->tenant[0] ? SL_OVERRIDE_TENANT_MODE
								: SL_OVERRIDE_MODE,
				    .value = request->mode,
				    .until_unix_ns = end_of(request) };

	memcpy(item.tenant, request->tenant, sizeof(item.tenant));
	return item;
}

static void mode_set(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		     struct sl_agent *agent)
{
	const struct sl_override item = mode_item(request);

	if (!request->tenant[0] || has_tenant(reply, agent, request->tenant, NULL))
		set_one(reply, agent, &item);
}

static void mode_clear(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		       struct sl_agent *agent)
{
	const struct sl_override item = mode_item(request);
	struct sl_overrides changed;

	if (!begin(reply, agent, &changed))
		return;
	if (sl_overrides_clear(&changed, &item) != 0) {
		sl_overrides_release(&changed);
		sl_admin_refuse(reply, "no mode is set");
		return;
	}
	change(reply, agent, &changed);
}

/* In place, at once; the next plan brings it again. */
static void shed_set(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		     struct sl_agent *agent)
{
	struct sl_shed shed = { .permille = request->permille,
				.until_ns = sl_monotonic_ns() + request->for_ns };
	uint32_t id = 0;

	if (!has_tenant(reply, agent, request->tenant, &id))
		return;
	if (id == SL_TENANT_UNKNOWN) {
		sl_admin_refuse(reply, "\"%s\" cannot be shed", SL_NAME_UNKNOWN);
		return;
	}
	memcpy(shed.tenant, request->tenant, sizeof(shed.tenant));
	if (sl_sheds_set(&agent->sheds, &shed) != 0) {
		sl_admin_refuse(reply, "%u tenants are shed already", SL_SHEDS_MAX);
		return;
	}
	(void)sl_sync_shed(agent->maps, id, shed.permille, shed.permille ? shed.until_ns : 0);
}

static void flow(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		 struct sl_agent *agent)
{
	bool bind = request->command == SL_ADMIN_FLOW_BIND;
	struct sl_flow_spec spec = { .remote = request->remote,
				     .local = request->local,
				     .remote_port = request->remote_port,
				     .local_port = request->local_port,
				     .protocol = request->protocol };
	struct sl_dp_error error = { .message = "" };
	int err;

	if (bind && !has_tenant(reply, agent, request->tenant, &spec.tenant))
		return;
	err = bind ? sl_flow_bind(agent->maps, &spec, &error)
		   : sl_flow_unbind(agent->maps, &spec, &error);
	if (err == -ENOENT)
		sl_admin_refuse(reply, "this flow is not bound");
	else if (err)
		sl_admin_refuse(reply, "%s", error.message);
}

/*
 * What a gateway needs to bind flows and charge buckets; order and names are in the
 * answer. What only the agent writes goes out read-only: a gateway parses strangers'
 * input, and whoever takes it over must not own the limits.
 */
static void maps_fds(struct sl_admin_reply *reply, const struct sl_agent *agent)
{
	static const struct {
		enum sl_map_id id;
		enum sl_maps_access access;
	} shared[] = {
		{ SL_MAP_FLOWS4, SL_MAPS_WRITE },	 { SL_MAP_FLOWS6, SL_MAPS_WRITE },
		{ SL_MAP_BUCKETS, SL_MAPS_WRITE },	 { SL_MAP_REFUSALS, SL_MAPS_WRITE },
		{ SL_MAP_LIMITS, SL_MAPS_READ },	 { SL_MAP_CTL, SL_MAPS_READ },
		{ SL_MAP_NAMES, SL_MAPS_READ },		 { SL_MAP_REQUEST_LIMITS, SL_MAPS_READ },
		{ SL_MAP_REQUEST_WORDS, SL_MAPS_WRITE },
	};
	json_t *names = json_array();

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct sl_dp_error error = { .message = "" };
		int fd = sl_maps_hand_over(agent->maps, shared[i].id, shared[i].access, &error);

		if (fd < 0) {
			json_decref(names);
			sl_admin_refuse(reply, "%s", error.message);
			return;
		}
		(void)json_array_append_new(names, json_string(sl_map_name(shared[i].id)));
		reply->fds[reply->fd_count++] = fd;
	}
	sl_flow_use(agent->maps); /* the receiver binds flows without asking us */
	reply->body = json_pack("{si so}", "abi", (int)SL_ABI_VERSION, "maps", names);
}

static void reload(struct sl_admin_reply *reply, struct sl_agent *agent)
{
	struct sl_agent_error error = { .message = "" };

	if (sl_agent_reload(agent, &error) != 0)
		sl_admin_refuse(reply, "%s", error.message);
}

static void serve(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		  struct sl_agent *agent)
{
	switch (request->command) {
	case SL_ADMIN_PING:
		reply->body = json_pack("{ss si}", "version", SL_VERSION, "pid", (int)getpid());
		break;
	case SL_ADMIN_STATUS:
		reply->body = sl_agent_status(agent);
		break;
	case SL_ADMIN_RELOAD:
		reload(reply, agent);
		break;
	case SL_ADMIN_LIMIT_SET:
		limit_set(reply, request, agent);
		break;
	case SL_ADMIN_LIMIT_CLEAR:
		limit_clear(reply, request, agent);
		break;
	case SL_ADMIN_LIMIT_LIST:
		limit_list(reply, agent);
		break;
	case SL_ADMIN_BLOCK_ADD:
		block_add(reply, request, agent);
		break;
	case SL_ADMIN_BLOCK_DEL:
		block_del(reply, request, agent);
		break;
	case SL_ADMIN_MODE_SET:
		mode_set(reply, request, agent);
		break;
	case SL_ADMIN_MODE_CLEAR:
		mode_clear(reply, request, agent);
		break;
	case SL_ADMIN_SHED_SET:
		shed_set(reply, request, agent);
		break;
	case SL_ADMIN_PRESSURE:
		reply->body = sl_agent_pressure_json(agent->pressure);
		break;
	case SL_ADMIN_QUOTA:
	case SL_ADMIN_QUOTA_SHOW:
	case SL_ADMIN_QUOTA_EXPLAIN:
	case SL_ADMIN_QUOTA_SET:
	case SL_ADMIN_QUOTA_RAISE:
	case SL_ADMIN_QUOTA_LOWER:
	case SL_ADMIN_QUOTA_CLEAR:
	case SL_ADMIN_QUOTA_DRAIN:
	case SL_ADMIN_QUOTA_UNDRAIN:
		sl_agent_quota_request(reply, request, agent);
		break;
	case SL_ADMIN_FLOW_BIND:
	case SL_ADMIN_FLOW_UNBIND:
		flow(reply, request, agent);
		break;
	case SL_ADMIN_MAPS_FDS:
		maps_fds(reply, agent);
		break;
	case SL_ADMIN_EVENTS_FOLLOW:
		reply->follow = true;
		break;
	case SL_ADMIN_COMMANDS:
		break;
	}
}

static bool is_question(enum sl_admin_command command)
{
	return command == SL_ADMIN_PING || command == SL_ADMIN_STATUS ||
	       command == SL_ADMIN_LIMIT_LIST || command == SL_ADMIN_PRESSURE ||
	       command == SL_ADMIN_QUOTA || command == SL_ADMIN_QUOTA_SHOW ||
	       command == SL_ADMIN_QUOTA_EXPLAIN || command == SL_ADMIN_FLOW_BIND ||
	       command == SL_ADMIN_FLOW_UNBIND;
}

void sl_agent_on_request(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			 const char *line, void *arg)
{
	struct sl_agent *agent = arg;

	serve(reply, request, agent);
	if (is_question(request->command))
		return;
	/* Who changed a limit, and when, is asked weeks later. */
	if (reply->refused)
		sl_log(agent->log, SL_LOG_WARN, "request refused", SL_STR("request", line),
		       SL_STR("error", reply->error));
	else
		sl_log(agent->log, SL_LOG_INFO, "request done", SL_STR("request", line));
}
