// SPDX-License-Identifier: Apache-2.0
/* pressure: what the agent heard of the pools of workers, and what the kernel sheds for it. */
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/cells.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/sheet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sl_column node_columns[] = {
	{ "nats", "NATS", SL_KIND_TEXT, 0 },
	{ "nats_error", "its last error", SL_KIND_TEXT, 0 },
	{ "state", "state", SL_KIND_TEXT, 0 },
	{ "since_ns", "for", SL_KIND_DURATION, 0 },
	{ "worst", "worst pool", SL_KIND_TEXT, 0 },
	{ "pressure", "its pressure", SL_KIND_REAL, 0 },
	{ "sheds", "sheds", SL_KIND_BOOL, 0 },
	{ "passed_per_s", "packets passing", SL_KIND_RATE, 0 },
	{ "capacity_per_s", "packets allowed", SL_KIND_RATE, 0 },
};

static const struct sl_column pool_columns[] = {
	{ "pool", "POOL", SL_KIND_TEXT, 0 },
	{ "class", "CLASS", SL_KIND_TEXT, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },
	{ "since_ns", "FOR", SL_KIND_DURATION, 0 },
	{ "pressure", "PRESSURE", SL_KIND_REAL, 0 },
	{ "done_per_s", "JOBS DONE", SL_KIND_RATE, 0 },
	{ "workers", "WORKERS", SL_KIND_PLAIN, 0 },
	{ "routers", "ROUTERS", SL_KIND_PLAIN, 0 },
	{ "signal_age_ns", "LAST SIGNAL", SL_KIND_DURATION, 0 },
};

static const struct sl_column tenant_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "class", "CLASS", SL_KIND_TEXT, 0 },
	{ "permille", "SHED OF 1000", SL_KIND_PLAIN, 0 },
	{ "demand_per_s", "PACKETS SENT", SL_KIND_RATE, 0 },
	{ "rate_per_s", "ALLOWED", SL_KIND_RATE, 0 },
	{ "why", "WHY", SL_KIND_TEXT, 0 },
};

static void put_state(struct sl_sheet *sheet, const json_t *json)
{
	const char *state = json_string_value(json_object_get(json, "state"));

	sl_put_text_of(sheet, json, "state");
	if (state && strcmp(state, "ok") == 0)
		sl_shade(sheet, SL_SHADE_GOOD);
	else if (state && (strcmp(state, "shed") == 0 || strcmp(state, "stop") == 0))
		sl_shade(sheet, SL_SHADE_BAD);
	else
		sl_shade(sheet, SL_SHADE_WARN);
}

static void add_node(struct sl_doc *doc, const json_t *reply)
{
	struct sl_sheet *sheet =
		sl_doc_record(doc, "node", NULL, node_columns, COUNT(node_columns));

	sl_put_text_of(sheet, reply, "nats");
	sl_put_text_of(sheet, reply, "nats_error");
	put_state(sheet, reply);
	sl_put_time_of(sheet, reply, "since_s");
	sl_put_text_of(sheet, reply, "worst");
	sl_put_real(sheet, sl_cell_real(reply, "pressure"));
	sl_put_bool(sheet, json_is_true(json_object_get(reply, "sheds")));
	sl_put_whole_of(sheet, reply, "passed_per_s");
	if (json_is_number(json_object_get(reply, "capacity_per_s")))
		sl_put_whole_of(sheet, reply, "capacity_per_s");
	else
		sl_put_word(sheet, "all");
}

static void add_pools(struct sl_doc *doc, const json_t *list)
{
	struct sl_sheet *sheet =
		sl_doc_table(doc, "pools", "Pools of workers", pool_columns, COUNT(pool_columns));

	sl_sheet_when_empty(sheet, "nobody has spoken of one yet");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pool = json_array_get(list, i);

		sl_put_text_of(sheet, pool, "pool");
		sl_put_text_of(sheet, pool, "class");
		put_state(sheet, pool);
		sl_put_time_of(sheet, pool, "since_s");
		sl_put_real(sheet, sl_cell_real(pool, "pressure"));
		sl_put_whole_of(sheet, pool, "done_per_s");
		sl_put_whole_of(sheet, pool, "workers");
		sl_put_whole_of(sheet, pool, "routers");
		sl_put_time_of(sheet, pool, "signal_age_s");
	}
}

static void add_tenants(struct sl_doc *doc, const json_t *list)
{
	struct sl_sheet *sheet = sl_doc_table(doc, "tenants", "Shed for pressure", tenant_columns,
					      COUNT(tenant_columns));

	sl_sheet_when_empty(sheet, "nothing");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *tenant = json_array_get(list, i);

		sl_put_text_of(sheet, tenant, "tenant");
		sl_put_text_of(sheet, tenant, "class");
		sl_put_whole_of(sheet, tenant, "permille");
		sl_put_whole_of(sheet, tenant, "demand_per_s");
		sl_put_whole_of(sheet, tenant, "rate_per_s");
		sl_put_text_of(sheet, tenant, "why");
	}
}

int sl_cmd_pressure(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_doc *doc = NULL;
	int code = sl_agent_call(&reply, cli, json_pack("{ss}", "cmd", "pressure"));

	(void)args;
	if (code)
		return code;
	if (!json_is_true(json_object_get(reply, "on")))
		return sl_cli_fail(cli, SL_EXIT_FAILED,
				   "the agent hears nobody: its configuration has no nats");
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	add_node(doc, reply);
	add_pools(doc, json_object_get(reply, "pools"));
	add_tenants(doc, json_object_get(reply, "tenants"));
	return sl_doc_finish(doc, cli);
}
