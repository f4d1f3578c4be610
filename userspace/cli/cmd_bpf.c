// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/inspect.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sl_column map_columns[] = {
	{ "map", "MAP", SL_KIND_TEXT, 0 },
	{ "id", "ID", SL_KIND_PLAIN, 0 },
	{ "type", "TYPE", SL_KIND_TEXT, 0 },
	{ "key_bytes", "KEY", SL_KIND_BYTES, 0 },
	{ "value_bytes", "VALUE", SL_KIND_BYTES, 0 },
	{ "entries_used", "USED", SL_KIND_PLAIN, 0 },
	{ "entries_max", "OF", SL_KIND_PLAIN, 0 },
	{ "used_part", "FULL", SL_KIND_PART, 0 },
	{ "memory_bytes", "MEMORY", SL_KIND_MEMORY, 0 },
	{ "mmapable", "MMAP", SL_KIND_BOOL, 0 },
	{ "pin", "PIN", SL_KIND_TEXT, 0 },
};

/* What inspect, too, says with -ENOENT; anything else is a failure. */
static int inspect_failed(struct sl_cli *cli, int err, const struct sl_dp_error *error)
{
	return sl_cli_fail(cli, err == -ENOENT ? SL_EXIT_ABSENT : SL_EXIT_FAILED, "%s",
			   error->message);
}

static bool counts_entries(const struct sl_map_info *map)
{
	return strstr(map->type, "hash") || strstr(map->type, "lpm") ||
	       strstr(map->name, "sl_flows");
}

static void put_occupancy(struct sl_sheet *sheet, const struct sl_maps *maps,
			  const struct sl_map_info *map)
{
	struct sl_occupancy occupancy;
	enum sl_map_id id;

	if (!counts_entries(map) || sl_map_by_name(&id, map->name) ||
	    sl_occupancy_read(&occupancy, maps, id, NULL)) {
		sl_put_none(sheet);
		if (map->max_entries)
			sl_put_number(sheet, map->max_entries);
		else
			sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	sl_put_number(sheet, occupancy.used);
	sl_put_number(sheet, occupancy.max);
	sl_put_real(sheet, occupancy.max ? (double)occupancy.used / (double)occupancy.max : 0.0);
	if (occupancy.used * 10 >= occupancy.max * 9)
		sl_shade(sheet, SL_SHADE_BAD);
}

static void put_map(struct sl_sheet *sheet, const struct sl_maps *maps,
		    const struct sl_map_info *map)
{
	sl_put_text(sheet, map->name);
	sl_put_number(sheet, map->id);
	sl_put_text(sheet, map->type);
	sl_put_number(sheet, map->key_bytes);
	sl_put_number(sheet, map->value_bytes);
	put_occupancy(sheet, maps, map);
	sl_put_number(sheet, map->memory_bytes);
	sl_put_bool(sheet, map->mmapable);
	sl_put_text(sheet, map->pin.text);
}

static const struct sl_column total_columns[] = {
	{ "maps", "maps", SL_KIND_PLAIN, 0 },
	{ "memory_bytes", "memory in all", SL_KIND_MEMORY, 0 },
};

int sl_cmd_bpf_maps(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_autofree struct sl_map_info *infos = NULL;
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	uint64_t memory_bytes = 0;
	size_t count = 0;
	int err, code = sl_live_open(&maps, cli, SL_MAPS_READ);

	(void)args;
	if (code)
		return code;
	err = sl_inspect_maps(&infos, &count, cli->pin_dir, &error);
	if (err)
		return inspect_failed(cli, err, &error);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "maps", NULL, map_columns, COUNT(map_columns));
	for (size_t i = 0; i < count; i++) {
		put_map(sheet, maps, &infos[i]);
		memory_bytes += infos[i].memory_bytes;
	}
	sheet = sl_doc_record(doc, "total", NULL, total_columns, COUNT(total_columns));
	sl_put_number(sheet, count);
	sl_put_number(sheet, memory_bytes);
	return sl_doc_finish(doc, cli);
}

static const struct sl_column prog_columns[] = {
	{ "program", "PROGRAM", SL_KIND_TEXT, 0 },
	{ "id", "ID", SL_KIND_PLAIN, 0 },
	{ "type", "TYPE", SL_KIND_TEXT, 0 },
	{ "tag", "TAG", SL_KIND_TEXT, 0 },
	{ "jited_bytes", "JITED", SL_KIND_BYTES, 0 },
	{ "memory_bytes", "MEMORY", SL_KIND_MEMORY, 0 },
	{ "run_count", "RUNS", SL_KIND_COUNT, 0 },
	{ "run_ns_mean", "NS A RUN", SL_KIND_PLAIN, 0 },
	{ "pin", "PIN", SL_KIND_TEXT, 0 },
};

static void put_prog(struct sl_sheet *sheet, const struct sl_prog_info *prog)
{
	sl_put_text(sheet, prog->name);
	sl_put_number(sheet, prog->id);
	sl_put_text(sheet, prog->type);
	sl_put_textf(sheet, "%02x%02x%02x%02x%02x%02x%02x%02x", prog->tag[0], prog->tag[1],
		     prog->tag[2], prog->tag[3], prog->tag[4], prog->tag[5], prog->tag[6],
		     prog->tag[7]);
	sl_put_number(sheet, prog->jited_bytes);
	sl_put_number(sheet, prog->memory_bytes);
	if (prog->run_count) {
		sl_put_number(sheet, prog->run_count);
		sl_put_number(sheet, prog->run_ns / prog->run_count);
	} else {
		sl_put_none(sheet);
		sl_put_none(sheet);
	}
	sl_put_text(sheet, prog->pin.text);
}

int sl_cmd_bpf_progs(struct sl_cli *cli, const struct sl_args *args)
{
	sl_autofree struct sl_prog_info *progs = NULL;
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	size_t count = 0;
	int err = sl_inspect_progs(&progs, &count, cli->pin_dir, &error);

	(void)args;
	if (err)
		return inspect_failed(cli, err, &error);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "programs", NULL, prog_columns, COUNT(prog_columns));
	for (size_t i = 0; i < count; i++)
		put_prog(sheet, &progs[i]);
	return sl_doc_finish(doc, cli);
}

static const struct sl_column link_columns[] = {
	{ "interface", "INTERFACE", SL_KIND_TEXT, 0 },
	{ "ifindex", "IFINDEX", SL_KIND_PLAIN, 0 },
	{ "hook", "HOOK", SL_KIND_TEXT, 0 },
	{ "attached", "ATTACHED", SL_KIND_TEXT, 0 },
	{ "program_id", "PROGRAM", SL_KIND_PLAIN, 0 },
	{ "link_id", "LINK", SL_KIND_PLAIN, 0 },
	{ "pin", "PIN", SL_KIND_TEXT, 0 },
};

static void put_link(struct sl_sheet *sheet, const struct sl_link_info *link)
{
	bool attached = link->attachment.how != SL_ATTACHED_NOT;

	if (link->hook == SL_PIN_SOCK_OPS)
		sl_put_word(sheet, "(sockets)");
	else
		sl_put_text(sheet, link->ifname[0] ? link->ifname : "(gone)");
	if (link->ifindex)
		sl_put_number(sheet, (uint64_t)link->ifindex);
	else
		sl_put_none(sheet);
	sl_put_text(sheet, sl_pin_hook_name(link->hook));
	sl_put_text(sheet, sl_attached_name(link->attachment.how));
	sl_shade(sheet, attached ? SL_SHADE_GOOD : SL_SHADE_BAD);
	sl_put_number(sheet, link->attachment.prog_id);
	if (link->attachment.link_id)
		sl_put_number(sheet, link->attachment.link_id);
	else
		sl_put_none(sheet);
	sl_put_text(sheet, link->pin.text);
}

int sl_cmd_bpf_links(struct sl_cli *cli, const struct sl_args *args)
{
	sl_autofree struct sl_link_info *links = NULL;
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	size_t count = 0;
	int err = sl_inspect_links(&links, &count, cli->pin_dir, &error);

	(void)args;
	if (err)
		return inspect_failed(cli, err, &error);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "links", NULL, link_columns, COUNT(link_columns));
	sl_sheet_when_empty(sheet, "nothing is attached: no packet is judged");
	for (size_t i = 0; i < count; i++)
		put_link(sheet, &links[i]);
	return sl_doc_finish(doc, cli);
}
