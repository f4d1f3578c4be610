// SPDX-License-Identifier: Apache-2.0
/* quota show, quota explain: global limits on all nodes, and what they refused. */
#include <string.h>
#include <time.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/cells.h"
#include "userspace/cli/commands.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS_PER_MS    1e6
#define NS_PER_S     1000000000u

static const struct sl_column limit_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "limit", "LIMIT", SL_KIND_TEXT, 0 },
	{ "rate_per_s", "LIMIT IS", SL_KIND_RATE, 0 },
	{ "effective_per_s", "NOW", SL_KIND_RATE, 0 },
	{ "wants_per_s", "WANTED", SL_KIND_RATE, 0 },
	{ "holds_per_s", "HELD", SL_KIND_RATE, 0 },
	{ "uses_per_s", "USED", SL_KIND_RATE, 0 },
	{ "nodes", "NODES", SL_KIND_PLAIN, 0 },
	{ "generation", NULL, SL_KIND_PLAIN, 0 },
	{ "set_by", "SET AT", SL_KIND_TEXT, 0 },
	{ "set_left_ns", "FOR", SL_KIND_DURATION, 0 },
	{ "here", "HERE", SL_KIND_TEXT, 0 },
	{ "why", "WHY", SL_KIND_TEXT, 0 },
};

static const struct sl_column row_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "limit", "LIMIT", SL_KIND_TEXT, 0 },
	{ "node", "NODE", SL_KIND_TEXT, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },
	{ "wants_per_s", "WANTS", SL_KIND_RATE, 0 },
	{ "granted_per_s", "GRANTED", SL_KIND_RATE, 0 },
	{ "holds_per_s", "HOLDS", SL_KIND_RATE, 0 },
	{ "uses_per_s", "USES", SL_KIND_RATE, 0 },
	{ "left_ns", "ENDS IN", SL_KIND_DURATION, 0 },
	{ "incarnation", NULL, SL_KIND_PLAIN, 0 },
	{ "up_ns", "NODE UP", SL_KIND_DURATION, 0 },
};

static const struct sl_column explain_columns[] = {
	{ "limit", "LIMIT", SL_KIND_TEXT, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },
	{ "rate_per_s", "LIMIT IS", SL_KIND_RATE, 0 },
	{ "has_per_s", "HERE", SL_KIND_RATE, 0 },
	{ "why", "WHY", SL_KIND_TEXT, 0 },
	{ "terms", "TERMS", SL_KIND_TEXT, 0 },
};

static const struct sl_column refusal_columns[] = {
	{ "limit", "LIMIT", SL_KIND_TEXT, 0 },	   { "ago_ns", "AGO", SL_KIND_DURATION, 0 },
	{ "for_ns", "FOR", SL_KIND_DURATION, 0 },  { "refused", "REFUSED", SL_KIND_COUNT, 0 },
	{ "rate_per_s", "WITH", SL_KIND_RATE, 0 }, { "cause", "BY", SL_KIND_TEXT, 0 },
	{ "text", "THAT IS", SL_KIND_TEXT, 0 },
};

static void put_rate(struct sl_sheet *sheet, const json_t *json, const char *key, bool bytes)
{
	if (!json_is_number(json_object_get(json, key))) {
		sl_put_none(sheet);
		return;
	}
	sl_put_whole_of(sheet, json, key);
	if (bytes)
		sl_show_as(sheet, SL_KIND_BYTE_RATE);
}

static bool is_bytes(const json_t *limit)
{
	const char *name = json_string_value(json_object_get(limit, "limit"));

	return name && !strcmp(name, "bytes");
}

static void put_state(struct sl_sheet *sheet, const json_t *json, const char *key)
{
	static const char *const good[] = { "held", "cold", "asks" };
	const char *state = json_string_value(json_object_get(json, key));
	enum sl_shade shade = SL_SHADE_WARN;

	sl_put_text_of(sheet, json, key);
	for (size_t i = 0; state && i < COUNT(good); i++)
		if (!strcmp(state, good[i]))
			shade = SL_SHADE_GOOD;
	sl_shade(sheet, shade);
}

/* ---- show ------------------------------------------------------------------------------- */

static void put_limit(struct sl_sheet *sheet, const json_t *limit)
{
	const bool bytes = is_bytes(limit);

	sl_put_text_of(sheet, limit, "tenant");
	sl_put_text_of(sheet, limit, "limit");
	put_rate(sheet, limit, "rate_per_s", bytes);
	put_rate(sheet, limit, "effective_per_s", bytes);
	put_rate(sheet, limit, "wants_per_s", bytes);
	put_rate(sheet, limit, "holds_per_s", bytes);
	put_rate(sheet, limit, "uses_per_s", bytes);
	sl_put_whole_of(sheet, limit, "nodes");
	sl_put_whole_of(sheet, limit, "generation");
	sl_put_text_of(sheet, limit, "set_by");
	if (json_is_number(json_object_get(limit, "set_left_s")))
		sl_put_time_of(sheet, limit, "set_left_s");
	else
		sl_put_none(sheet);
	put_state(sheet, limit, "here");
	sl_put_text_of(sheet, limit, "why");
}

/* An agent's incarnation is when it began, in ms since 1970; of a clock that may be wrong. */
static void put_up(struct sl_sheet *sheet, const json_t *row, uint64_t now_unix_ns)
{
	const double began_ns = sl_cell_real(row, "incarnation") * NS_PER_MS;

	if (began_ns > 0 && began_ns <= (double)now_unix_ns)
		sl_put_number(sheet, now_unix_ns - (uint64_t)began_ns);
	else
		sl_put_none(sheet);
}

static void put_row(struct sl_sheet *sheet, const json_t *limit, const json_t *row,
		    uint64_t now_unix_ns)
{
	const bool bytes = is_bytes(limit);

	sl_put_text_of(sheet, limit, "tenant");
	sl_put_text_of(sheet, limit, "limit");
	sl_put_text_of(sheet, row, "node");
	put_state(sheet, row, "state");
	put_rate(sheet, row, "wants_per_s", bytes);
	put_rate(sheet, row, "granted_per_s", bytes);
	put_rate(sheet, row, "holds_per_s", bytes);
	put_rate(sheet, row, "uses_per_s", bytes);
	sl_put_time_of(sheet, row, "left_s");
	sl_put_whole_of(sheet, row, "incarnation");
	put_up(sheet, row, now_unix_ns);
}

static const struct sl_column drained_columns[] = {
	{ "node", "DRAINED NODES", SL_KIND_TEXT, 0 },
};

static void put_drained(struct sl_doc *doc, const json_t *names)
{
	struct sl_sheet *sheet = json_array_size(names)
					 ? sl_doc_table(doc, "drained", NULL, drained_columns,
							COUNT(drained_columns))
					 : NULL;

	for (size_t i = 0; i < json_array_size(names); i++)
		sl_put_text(sheet, json_string_value(json_array_get(names, i)));
}

static json_t *show_request(const struct sl_args *args)
{
	if (args->count)
		return json_pack("{ssss}", "cmd", "quota.show", "tenant", args->positionals[0]);
	return json_pack("{ss}", "cmd", "quota.show");
}

static void put_limits(struct sl_doc *doc, const json_t *limits, uint64_t now_unix_ns)
{
	struct sl_sheet *sheet = sl_doc_table(doc, "limits", "Limits of all nodes", limit_columns,
					      COUNT(limit_columns));
	struct sl_sheet *rows =
		sl_doc_table(doc, "rows", "Who holds them", row_columns, COUNT(row_columns));

	sl_sheet_when_empty(rows, "Nobody holds anything.");
	for (size_t i = 0; i < json_array_size(limits); i++) {
		const json_t *limit = json_array_get(limits, i);
		const json_t *list = json_object_get(limit, "rows");

		put_limit(sheet, limit);
		for (size_t at = 0; at < json_array_size(list); at++)
			put_row(rows, limit, json_array_get(list, at), now_unix_ns);
	}
}

int sl_cmd_quota_show(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_doc *doc = NULL;
	int code = sl_agent_call(&reply, cli, show_request(args));

	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	put_limits(doc, json_object_get(reply, "limits"), (uint64_t)time(NULL) * NS_PER_S);
	put_drained(doc, json_object_get(reply, "drained"));
	if (json_is_true(json_object_get(reply, "more")))
		sl_cli_note(cli, "not all is shown: name a tenant");
	return sl_doc_finish(doc, cli);
}

/* ---- explain ---------------------------------------------------------------------------- */

static void put_explained(struct sl_sheet *sheet, const json_t *limit)
{
	const bool bytes = is_bytes(limit);

	sl_put_text_of(sheet, limit, "limit");
	put_state(sheet, limit, "state");
	put_rate(sheet, limit, "rate_per_s", bytes);
	put_rate(sheet, limit, "has_per_s", bytes);
	sl_put_text_of(sheet, limit, "why");
	sl_put_text_of(sheet, limit, "terms");
}

static void put_refusal(struct sl_sheet *sheet, const json_t *limit, const json_t *refusal)
{
	sl_put_text_of(sheet, limit, "limit");
	sl_put_time_of(sheet, refusal, "ago_s");
	sl_put_time_of(sheet, refusal, "for_s");
	sl_put_whole_of(sheet, refusal, "refused");
	if (is_bytes(limit))
		sl_show_as(sheet, SL_KIND_BYTES);
	put_rate(sheet, refusal, "rate_per_s", is_bytes(limit));
	sl_put_text_of(sheet, refusal, "cause");
	sl_put_text_of(sheet, refusal, "text");
}

static void put_explanation(struct sl_doc *doc, const json_t *limits)
{
	struct sl_sheet *sheet = sl_doc_table(doc, "limits", "On this node", explain_columns,
					      COUNT(explain_columns));
	struct sl_sheet *refusals =
		sl_doc_table(doc, "refusals", "Refused lately, the newest first", refusal_columns,
			     COUNT(refusal_columns));

	sl_sheet_when_empty(refusals, "Nothing was refused by them since the agent began.");
	for (size_t i = 0; i < json_array_size(limits); i++) {
		const json_t *limit = json_array_get(limits, i);
		const json_t *list = json_object_get(limit, "refusals");

		put_explained(sheet, limit);
		for (size_t at = 0; at < json_array_size(list); at++)
			put_refusal(refusals, limit, json_array_get(list, at));
	}
}

int sl_cmd_quota_explain(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_doc *doc = NULL;
	int code = sl_agent_call(
		&reply, cli,
		json_pack("{ssss}", "cmd", "quota.explain", "tenant", args->positionals[0]));

	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	put_explanation(doc, json_object_get(reply, "limits"));
	return sl_doc_finish(doc, cli);
}
