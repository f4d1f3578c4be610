// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/endpoint.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/dataplane/flows.h"

static const struct sl_column flow_columns[] = {
	{ "protocol", "PROTOCOL", SL_KIND_TEXT, 0 }, { "remote", "REMOTE", SL_KIND_TEXT, 0 },
	{ "local", "LOCAL", SL_KIND_TEXT, 0 },	     { "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "tenant_id", NULL, SL_KIND_PLAIN, 0 },
};

static void put_flow(struct sl_sheet *sheet, const struct sl_maps_view *view,
		     const struct sl_flow_spec *flow)
{
	char endpoint[SL_ENDPOINT_BYTES], name[SL_TENANT_NAME_BYTES * 4];

	sl_put_text(sheet, sl_choice_name(sl_choices_protocol, flow->protocol));
	sl_put_text(sheet, sl_endpoint_format(endpoint, &flow->remote, flow->remote_port));
	sl_put_text(sheet, sl_endpoint_format(endpoint, &flow->local, flow->local_port));
	sl_put_text(sheet, sl_live_name(name, view, flow->tenant));
	sl_put_number(sheet, flow->tenant);
}

static int list(struct sl_cli *cli, const struct sl_args *args, const struct sl_maps *maps,
		size_t max)
{
	sl_autofree struct sl_flow_spec *flows = NULL;
	const char *wanted = sl_args_option(args, "tenant");
	size_t count = 0, total = 0;
	struct sl_dp_error error = { "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	uint32_t tenant = 0;
	int code = wanted ? sl_live_find(&tenant, cli, sl_maps_view(maps), wanted) : 0;

	if (code)
		return code;
	/* All of them when they are to be picked from. */
	if (sl_flow_list(&flows, &count, &total, maps, wanted ? 2 * SL_FLOWS_MAX : max, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "flows", NULL, flow_columns, 5);
	sl_sheet_when_empty(sheet, "no connection is bound");
	for (size_t i = 0; i < count && sl_sheet_rows(sheet) < max; i++)
		if (!wanted || flows[i].tenant == tenant)
			put_flow(sheet, sl_maps_view(maps), &flows[i]);
	if (!wanted && total > count)
		sl_cli_note(cli, "%zu of %zu; more with --limit", count, total);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_flows_list(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	uint64_t max = 1000;
	int code = sl_args_number(&max, cli, args, "limit", 1, 2ull * SL_FLOWS_MAX);

	if (!code)
		code = sl_live_open(&maps, cli, SL_MAPS_READ);
	return code ? code : list(cli, args, maps, (size_t)max);
}

static int parse_flow(struct sl_flow_spec *ret, struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_text_error error;
	int protocol = 0;

	if (sl_parse_choice(&protocol, args->positionals[0], sl_choices_protocol, &error) ||
	    sl_endpoint_parse(&ret->remote, &ret->remote_port, args->positionals[1], &error) ||
	    sl_endpoint_parse(&ret->local, &ret->local_port, args->positionals[2], &error))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "%s", error.message);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "only tcp and udp have ports");
	if (ret->remote.family != ret->local.family)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "REMOTE and LOCAL are not of one family");
	return 0;
}

static json_t *request_of(const char *command, const struct sl_args *args,
			  const struct sl_flow_spec *flow)
{
	char remote[SL_ADDRESS_BYTES], local[SL_ADDRESS_BYTES];

	(void)sl_format_address(remote, sizeof(remote), &flow->remote);
	(void)sl_format_address(local, sizeof(local), &flow->local);
	return json_pack("{ss ss ss si ss si}", "cmd", command, "protocol", args->positionals[0],
			 "remote", remote, "remote_port", (int)flow->remote_port, "local", local,
			 "local_port", (int)flow->local_port);
}

int sl_cmd_flows_bind(struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_flow_spec flow = { 0 };
	json_t *request;
	int code = parse_flow(&flow, cli, args);

	if (code)
		return code;
	request = request_of("flow.bind", args, &flow);
	if (request && json_object_set_new(request, "tenant", json_string(args->positionals[3]))) {
		json_decref(request);
		request = NULL;
	}
	return sl_agent_do(cli, request, "bound");
}

int sl_cmd_flows_unbind(struct sl_cli *cli, const struct sl_args *args)
{
	struct sl_flow_spec flow = { 0 };
	int code = parse_flow(&flow, cli, args);

	return code ? code : sl_agent_do(cli, request_of("flow.unbind", args, &flow), "unbound");
}
