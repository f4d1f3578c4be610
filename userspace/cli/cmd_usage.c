// SPDX-License-Identifier: Apache-2.0
/* What the jobs cost: reads the file that sluice-usage writes. */
#include <errno.h>
#include <time.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/moment.h"
#include "userspace/cli/sheet.h"
#include "userspace/ledger/ledger.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ROWS_MAX     1000000u
#define ROWS_DEFAULT 1000u

static const struct sl_choice groupings[] = {
	{ "run", SL_LEDGER_BY_RUN },
	{ "provider", SL_LEDGER_BY_PROVIDER },
	{ "day", SL_LEDGER_BY_DAY },
	{ "tenant", SL_LEDGER_BY_TENANT },
	{ NULL, 0 },
};

#define FIGURES                                                                                    \
	{ "events", "EVENTS", SL_KIND_EXACT, 0 }, { "successes", "OK", SL_KIND_EXACT, 0 },         \
		{ "errors", "ERROR", SL_KIND_EXACT, 0 },                                           \
		{ "timeouts", "TIMEOUT", SL_KIND_EXACT, 0 },                                       \
		{ "cancelled", "CANCELLED", SL_KIND_EXACT, 0 },                                    \
		{ "success_rate", "SUCCESS", SL_KIND_PART, 0 },                                    \
		{ "cost", "COST", SL_KIND_REAL, 0 },                                               \
		{ "latency_mean_ms", "MEAN MS", SL_KIND_REAL, 0 },                                 \
		{ "first", NULL, SL_KIND_TEXT, 0 },                                                \
	{                                                                                          \
		"last", "LAST", SL_KIND_TEXT, 0                                                    \
	}

static const struct sl_column run_columns[] = { { "run", "RUN", SL_KIND_TEXT, 0 },
						{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
						FIGURES };
static const struct sl_column provider_columns[] = { { "provider", "PROVIDER", SL_KIND_TEXT, 0 },
						     FIGURES };
static const struct sl_column day_columns[] = { { "day", "DAY", SL_KIND_TEXT, 0 },
						{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
						FIGURES };
static const struct sl_column tenant_columns[] = { { "tenant", "TENANT", SL_KIND_TEXT, 0 },
						   FIGURES };

static const struct {
	const struct sl_column *columns;
	size_t count;
} tables[] = {
	[SL_LEDGER_BY_RUN] = { run_columns, COUNT(run_columns) },
	[SL_LEDGER_BY_PROVIDER] = { provider_columns, COUNT(provider_columns) },
	[SL_LEDGER_BY_DAY] = { day_columns, COUNT(day_columns) },
	[SL_LEDGER_BY_TENANT] = { tenant_columns, COUNT(tenant_columns) },
};

static int put_row(void *context, const struct sl_ledger_row *row)
{
	struct sl_sheet *sheet = context;
	char moment[SL_MOMENT_BYTES];

	sl_put_text(sheet, row->key);
	if (row->tenant)
		sl_put_text(sheet, row->tenant);
	sl_put_number(sheet, row->events);
	sl_put_number(sheet, row->successes);
	sl_put_number(sheet, row->errors);
	sl_put_number(sheet, row->timeouts);
	sl_put_number(sheet, row->cancelled);
	sl_put_real(sheet, (double)row->successes / (double)row->events);
	sl_put_real(sheet, row->cost);
	sl_put_real(sheet, row->latency_mean_ms);
	sl_put_text(sheet, sl_format_moment(moment, row->first_ms));
	sl_put_text(sheet, sl_format_moment(moment, row->last_ms));
	return 0;
}

static int read_moment(uint64_t *ret_ms, struct sl_cli *cli, const struct sl_args *args,
		       const char *name)
{
	const char *text = sl_args_option(args, name);
	uint64_t now_ms = (uint64_t)time(NULL) * 1000;
	struct sl_text_error error;

	if (text && sl_parse_moment(ret_ms, text, now_ms, &error))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--%s: %s", name, error.message);
	return 0;
}

static int read_query(struct sl_ledger_query *ret, struct sl_cli *cli, const struct sl_args *args)
{
	int by = SL_LEDGER_BY_TENANT;

	ret->rows_max = ROWS_DEFAULT;
	if (sl_args_choice(&by, cli, args, "by", groupings) ||
	    sl_args_number(&ret->rows_max, cli, args, "limit", 1, ROWS_MAX) ||
	    read_moment(&ret->since_ms, cli, args, "since") ||
	    read_moment(&ret->until_ms, cli, args, "until"))
		return SL_EXIT_USAGE;
	if (ret->until_ms && ret->since_ms >= ret->until_ms)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--since must be before --until");
	ret->by = (enum sl_ledger_by)by;
	ret->tenant_id = sl_args_option(args, "tenant");
	return 0;
}

static int print(struct sl_cli *cli, struct sl_ledger *ledger, const struct sl_ledger_query *query)
{
	struct sl_ledger_error error = { .message = "" };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "usage", NULL, tables[query->by].columns,
			     tables[query->by].count);
	sl_sheet_when_empty(sheet, "no usage in this time");
	if (sl_ledger_report(ledger, query, put_row, sheet, &error) != 0) {
		sl_doc_free(doc);
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	}
	if (sl_sheet_rows(sheet) == query->rows_max)
		sl_cli_note(cli, "the first %llu rows; see --limit",
			    (unsigned long long)query->rows_max);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_usage_report(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_ledger_closep) struct sl_ledger *ledger = NULL;
	const char *path = sl_args_option(args, "ledger");
	struct sl_ledger_error error = { .message = "" };
	struct sl_ledger_query query = { .rows_max = 0 };
	int err, code = read_query(&query, cli, args);

	if (code)
		return code;
	if (!path)
		path = SL_LEDGER_PATH_DEFAULT;
	err = sl_ledger_open_read(&ledger, path, &error);
	if (err)
		return sl_cli_fail(cli, err == -ENOENT ? SL_EXIT_ABSENT : SL_EXIT_FAILED,
				   "%s: %s; name the ledger of sluice-usage by --ledger", path,
				   error.message);
	return print(cli, ledger, &query);
}
