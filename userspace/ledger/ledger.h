/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage ledger: every usage event once, in one SQLite file. The one place that
 * knows SQLite. sluice-usage writes it, sluicectl reads it meanwhile (WAL).
 *
 * An event is named by sl_usage_event_id(); a second one of that name changes
 * nothing. A write is one transaction, on the disk when the call returns: it may
 * then be acked. A process that dies leaves all of a batch or nothing.
 *
 * Owner:  the caller, by sl_ledger_close().
 * Thread: one at a time.
 * Errors: -errno with @error: -EINVAL: the file is something else, or of another
 *         version; -EBUSY: somebody else writes; -ENOSPC, -EACCES, -ENOENT, -EIO:
 *         as SQLite said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/usage_event.h"

#define SL_LEDGER_VERSION      1
#define SL_LEDGER_PATH_DEFAULT "/var/lib/sluice/usage.db"

struct sl_ledger;

struct sl_ledger_error {
	char message[256];
};

/* To write; the file is made when there is none. */
int sl_ledger_open(struct sl_ledger **ret, const char *path, struct sl_ledger_error *error);
/* To read, also while another process writes. */
int sl_ledger_open_read(struct sl_ledger **ret, const char *path, struct sl_ledger_error *error);
void sl_ledger_close(struct sl_ledger *ledger);
void sl_ledger_closep(struct sl_ledger **ledger);

/* @ret_new[i]: event i was not there before. On failure nothing was written. */
int sl_ledger_write(struct sl_ledger *ledger, const struct sl_usage_event *events, size_t count,
		    bool *ret_new, struct sl_ledger_error *error);

/* Deletes events from before @before_ms, at most @max: retention, in small steps. */
int sl_ledger_forget(uint64_t *ret_deleted, struct sl_ledger *ledger, uint64_t before_ms,
		     uint32_t max, struct sl_ledger_error *error);

/* ---- reports ------------------------------------------------------------------------------- */

enum sl_ledger_by {
	SL_LEDGER_BY_RUN,      /* and tenant; dearest first */
	SL_LEDGER_BY_PROVIDER, /* by name */
	SL_LEDGER_BY_DAY,      /* UTC, and tenant; oldest first */
	SL_LEDGER_BY_TENANT,   /* by name */
};

struct sl_ledger_query {
	enum sl_ledger_by by;
	const char *tenant_id; /* NULL: all */
	uint64_t since_ms;     /* included; 0: from the first */
	uint64_t until_ms;     /* excluded; 0: to the last */
	uint64_t rows_max;     /* 0: all */
};

/* Texts live during the callback. */
struct sl_ledger_row {
	const char *key;    /* the run, provider, day (2026-11-24) or tenant */
	const char *tenant; /* of a run or a day; NULL otherwise */
	uint64_t events;
	uint64_t successes;
	uint64_t errors;
	uint64_t timeouts;
	uint64_t cancelled;
	double cost;
	double latency_mean_ms;
	uint64_t first_ms;
	uint64_t last_ms;
};

/* A value other than 0 from @each ends the report and is returned. */
int sl_ledger_report(struct sl_ledger *ledger, const struct sl_ledger_query *query,
		     int (*each)(void *context, const struct sl_ledger_row *row), void *context,
		     struct sl_ledger_error *error);
