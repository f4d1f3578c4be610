// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/cli/snapshot.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/inspect.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define AGENT_QUIET_NS 10000000000ull /* a heartbeat older than this is a warning */

static const struct sl_column node_columns[] = {
	{ "mode", "mode", SL_KIND_TEXT, 0 },
	{ "agent", "agent", SL_KIND_TEXT, 0 },
	{ "heartbeat_age_ns", "last heartbeat", SL_KIND_DURATION, 0 },
	{ "config_generation", "config generation", SL_KIND_PLAIN, 0 },
	{ "epoch", "epoch", SL_KIND_PLAIN, 0 },
	{ "tenants", "tenants", SL_KIND_PLAIN, 0 },
	{ "tenants_max", "room for", SL_KIND_PLAIN, 0 },
	{ "unknown_traffic", "unknown traffic", SL_KIND_TEXT, 0 },
	{ "blocked_prefixes", "blocked prefixes", SL_KIND_PLAIN, 0 },
	{ "up_ns", "maps exist for", SL_KIND_DURATION, 0 },
	{ "pin_dir", "pinned under", SL_KIND_TEXT, 0 },
	{ "abi", "abi", SL_KIND_PLAIN, 0 },
};

static const struct sl_column interface_columns[] = {
	{ "interface", "INTERFACE", SL_KIND_TEXT, 0 },
	{ "hook", "HOOK", SL_KIND_TEXT, 0 },
	{ "attached", "ATTACHED", SL_KIND_TEXT, 0 },
	{ "program_id", "PROGRAM", SL_KIND_PLAIN, 0 },
};

static const struct sl_column traffic_columns[] = {
	{ "direction", "DIRECTION", SL_KIND_TEXT, 0 },
	{ "offered_packets", "OFFERED", SL_KIND_COUNT, 0 },
	{ "passed_packets", "PASSED", SL_KIND_COUNT, 0 },
	{ "dropped_packets", "DROPPED", SL_KIND_COUNT, 0 },
	{ "shadow_packets", "SHADOW", SL_KIND_COUNT, 0 },
	{ "dropped_bytes", "BYTES DROPPED", SL_KIND_BYTES, 0 },
	{ "unprotected_packets", "UNPROTECTED", SL_KIND_COUNT, 0 },
	{ "not_ip_packets", "NOT IP", SL_KIND_COUNT, 0 },
	{ "off_packets", "WHILE OFF", SL_KIND_COUNT, 0 },
};

static const struct sl_column engine_columns[] = {
	{ "events_sent", "drop events sent", SL_KIND_EXACT, 0 },
	{ "events_lost", "lost, buffer full", SL_KIND_EXACT, 0 },
	{ "events_suppressed", "suppressed by their rate", SL_KIND_EXACT, 0 },
	{ "resets_sent", "resets sent", SL_KIND_EXACT, 0 },
	{ "resets_suppressed", "resets suppressed", SL_KIND_EXACT, 0 },
	{ "cas_retries", "buckets contended", SL_KIND_EXACT, 0 },
	{ "cas_exhausted", "buckets given up", SL_KIND_EXACT, 0 },
	{ "pullbacks", "buckets pulled back", SL_KIND_EXACT, 0 },
	{ "connections_untracked", "connections untracked", SL_KIND_EXACT, 0 },
};

static const struct sl_column agent_columns[] = {
	{ "version", "version", SL_KIND_TEXT, 0 },
	{ "pid", "pid", SL_KIND_PLAIN, 0 },
	{ "up_ns", "up for", SL_KIND_DURATION, 0 },
	{ "ready", "ready", SL_KIND_BOOL, 0 },
	{ "sandbox", "sandbox", SL_KIND_BOOL, 0 },
	{ "config", "configuration", SL_KIND_TEXT, 0 },
	{ "config_error", "its last error", SL_KIND_TEXT, 0 },
	{ "overrides", "overrides", SL_KIND_PLAIN, 0 },
	{ "sheds", "sheds", SL_KIND_PLAIN, 0 },
};

static uint32_t count_tenants(const struct sl_maps_view *view)
{
	uint32_t count = 0;

	for (uint32_t tenant = 1; tenant < view->tenants; tenant++)
		count += sl_live_exists(view, tenant, false);
	return count;
}

static void put_agent(struct sl_sheet *sheet, const struct sl_cli *cli, uint64_t heartbeat_ns,
		      uint64_t now_ns)
{
	bool there = sl_agent_is_there(cli);
	bool quiet = !heartbeat_ns || now_ns > heartbeat_ns + AGENT_QUIET_NS;

	sl_put_text(sheet, there ? "running" : "not running");
	sl_shade(sheet, there ? SL_SHADE_GOOD : SL_SHADE_BAD);
	if (heartbeat_ns && now_ns >= heartbeat_ns)
		sl_put_number(sheet, now_ns - heartbeat_ns);
	else
		sl_put_none(sheet);
	sl_shade(sheet, quiet ? SL_SHADE_WARN : SL_SHADE_NONE);
}

static void put_mode(struct sl_sheet *sheet, enum sl_mode mode)
{
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)mode));
	sl_shade(sheet, mode == SL_MODE_ENFORCE ? SL_SHADE_GOOD : SL_SHADE_WARN);
}

static void add_node(struct sl_doc *doc, const struct sl_cli *cli, const struct sl_maps_view *view)
{
	struct sl_sheet *sheet =
		sl_doc_record(doc, "node", NULL, node_columns, COUNT(node_columns));
	const struct sl_ctl *ctl = view->ctl;
	uint64_t now_ns = sl_monotonic_ns();
	struct sl_ctl_half half;

	sl_live_half(&half, view);
	put_mode(sheet, (enum sl_mode)ctl->mode);
	put_agent(sheet, cli, ctl->heartbeat_ns, now_ns);
	sl_put_number(sheet, ctl->config_generation);
	sl_put_number(sheet, ctl->epoch);
	sl_put_number(sheet, count_tenants(view));
	sl_put_number(sheet, view->tenants - 1);
	sl_put_text(sheet, sl_choice_name(sl_choices_on_miss, (int)half.on_miss));
	sl_put_number(sheet, (uint64_t)ctl->block_count4 + ctl->block_count6);
	sl_put_number(sheet, now_ns > ctl->started_ns ? now_ns - ctl->started_ns : 0);
	sl_put_text(sheet, cli->pin_dir);
	sl_put_number(sheet, ctl->abi_version);
}

static void put_link(struct sl_sheet *sheet, const struct sl_link_info *link)
{
	if (link->hook == SL_PIN_SOCK_OPS)
		sl_put_word(sheet, "(sockets)");
	else if (link->ifname[0])
		sl_put_text(sheet, link->ifname);
	else
		sl_put_textf(sheet, "#%d (gone)", link->ifindex);
	sl_put_text(sheet, sl_pin_hook_name(link->hook));
	sl_put_text(sheet, sl_attached_name(link->attachment.how));
	if (link->attachment.how == SL_ATTACHED_NOT)
		sl_shade(sheet, SL_SHADE_BAD);
	else if (link->attachment.how == SL_ATTACHED_GENERIC)
		sl_shade(sheet, SL_SHADE_WARN);
	sl_put_number(sheet, link->attachment.prog_id);
}

static void add_interfaces(struct sl_doc *doc, const struct sl_cli *cli)
{
	struct sl_sheet *sheet = sl_doc_table(doc, "interfaces", "Attached", interface_columns,
					      COUNT(interface_columns));
	sl_autofree struct sl_link_info *links = NULL;
	struct sl_dp_error error = { "" };
	size_t count = 0;

	sl_sheet_when_empty(sheet, "nowhere: no packet is judged");
	if (sl_inspect_links(&links, &count, cli->pin_dir, &error)) {
		sl_cli_note(cli, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < count; i++)
		put_link(sheet, &links[i]);
}

static uint64_t number_of(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? (uint64_t)value : 0;
}

static void put_string(struct sl_sheet *sheet, const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (text)
		sl_put_text(sheet, text);
	else
		sl_put_none(sheet);
}

/* What only the agent knows. Without one this section is not there. */
static void add_agent(struct sl_doc *doc, const struct sl_cli *cli)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	const json_t *config;
	struct sl_sheet *sheet;
	bool ready;

	if (!sl_agent_is_there(cli) ||
	    sl_agent_call(&reply, cli, json_pack("{ss}", "cmd", "status")))
		return;
	config = json_object_get(reply, "config");
	ready = json_is_true(json_object_get(reply, "ready"));
	sheet = sl_doc_record(doc, "agent", "Agent", agent_columns, COUNT(agent_columns));
	put_string(sheet, reply, "version");
	sl_put_number(sheet, number_of(reply, "pid"));
	sl_put_number(sheet, number_of(reply, "uptime_s") * 1000000000u);
	sl_put_bool(sheet, ready);
	sl_shade(sheet, ready ? SL_SHADE_GOOD : SL_SHADE_BAD);
	sl_put_bool(sheet, json_is_true(json_object_get(reply, "sandbox")));
	put_string(sheet, config, "path");
	put_string(sheet, config, "error");
	if (!json_is_null(json_object_get(config, "error")))
		sl_shade(sheet, SL_SHADE_BAD);
	sl_put_number(sheet, number_of(reply, "overrides"));
	sl_put_number(sheet, number_of(reply, "sheds"));
}

static struct sl_tally sum_of(const struct sl_snapshot *snapshot, enum sl_direction direction)
{
	struct sl_tally sum = { 0 };

	for (uint32_t tenant = 0; tenant < snapshot->count; tenant++) {
		struct sl_tally tally = sl_tally_between(NULL, snapshot, tenant, direction);

		sum.offered.packets += tally.offered.packets;
		sum.passed.packets += tally.passed.packets;
		sum.dropped.packets += tally.dropped.packets;
		sum.dropped.bytes += tally.dropped.bytes;
		sum.shadow.packets += tally.shadow.packets;
	}
	return sum;
}

static void put_traffic(struct sl_sheet *sheet, const char *direction, const struct sl_tally *sum,
			const struct sl_bypass *bypass)
{
	sl_put_text(sheet, direction);
	sl_put_number(sheet, sum->offered.packets);
	sl_put_number(sheet, sum->passed.packets);
	sl_put_number(sheet, sum->dropped.packets);
	sl_put_number(sheet, sum->shadow.packets);
	sl_put_number(sheet, sum->dropped.bytes);
	sl_put_number(sheet, bypass->unprotected.packets);
	sl_put_number(sheet, bypass->not_ip.packets);
	sl_put_number(sheet, bypass->off.packets);
}

static void put_engine(struct sl_sheet *sheet, const struct sl_node *node)
{
	const uint64_t numbers[] = { node->events_sent,	      node->events_lost,
				     node->events_suppressed, node->resets_sent,
				     node->resets_suppressed, node->cas_retries,
				     node->cas_exhausted,     node->pullbacks,
				     node->conns_untracked };

	for (size_t i = 0; i < COUNT(numbers); i++)
		sl_put_number(sheet, numbers[i]);
}

static int add_traffic(struct sl_doc *doc, const struct sl_cli *cli, const struct sl_maps *maps)
{
	sl_cleanup(sl_snapshot_freep) struct sl_snapshot *snapshot = NULL;
	struct sl_dp_error error = { "" };
	struct sl_node node = { 0 };
	struct sl_tally ingress, egress;
	struct sl_sheet *sheet;
	int code = sl_snapshot_take(&snapshot, cli, maps);

	if (!code && sl_node_read(&node, maps, &error))
		code = sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	if (code)
		return code;
	ingress = sum_of(snapshot, SL_INGRESS);
	egress = sum_of(snapshot, SL_EGRESS);
	sheet = sl_doc_table(doc, "traffic", "Packets since the maps exist", traffic_columns,
			     COUNT(traffic_columns));
	put_traffic(sheet, "ingress", &ingress, &node.ingress);
	put_traffic(sheet, "egress", &egress, &node.egress);
	put_engine(sl_doc_record(doc, "engine", "Engine", engine_columns, COUNT(engine_columns)),
		   &node);
	return 0;
}

int sl_cmd_status(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_cleanup(sl_doc_freep) struct sl_doc *doc = NULL;
	int code = sl_live_open(&maps, cli, SL_MAPS_READ);

	(void)args;
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	add_node(doc, cli, sl_maps_view(maps));
	add_agent(doc, cli);
	add_interfaces(doc, cli);
	code = add_traffic(doc, cli, maps);
	return code ? code : sl_doc_finish(SL_TAKE_PTR(doc), cli);
}
