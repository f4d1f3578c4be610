// SPDX-License-Identifier: Apache-2.0
#include "userspace/ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/ledger/ledger_private.h"

#define BUSY_MS 5000

#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define APPLICATION_ID                                                                             \
	"1399608652" /* "SlUL": what PRAGMA application_id and file(1) know it by                  \
		      */

static const char settings[] = "PRAGMA journal_mode = WAL;"
			       /* FULL: what is committed outlives a loss of power as well. */
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA journal_size_limit = 16777216;";

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS usage_events ("
	"  event_id TEXT PRIMARY KEY NOT NULL,"
	"  tenant_id TEXT NOT NULL,"
	"  provider_id TEXT NOT NULL,"
	"  event_type TEXT NOT NULL,"
	"  status TEXT NOT NULL,"
	"  run TEXT NOT NULL,"
	"  run_id TEXT, request_id TEXT, assignment_id TEXT, trace_id TEXT,"
	"  latency_ms REAL NOT NULL,"
	"  cost REAL NOT NULL,"
	"  timestamp_ms INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS usage_events_by_time ON usage_events (timestamp_ms);"
	"CREATE INDEX IF NOT EXISTS usage_events_by_tenant ON usage_events (tenant_id, "
	"timestamp_ms);"
	"PRAGMA application_id = " APPLICATION_ID ";"
	"PRAGMA user_version = " STRING(SL_LEDGER_VERSION) ";"
							   "COMMIT;";

static const char insert[] =
	"INSERT INTO usage_events (event_id, tenant_id, provider_id, event_type, status, run, "
	"run_id, request_id, assignment_id, trace_id, latency_ms, cost, timestamp_ms) "
	"VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ''), nullif(?8, ''), nullif(?9, ''), "
	"nullif(?10, ''), ?11, ?12, ?13) ON CONFLICT (event_id) DO NOTHING";

/* ---- errors ----------------------------------------------------------------------- */

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_SCHEMA:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int sl_ledger_fail(struct sl_ledger_error *error, sqlite3 *db, const char *what)
{
	(void)snprintf(error->message, sizeof(error->message), "%s: %s", what,
		       db ? sqlite3_errmsg(db) : "out of memory");
	return db ? errno_of(sqlite3_extended_errcode(db)) : -ENOMEM;
}

int sl_ledger_run(sqlite3 *db, const char *sql, struct sl_ledger_error *error)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sl_ledger_fail(error, db, "the ledger");
	return 0;
}

int sl_ledger_prepare(sqlite3_stmt **ret, sqlite3 *db, const char *sql,
		      struct sl_ledger_error *error)
{
	if (sqlite3_prepare_v2(db, sql, -1, ret, NULL) != SQLITE_OK)
		return sl_ledger_fail(error, db, "the ledger");
	return 0;
}

void sl_ledger_finalizep(sqlite3_stmt **statement)
{
	(void)sqlite3_finalize(*statement);
}

/* ---- open and close --------------------------------------------------------------- */

static int read_number(int64_t *ret, sqlite3 *db, const char *sql, struct sl_ledger_error *error)
{
	sl_cleanup(sl_ledger_finalizep) sqlite3_stmt *statement = NULL;
	int err = sl_ledger_prepare(&statement, db, sql, error);

	if (err)
		return err;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return sl_ledger_fail(error, db, "not a usage ledger");
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

/* A file that is new has version 0 and no tables; anything else must be a ledger. */
static int check_version(sqlite3 *db, bool may_be_new, struct sl_ledger_error *error)
{
	int64_t application = 0, version = 0, tables = 0;
	int err = read_number(&application, db, "PRAGMA application_id", error);

	if (!err)
		err = read_number(&version, db, "PRAGMA user_version", error);
	if (!err)
		err = read_number(&tables, db, "SELECT count(*) FROM sqlite_master", error);
	if (err || (may_be_new && !application && !version && !tables))
		return err;
	if (application != strtoll(APPLICATION_ID, NULL, 10)) {
		(void)snprintf(error->message, sizeof(error->message), "not a usage ledger");
		return -EINVAL;
	}
	if (version != SL_LEDGER_VERSION) {
		(void)snprintf(error->message, sizeof(error->message),
			       "a ledger of version %lld; this program knows version %d",
			       (long long)version, SL_LEDGER_VERSION);
		return -EINVAL;
	}
	return 0;
}

static int open_file(struct sl_ledger *ledger, const char *path, int flags,
		     struct sl_ledger_error *error)
{
	if (sqlite3_open_v2(path, &ledger->db, flags | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
		return sl_ledger_fail(error, ledger->db, "cannot open");
	(void)sqlite3_busy_timeout(ledger->db, BUSY_MS);
	/* The schema is ours, but the file may have been anybody's. */
	(void)sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	(void)sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	return 0;
}

int sl_ledger_open(struct sl_ledger **ret, const char *path, struct sl_ledger_error *error)
{
	sl_cleanup(sl_ledger_closep) struct sl_ledger *ledger = calloc(1, sizeof(*ledger));
	int err;

	if (!ledger)
		return sl_ledger_fail(error, NULL, "cannot open");
	err = open_file(ledger, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
	if (!err)
		err = check_version(ledger->db, true, error);
	if (!err)
		err = sl_ledger_run(ledger->db, settings, error);
	if (!err)
		err = sl_ledger_run(ledger->db, schema, error);
	if (!err)
		err = sl_ledger_prepare(&ledger->insert, ledger->db, insert, error);
	if (!err)
		*ret = SL_TAKE_PTR(ledger);
	return err;
}

int sl_ledger_open_read(struct sl_ledger **ret, const char *path, struct sl_ledger_error *error)
{
	sl_cleanup(sl_ledger_closep) struct sl_ledger *ledger = calloc(1, sizeof(*ledger));
	int err;

	if (!ledger)
		return sl_ledger_fail(error, NULL, "cannot open");
	if (access(path, R_OK) != 0) {
		err = -errno;
		(void)snprintf(error->message, sizeof(error->message), "cannot open: %s",
			       err == -ENOENT ? "there is no such file" : "no permission");
		return err;
	}
	err = open_file(ledger, path, SQLITE_OPEN_READONLY, error);
	if (!err)
		err = check_version(ledger->db, false, error);
	if (!err)
		*ret = SL_TAKE_PTR(ledger);
	return err;
}

void sl_ledger_close(struct sl_ledger *ledger)
{
	if (!ledger)
		return;
	(void)sqlite3_finalize(ledger->insert);
	(void)sqlite3_close(ledger->db);
	free(ledger);
}

void sl_ledger_closep(struct sl_ledger **ledger)
{
	sl_ledger_close(*ledger);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void bind_text(sqlite3_stmt *insert_one, int at, const char *text)
{
	(void)sqlite3_bind_text(insert_one, at, text, -1, SQLITE_STATIC);
}

static int write_one(bool *ret_new, struct sl_ledger *ledger, const struct sl_usage_event *event,
		     struct sl_ledger_error *error)
{
	sqlite3_stmt *one = ledger->insert;
	char id[SL_EXEC_MSG_ID_BYTES];
	int code;

	bind_text(one, 1, sl_usage_event_id(id, event));
	bind_text(one, 2, event->tenant_id);
	bind_text(one, 3, event->provider_id);
	bind_text(one, 4, event->event_type);
	bind_text(one, 5, sl_exec_status_name(event->status));
	bind_text(one, 6, sl_usage_event_run(event));
	bind_text(one, 7, event->run_id);
	bind_text(one, 8, event->request_id);
	bind_text(one, 9, event->assignment_id);
	bind_text(one, 10, event->trace_id);
	(void)sqlite3_bind_double(one, 11, event->latency_ms);
	(void)sqlite3_bind_double(one, 12, event->cost);
	(void)sqlite3_bind_int64(one, 13, (sqlite3_int64)event->timestamp_ms);
	code = sqlite3_step(one);
	*ret_new = code == SQLITE_DONE && sqlite3_changes(ledger->db) > 0;
	if (code != SQLITE_DONE)
		(void)sl_ledger_fail(error, ledger->db, "cannot write");
	(void)sqlite3_reset(one);
	(void)sqlite3_clear_bindings(one);
	return code == SQLITE_DONE ? 0 : errno_of(code);
}

int sl_ledger_write(struct sl_ledger *ledger, const struct sl_usage_event *events, size_t count,
		    bool *ret_new, struct sl_ledger_error *error)
{
	struct sl_ledger_error ignored;
	int err = sl_ledger_run(ledger->db, "BEGIN IMMEDIATE", error);

	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++)
		err = write_one(&ret_new[i], ledger, &events[i], error);
	if (!err)
		err = sl_ledger_run(ledger->db, "COMMIT", error);
	if (err)
		(void)sl_ledger_run(ledger->db, "ROLLBACK", &ignored);
	return err;
}

int sl_ledger_forget(uint64_t *ret_deleted, struct sl_ledger *ledger, uint64_t before_ms,
		     uint32_t max, struct sl_ledger_error *error)
{
	sl_cleanup(sl_ledger_finalizep) sqlite3_stmt *statement = NULL;
	int err = sl_ledger_prepare(
		&statement, ledger->db,
		"DELETE FROM usage_events WHERE event_id IN (SELECT event_id FROM usage_events "
		"WHERE timestamp_ms < ?1 ORDER BY timestamp_ms LIMIT ?2)",
		error);

	if (err)
		return err;
	(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)before_ms);
	(void)sqlite3_bind_int64(statement, 2, max);
	if (sqlite3_step(statement) != SQLITE_DONE)
		return sl_ledger_fail(error, ledger->db, "cannot delete");
	*ret_deleted = (uint64_t)sqlite3_changes(ledger->db);
	return 0;
}
