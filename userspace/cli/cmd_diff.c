// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/diff.h"
#include "userspace/cli/live.h"
#include "userspace/dataplane/sources_read.h"

static void plan_freep(struct sl_plan **plan)
{
	sl_plan_free(*plan);
}

static int make_plan(struct sl_plan **ret, struct sl_cli *cli, const struct sl_maps_view *view)
{
	struct sl_text_error error = { "" };
	struct sl_plan_input in = {
		.names = view->names,
		.tenants = view->tenants,
		.services4_lines = view->services4_lines,
		.services6_lines = view->services6_lines,
		.now_ns = sl_monotonic_ns(),
		.tick_ns = view->ctl->clock_tick_ns,
		.seed = 1,
	};

	if (sl_plan_make(ret, cli->config, &in, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	return 0;
}

/* The prefix maps, owned. */
struct prefixes {
	struct sl_source_entry *sources4;
	struct sl_source_entry *sources6;
	struct sl_block_listed *blocks;
};

static void release(struct prefixes *prefixes)
{
	free(prefixes->sources4);
	free(prefixes->sources6);
	free(prefixes->blocks);
}

static int read_prefixes(struct prefixes *prefixes, struct sl_diff_live *live, struct sl_cli *cli,
			 const struct sl_maps *maps)
{
	struct sl_dp_error error = { "" };

	if (sl_sources_read(&prefixes->sources4, &live->sources4_count, maps, 4, &error) ||
	    sl_sources_read(&prefixes->sources6, &live->sources6_count, maps, 6, &error) ||
	    sl_sync_block_list(&prefixes->blocks, &live->block_count, maps, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	live->sources4 = prefixes->sources4;
	live->sources6 = prefixes->sources6;
	live->blocks = prefixes->blocks;
	return 0;
}

static int print(struct sl_cli *cli, const struct sl_diff_live *live, const struct sl_plan *plan)
{
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	bool differs;
	int code;

	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "differences", NULL, sl_diff_columns, SL_DIFF_COLUMNS);
	sl_sheet_when_empty(sheet, "the maps hold what the configuration says");
	if (sl_diff_put(sheet, live, cli->config, plan)) {
		sl_doc_free(doc);
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	}
	differs = sl_sheet_rows(sheet) > 0;
	code = sl_doc_finish(doc, cli);
	return code ? code : differs ? SL_EXIT_FAILED : SL_EXIT_OK;
}

int sl_cmd_bpf_diff(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_cleanup(plan_freep) struct sl_plan *plan = NULL;
	sl_cleanup(release) struct prefixes prefixes = { 0 };
	struct sl_diff_live live = { .now_ns = sl_monotonic_ns() };
	int code;

	(void)args;
	if (!cli->config)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "bpf diff wants --config FILE");
	code = sl_live_open(&maps, cli, SL_MAPS_READ);
	if (code)
		return code;
	live.view = sl_maps_view(maps);
	code = make_plan(&plan, cli, live.view);
	if (!code)
		code = read_prefixes(&prefixes, &live, cli, maps);
	return code ? code : print(cli, &live, plan);
}
