// SPDX-License-Identifier: Apache-2.0
/* quota: what this node has of the limits of all nodes, and why. */
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/cells.h"
#include "userspace/cli/commands.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sl_column node_columns[] = {
	{ "node", "node", SL_KIND_TEXT, 0 },
	{ "redis", "Redis", SL_KIND_TEXT, 0 },
	{ "redis_error", "its last error", SL_KIND_TEXT, 0 },
	{ "since_ns", "for", SL_KIND_DURATION, 0 },
	{ "answer_ns", "last answer took", SL_KIND_DURATION, 0 },
	{ "calls_total", "calls", SL_KIND_EXACT, 0 },
	{ "failed_total", "failed", SL_KIND_EXACT, 0 },
	{ "conflicts_total", "terms not taken", SL_KIND_EXACT, 0 },
	{ "peers_renewing", "others that renew", SL_KIND_EXACT, 0 },
	{ "peers_failing", "others that cannot", SL_KIND_EXACT, 0 },
	{ "peers_idle", "others without need", SL_KIND_EXACT, 0 },
	{ "drained", "drained", SL_KIND_BOOL, 0 },
};

static const struct sl_column lease_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },     { "limit", "LIMIT", SL_KIND_TEXT, 0 },
	{ "rate", "OF ALL NODES", SL_KIND_RATE, 0 }, { "has", "THIS NODE HAS", SL_KIND_RATE, 0 },
	{ "wants", "WANTS", SL_KIND_RATE, 0 },	     { "nodes", "NODES", SL_KIND_PLAIN, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },	     { "left_ns", "ENDS IN", SL_KIND_DURATION, 0 },
	{ "why", "WHY", SL_KIND_TEXT, 0 },
};

static void put_redis(struct sl_sheet *sheet, const json_t *reply)
{
	const char *state = json_string_value(json_object_get(reply, "redis"));

	sl_put_text_of(sheet, reply, "redis");
	sl_shade(sheet, state && !strcmp(state, "ok") ? SL_SHADE_GOOD : SL_SHADE_BAD);
}

/* Without NATS nobody is heard. */
static void put_peers(struct sl_sheet *sheet, const json_t *peers)
{
	static const char *const states[] = { "renewing", "failing", "idle" };

	for (size_t i = 0; i < COUNT(states); i++)
		if (json_is_object(peers))
			sl_put_whole_of(sheet, peers, states[i]);
		else
			sl_put_none(sheet);
}

static void add_node(struct sl_doc *doc, const json_t *reply)
{
	struct sl_sheet *sheet =
		sl_doc_record(doc, "node", NULL, node_columns, COUNT(node_columns));

	sl_put_text_of(sheet, reply, "node");
	put_redis(sheet, reply);
	sl_put_text_of(sheet, reply, "redis_error");
	sl_put_time_of(sheet, reply, "since_s");
	sl_put_time_of(sheet, reply, "answer_s");
	sl_put_whole_of(sheet, reply, "calls_total");
	sl_put_whole_of(sheet, reply, "failed_total");
	sl_put_whole_of(sheet, reply, "conflicts_total");
	put_peers(sheet, json_object_get(reply, "peers"));
	sl_put_bool(sheet, json_is_true(json_object_get(reply, "drained")));
}

static void put_has(struct sl_sheet *sheet, const json_t *lease)
{
	if (json_is_true(json_object_get(lease, "unlimited")))
		sl_put_word(sheet, "all");
	else
		sl_put_whole_of(sheet, lease, "has_per_s");
}

static void put_lease(struct sl_sheet *sheet, const json_t *lease)
{
	const char *state = json_string_value(json_object_get(lease, "state"));
	const bool good = state && (!strcmp(state, "held") || !strcmp(state, "cold"));

	sl_put_text_of(sheet, lease, "tenant");
	sl_put_text_of(sheet, lease, "limit");
	sl_put_whole_of(sheet, lease, "rate_per_s");
	put_has(sheet, lease);
	sl_put_whole_of(sheet, lease, "wants_per_s");
	sl_put_whole_of(sheet, lease, "nodes");
	sl_put_text_of(sheet, lease, "state");
	sl_shade(sheet, good ? SL_SHADE_GOOD : SL_SHADE_WARN);
	if (json_is_number(json_object_get(lease, "left_s")))
		sl_put_time_of(sheet, lease, "left_s");
	else
		sl_put_none(sheet);
	sl_put_text_of(sheet, lease, "why");
}

int sl_cmd_quota(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	const json_t *leases;
	int code = sl_agent_call(&reply, cli, json_pack("{ss}", "cmd", "quota"));

	(void)args;
	if (code)
		return code;
	if (!json_is_true(json_object_get(reply, "on")))
		return sl_cli_fail(cli, SL_EXIT_FAILED,
				   "no limit of this node is global: see tenants[].global of the "
				   "configuration");
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	add_node(doc, reply);
	sheet = sl_doc_table(doc, "leases", "Limits of all nodes", lease_columns,
			     COUNT(lease_columns));
	leases = json_object_get(reply, "leases");
	for (size_t i = 0; i < json_array_size(leases); i++)
		put_lease(sheet, json_array_get(leases, i));
	return sl_doc_finish(doc, cli);
}
