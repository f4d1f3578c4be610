// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "userspace/base/cleanup.h"
#include "userspace/ledger/ledger_private.h"

#define FIGURES                                                                                    \
	"count(*), sum(status = 'success'), sum(status = 'error'), sum(status = 'timeout'), "      \
	"sum(status = 'cancelled'), sum(cost), avg(latency_ms), min(timestamp_ms), "               \
	"max(timestamp_ms) FROM usage_events WHERE timestamp_ms >= ?1 AND timestamp_ms < ?2 "      \
	"AND (?3 IS NULL OR tenant_id = ?3) "

static const char *const queries[] = {
	[SL_LEDGER_BY_RUN] = "SELECT run, tenant_id, " FIGURES
			     "GROUP BY run, tenant_id ORDER BY sum(cost) DESC, run LIMIT ?4",
	[SL_LEDGER_BY_PROVIDER] = "SELECT provider_id, NULL, " FIGURES
				  "GROUP BY provider_id ORDER BY provider_id LIMIT ?4",
	[SL_LEDGER_BY_DAY] =
		"SELECT date(timestamp_ms / 1000, 'unixepoch') AS day, tenant_id, " FIGURES
		"GROUP BY day, tenant_id ORDER BY day, tenant_id LIMIT ?4",
	[SL_LEDGER_BY_TENANT] =
		"SELECT tenant_id, NULL, " FIGURES "GROUP BY tenant_id ORDER BY tenant_id LIMIT ?4",
};

static void bind(sqlite3_stmt *statement, const struct sl_ledger_query *query)
{
	(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)query->since_ms);
	(void)sqlite3_bind_int64(statement, 2,
				 query->until_ms ? (sqlite3_int64)query->until_ms : INT64_MAX);
	if (query->tenant_id)
		(void)sqlite3_bind_text(statement, 3, query->tenant_id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 4,
				 query->rows_max ? (sqlite3_int64)query->rows_max : -1);
}

static uint64_t number(sqlite3_stmt *statement, int at)
{
	return (uint64_t)sqlite3_column_int64(statement, at);
}

static const char *text(sqlite3_stmt *statement, int at)
{
	return (const char *)sqlite3_column_text(statement, at);
}

static void read_row(struct sl_ledger_row *ret, sqlite3_stmt *statement)
{
	*ret = (struct sl_ledger_row){
		.key = text(statement, 0) ? text(statement, 0) : "",
		.tenant = text(statement, 1),
		.events = number(statement, 2),
		.successes = number(statement, 3),
		.errors = number(statement, 4),
		.timeouts = number(statement, 5),
		.cancelled = number(statement, 6),
		.cost = sqlite3_column_double(statement, 7),
		.latency_mean_ms = sqlite3_column_double(statement, 8),
		.first_ms = number(statement, 9),
		.last_ms = number(statement, 10),
	};
}

int sl_ledger_report(struct sl_ledger *ledger, const struct sl_ledger_query *query,
		     int (*each)(void *context, const struct sl_ledger_row *row), void *context,
		     struct sl_ledger_error *error)
{
	sl_cleanup(sl_ledger_finalizep) sqlite3_stmt *statement = NULL;
	int code, err = sl_ledger_prepare(&statement, ledger->db, queries[query->by], error);

	if (err)
		return err;
	bind(statement, query);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct sl_ledger_row row;

		read_row(&row, statement);
		err = each(context, &row);
		if (err)
			return err;
	}
	return code == SQLITE_DONE ? 0 : sl_ledger_fail(error, ledger->db, "cannot read");
}
