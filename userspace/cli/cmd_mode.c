// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/direct.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/dataplane/sync.h"

static const struct sl_column node_columns[] = {
	{ "mode", "mode of the node", SL_KIND_TEXT, 0 },
	{ "meaning", "", SL_KIND_TEXT, 0 },
};

static const struct sl_column tenant_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "own_mode", "OWN MODE", SL_KIND_TEXT, 0 },
	{ "mode", "APPLIES", SL_KIND_TEXT, 0 },
};

static const char *meaning_of(enum sl_mode mode)
{
	switch (mode) {
	case SL_MODE_ENFORCE:
		return "over the limit is dropped";
	case SL_MODE_SHADOW:
		return "nothing is dropped; what enforce would drop is counted";
	case SL_MODE_OFF:
		return "nothing is judged";
	}
	return "unknown to this sluicectl";
}

static void put_mode(struct sl_sheet *sheet, enum sl_mode mode)
{
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)mode));
	sl_shade(sheet, mode == SL_MODE_ENFORCE ? SL_SHADE_GOOD : SL_SHADE_WARN);
}

static void put_tenant(struct sl_sheet *sheet, const struct sl_maps_view *view, uint32_t tenant)
{
	char name[SL_TENANT_NAME_BYTES * 4];
	struct sl_limit limit;

	sl_live_limit(&limit, view, tenant);
	sl_put_text(sheet, sl_live_name(name, view, tenant));
	put_mode(sheet, (enum sl_mode)(limit.ingress.flags & SL_SIDE_MODE_MASK));
	put_mode(sheet, sl_live_mode(view, &limit));
}

int sl_cmd_mode_show(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	const struct sl_maps_view *view;
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	int code = sl_live_open(&maps, cli, SL_MAPS_READ);

	(void)args;
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	view = sl_maps_view(maps);
	sheet = sl_doc_record(doc, "node", NULL, node_columns, 2);
	put_mode(sheet, (enum sl_mode)view->ctl->mode);
	sl_put_text(sheet, meaning_of((enum sl_mode)view->ctl->mode));
	sheet = sl_doc_table(doc, "tenants", NULL, tenant_columns, 3);
	for (uint32_t tenant = 0; tenant < view->tenants; tenant++)
		if (sl_live_exists(view, tenant, false))
			put_tenant(sheet, view, tenant);
	return sl_doc_finish(doc, cli);
}

static int set_direct(struct sl_cli *cli, enum sl_mode mode)
{
	sl_cleanup(sl_direct_close) struct sl_direct direct = { .lock = -1 };
	int code = sl_direct_open(&direct, cli);

	if (code)
		return code;
	sl_sync_mode(direct.maps, mode);
	return sl_direct_done(cli);
}

/* Adds @key when there is a @value; gives the request on. */
static json_t *with(json_t *request, const char *key, const char *value)
{
	if (request && value && json_object_set_new(request, key, json_string(value))) {
		json_decref(request);
		return NULL;
	}
	return request;
}

int sl_cmd_mode_set(struct sl_cli *cli, const struct sl_args *args)
{
	const char *tenant = sl_args_option(args, "tenant");
	const char *for_text = sl_args_option(args, "for");
	struct sl_text_error error;
	uint64_t for_ns;
	char text[128];
	int mode = 0;
	json_t *request;

	if (sl_parse_choice(&mode, args->positionals[0], sl_choices_mode, &error))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "%s", error.message);
	if (sl_args_duration(&for_ns, cli, args, "for"))
		return SL_EXIT_USAGE;
	if (sl_args_option(args, "direct")) {
		if (tenant || for_text)
			return sl_cli_fail(cli, SL_EXIT_USAGE,
					   "--direct sets the mode of the node for good; that of "
					   "a tenant needs the agent");
		return set_direct(cli, (enum sl_mode)mode);
	}
	request = json_pack("{ssss}", "cmd", "mode.set", "mode", args->positionals[0]);
	request = with(with(request, "tenant", tenant), "for", for_text);
	(void)snprintf(text, sizeof(text), "mode %s%s%s", args->positionals[0],
		       tenant ? " for " : "", tenant ? tenant : "");
	return sl_direct_hint(cli, sl_agent_do(cli, request, text));
}

int sl_cmd_mode_clear(struct sl_cli *cli, const struct sl_args *args)
{
	json_t *request = json_pack("{ss}", "cmd", "mode.clear");

	request = with(request, "tenant", sl_args_option(args, "tenant"));
	return sl_agent_do(cli, request, "mode as the configuration says");
}
