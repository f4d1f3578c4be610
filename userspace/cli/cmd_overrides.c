// SPDX-License-Identifier: Apache-2.0
/* limit list: what operators changed, as the agent has it. */
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/sheet.h"
#include "userspace/domain/overrides.h"

static const struct sl_column columns[] = {
	{ "subject", "SUBJECT", SL_KIND_TEXT, 0 }, { "field", "WHAT", SL_KIND_TEXT, 0 },
	{ "value", "SET TO", SL_KIND_TEXT, 0 },	   { "burst", "BURST", SL_KIND_TEXT, 0 },
	{ "left_ns", "FOR", SL_KIND_DURATION, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *text_of(const json_t *item, const char *key)
{
	return json_string_value(json_object_get(item, key));
}

static void put_value(struct sl_sheet *sheet, const json_t *item, const char *field)
{
	json_int_t value = json_integer_value(json_object_get(item, "value"));
	const char *per_s = text_of(item, "per_s");
	const bool requests = strncmp(field, "requests_", 9) == 0;

	if (per_s)
		sl_put_textf(sheet, "%s/s", per_s);
	else if (strstr(field, "mode"))
		sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)value));
	else if (strcmp(field, "prefix") == 0 || strcmp(field, "blocked") == 0)
		sl_put_word(sheet, value ? "blocked" : "not blocked");
	else if ((requests && (uint64_t)value == SL_REQUESTS_UNLIMITED) ||
		 (strcmp(field, "connections") == 0 && !value))
		sl_put_word(sheet, "unlimited");
	else if (requests)
		sl_put_textf(sheet, "%lld a window", (long long)value);
	else
		sl_put_textf(sheet, "%lld", (long long)value);
}

static void put_end(struct sl_sheet *sheet, const json_t *item, uint64_t now_unix_ns)
{
	json_int_t until = json_integer_value(json_object_get(item, "until_unix_ns"));

	if (until <= 0)
		sl_put_word(sheet, "good");
	else
		sl_put_number(sheet,
			      (uint64_t)until > now_unix_ns ? (uint64_t)until - now_unix_ns : 0);
}

static void put_override(struct sl_sheet *sheet, const json_t *item, uint64_t now_unix_ns)
{
	const char *field = text_of(item, "field"), *burst = text_of(item, "burst");
	const char *subject = text_of(item, "tenant");

	if (!subject)
		subject = text_of(item, "prefix");
	sl_put_text(sheet, subject ? subject : "node");
	sl_put_text(sheet, field ? field : "?");
	put_value(sheet, item, field ? field : "");
	if (burst)
		sl_put_text(sheet, burst);
	else
		sl_put_none(sheet);
	put_end(sheet, item, now_unix_ns);
}

static void put_shed(struct sl_sheet *sheet, const json_t *item, uint64_t now_unix_ns)
{
	const char *tenant = text_of(item, "tenant");

	sl_put_text(sheet, tenant ? tenant : "?");
	sl_put_word(sheet, json_is_true(json_object_get(item, "by_pressure")) ? "shed by pressure"
									      : "shed");
	sl_put_textf(sheet, "%lld of 1000",
		     (long long)json_integer_value(json_object_get(item, "permille")));
	sl_put_none(sheet);
	put_end(sheet, item, now_unix_ns);
}

static void put_all(struct sl_sheet *sheet, const json_t *list,
		    void (*put)(struct sl_sheet *sheet, const json_t *item, uint64_t now_unix_ns))
{
	uint64_t now_unix_ns = sl_wall_ns();

	for (size_t i = 0; i < json_array_size(list); i++)
		put(sheet, json_array_get(list, i), now_unix_ns);
}

int sl_cmd_limit_list(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	int code = sl_agent_call(&reply, cli, json_pack("{ss}", "cmd", "limit.list"));

	(void)args;
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "overrides", NULL, columns, COLUMNS);
	sl_sheet_when_empty(sheet, "nothing was changed: all is as the configuration says");
	put_all(sheet, json_object_get(reply, "overrides"), put_override);
	put_all(sheet, json_object_get(reply, "sheds"), put_shed);
	return sl_doc_finish(doc, cli);
}
