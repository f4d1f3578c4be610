/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of usage.h. Events are collected until there is a batch or the
 * first has waited long enough; one transaction; then all of it is acked. What the
 * ledger does not take stays here and is tried again, unacked.
 */
#pragma once

#include "userspace/bus/jetstream.h"
#include "userspace/ledger/ledger.h"
#include "userspace/obs/http.h"
#include "userspace/service/consuming.h"
#include "userspace/usage/config.h"
#include "userspace/usage/labels.h"
#include "userspace/usage/runs.h"
#include "userspace/usage/usage.h"

#define SL_USAGE_STATUSES 4u
#define SL_USAGE_BUCKETS  12u

extern const double sl_usage_bounds[SL_USAGE_BUCKETS]; /* of a run's cost */

struct sl_usage_costs {
	uint64_t counts[SL_USAGE_BUCKETS + 1];
	double sum;
};

struct sl_usage_stats {
	uint64_t events_total, duplicates_total, malformed_total;
	uint64_t batches_total, write_failures_total, forgotten_total;
	uint64_t dead_letter_failures_total;
	double write_seconds; /* the last */
	struct sl_labels providers, types;
	uint64_t ended[SL_LABELS_MAX][SL_USAGE_STATUSES]; /* by provider */
	double cost[SL_LABELS_MAX];			  /* the same */
	struct sl_usage_costs runs[SL_LABELS_MAX];	  /* by job type */
};

struct sl_usage {
	struct sl_program_options options;
	struct sl_usage_config config;
	struct sl_log *log;
	struct sl_program_loop *program;
	struct event_base *base; /* of the program, like the next */
	struct sl_loop *loop;
	struct event *tick;
	struct sl_loop_timer batch_timer;
	struct sl_bus *bus;
	struct sl_consuming_terms terms;
	struct sl_consuming *consuming;
	struct sl_js_pull *pull; /* NULL until @ready */
	struct sl_http *http;
	struct sl_ledger *ledger;
	struct sl_runs *runs;

	/* The batch, [config.batch] each. */
	struct sl_usage_event *events;
	struct sl_js_token *tokens;
	bool *is_new;
	size_t count;
	uint64_t retry_at_ns; /* 0: the last write went well */
	uint64_t extended_ns;

	bool ready, ending;
	uint64_t forget_at_ns;
	struct sl_usage_stats stats;
};

/* batch.c */
void sl_usage_on_event(void *context, const struct sl_bus_message *message,
		       const struct sl_js_meta *meta, const struct sl_js_token *token);
void sl_usage_on_batch_timer(struct sl_loop_timer *timer);
/* 0, also when there is nothing; else it stays and is tried later. */
int sl_usage_write(struct sl_usage *usage);
void sl_usage_batch_tick(struct sl_usage *usage);
void sl_usage_run_closed(void *context, size_t label, double cost);

/* exporter.c */
extern const struct sl_http_route sl_usage_routes[];
