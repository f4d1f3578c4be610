// SPDX-License-Identifier: Apache-2.0
/* Commands about the node as a whole: version, reload, uninstall, help, complete. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/dataplane/uninstall.h"

static const struct sl_column version_columns[] = {
	{ "sluicectl", "sluicectl", SL_KIND_TEXT, 0 },
	{ "abi", "abi", SL_KIND_PLAIN, 0 },
	{ "agent", "agent", SL_KIND_TEXT, 0 },
};

static void put_agent_version(struct sl_sheet *sheet, const struct sl_cli *cli)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	const char *version = NULL;

	if (sl_agent_is_there(cli) &&
	    sl_agent_call(&reply, cli, json_pack("{ss}", "cmd", "ping")) == 0)
		version = json_string_value(json_object_get(reply, "version"));
	if (version)
		sl_put_text(sheet, version);
	else
		sl_put_none(sheet);
}

int sl_cmd_version(struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	(void)args;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_record(doc, "version", NULL, version_columns, 3);
	sl_put_text(sheet, SL_VERSION);
	sl_put_number(sheet, SL_ABI_VERSION);
	put_agent_version(sheet, cli);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_reload(struct sl_cli *cli, const struct sl_args *args)
{
	(void)args;
	return sl_agent_do(cli, json_pack("{ss}", "cmd", "reload"), "reloaded");
}

static bool is_sure(const struct sl_cli *cli)
{
	char answer[16];

	(void)fprintf(cli->err,
		      "This detaches Sluice from every interface and removes all that is pinned "
		      "under\n%s: traffic is not limited any more, counters are lost. Type yes: ",
		      cli->pin_dir);
	(void)fflush(cli->err);
	return fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
}

static const struct sl_column uninstall_columns[] = {
	{ "detached", "detached", SL_KIND_PLAIN, 0 },
	{ "removed", "removed", SL_KIND_TEXT, 0 },
};

int sl_cmd_uninstall(struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	size_t detached = 0;
	int err;

	if (!sl_args_option(args, "yes") && !isatty(STDIN_FILENO))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "nobody to ask here: say --yes");
	if (!sl_args_option(args, "yes") && !is_sure(cli))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "nothing was changed");
	err = sl_uninstall(&detached, cli->pin_dir, &error);
	if (err == -EBUSY)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s; stop sluiced first", error.message);
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_record(doc, "uninstall", NULL, uninstall_columns, 2);
	sl_put_number(sheet, detached);
	sl_put_text(sheet, cli->pin_dir);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_help(struct sl_cli *cli, const struct sl_args *args)
{
	sl_help_print(cli->out, args->count ? args->positionals[0] : NULL,
		      args->count > 1 ? args->positionals[1] : NULL);
	return SL_EXIT_OK;
}

/* All names: the shell keeps those that begin as typed. */
static void print_tenants(void *context, FILE *out)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	const struct sl_cli *cli = context;
	const struct sl_maps_view *view;
	char name[SL_TENANT_NAME_BYTES * 4];

	if (sl_maps_open(&maps, cli->pin_dir, SL_MAPS_READ, NULL))
		return;
	view = sl_maps_view(maps);
	for (uint32_t tenant = 0; tenant < view->tenants; tenant++)
		if (sl_live_exists(view, tenant, true))
			(void)fprintf(out, "%s\n", sl_live_name(name, view, tenant));
}

int sl_cmd_complete(struct sl_cli *cli, const struct sl_args *args)
{
	sl_complete_print(cli->out, args->count, args->positionals, print_tenants, cli);
	return SL_EXIT_OK;
}
