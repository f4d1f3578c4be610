/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of ledger.h. */
#pragma once

#include <sqlite3.h>

#include "userspace/ledger/ledger.h"

struct sl_ledger {
	sqlite3 *db;
	sqlite3_stmt *insert; /* NULL when open to read */
};

/* What SQLite said, as @error and an errno. Returns it. */
int sl_ledger_fail(struct sl_ledger_error *error, sqlite3 *db, const char *what);

int sl_ledger_run(sqlite3 *db, const char *sql, struct sl_ledger_error *error);
int sl_ledger_prepare(sqlite3_stmt **ret, sqlite3 *db, const char *sql,
		      struct sl_ledger_error *error);
void sl_ledger_finalizep(sqlite3_stmt **statement);
