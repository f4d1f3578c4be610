// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/direct.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/dataplane/sync.h"

static const struct sl_column block_columns[] = {
	{ "prefix", "PREFIX", SL_KIND_TEXT, 0 },
	{ "left_ns", "FOR", SL_KIND_DURATION, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },
};

static void put_block(struct sl_sheet *sheet, const struct sl_block_listed *block, uint64_t now_ns)
{
	char prefix[SL_PREFIX_BYTES];
	bool ended = block->until_ns && block->until_ns <= now_ns;

	sl_put_text(sheet, sl_format_prefix(prefix, sizeof(prefix), &block->prefix));
	if (!block->until_ns)
		sl_put_word(sheet, "good");
	else
		sl_put_number(sheet, ended ? 0 : block->until_ns - now_ns);
	sl_put_word(sheet, ended ? "ended" : "blocked");
	sl_shade(sheet, ended ? SL_SHADE_DIM : SL_SHADE_BAD);
}

int sl_cmd_block_list(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_autofree struct sl_block_listed *blocks = NULL;
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	size_t count = 0;
	int code = sl_live_open(&maps, cli, SL_MAPS_READ);

	(void)args;
	if (code)
		return code;
	if (sl_sync_block_list(&blocks, &count, maps, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "blocks", NULL, block_columns, 3);
	sl_sheet_when_empty(sheet, "no prefix is blocked");
	for (size_t i = 0; i < count; i++)
		put_block(sheet, &blocks[i], sl_monotonic_ns());
	return sl_doc_finish(doc, cli);
}

/* All of them are looked at before the first is sent. */
static int parse_all(struct sl_prefix_spec *ret, struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_text_error error;

	for (size_t i = 0; i < args->count; i++)
		if (sl_parse_prefix(&ret[i], args->positionals[i], &error))
			return sl_cli_fail(cli, SL_EXIT_USAGE, "%s", error.message);
	return 0;
}

static int change_direct(struct sl_cli *cli, const struct sl_prefix_spec *prefixes, size_t count,
			 bool add, uint64_t for_ns)
{
	sl_cleanup(sl_direct_close) struct sl_direct direct = { .lock = -1 };
	struct sl_dp_error error = { "" };
	uint64_t until_ns = for_ns ? sl_monotonic_ns() + for_ns : 0;
	int err = 0, code = sl_direct_open(&direct, cli);

	if (code)
		return code;
	for (size_t i = 0; i < count && !err; i++)
		err = add ? sl_sync_block_add(direct.maps, &prefixes[i], until_ns, &error)
			  : sl_sync_block_del(direct.maps, &prefixes[i], &error);
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	return sl_direct_done(cli);
}

static json_t *request_of(const char *command, const char *prefix, const char *for_text)
{
	if (for_text)
		return json_pack("{ssssss}", "cmd", command, "prefix", prefix, "for", for_text);
	return json_pack("{ssss}", "cmd", command, "prefix", prefix);
}

static int change(struct sl_cli *cli, const struct sl_args *args, bool add)
{
	struct sl_prefix_spec prefixes[SL_POSITIONALS_MAX];
	const char *for_text = sl_args_option(args, "for");
	char prefix[SL_PREFIX_BYTES], text[64];
	uint64_t for_ns = 0;
	int code = sl_args_duration(&for_ns, cli, args, "for");

	if (!code)
		code = parse_all(prefixes, cli, args);
	if (code)
		return code;
	if (sl_args_option(args, "direct"))
		return change_direct(cli, prefixes, args->count, add, for_ns);
	for (size_t i = 0; i < args->count; i++) {
		(void)sl_format_prefix(prefix, sizeof(prefix), &prefixes[i]);
		code = sl_agent_call(NULL, cli,
				     request_of(add ? "block.add" : "block.del", prefix, for_text));
		if (code)
			return sl_direct_hint(cli, code);
	}
	(void)snprintf(text, sizeof(text), "%zu %s", args->count, add ? "blocked" : "unblocked");
	return sl_agent_done(cli, text);
}

int sl_cmd_block_add(struct sl_cli *cli, const struct sl_args *args)
{
	return change(cli, args, true);
}

int sl_cmd_block_del(struct sl_cli *cli, const struct sl_args *args)
{
	return change(cli, args, false);
}
