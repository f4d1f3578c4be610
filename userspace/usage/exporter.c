// SPDX-License-Identifier: Apache-2.0
/* Metrics and health over HTTP. */
#include <stdio.h>

#include "userspace/obs/metrics.h"
#include "userspace/usage/usage_private.h"

#define PAGE_BYTES_MAX (1u << 20)
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

/* Names beyond those that are kept share the last place, "other". */
static bool is_used(const struct sl_usage_stats *stats, size_t provider, uint64_t *ret_all)
{
	*ret_all = 0;
	for (unsigned int status = 0; status < SL_USAGE_STATUSES; status++)
		*ret_all += stats->ended[provider][status];
	return *ret_all > 0;
}

static void export_providers(struct sl_metrics *page, const struct sl_usage_stats *stats)
{
	unsigned int ended = sl_metrics_family(page, "usage_results_total", SL_COUNTER,
					       "Jobs by provider and how they ended.");
	unsigned int cost = sl_metrics_family(page, "usage_cost_total", SL_COUNTER,
					      "What they cost, by provider.");
	unsigned int ratio = sl_metrics_family(page, "usage_success_ratio", SL_GAUGE,
					       "Successes of all, by provider, since the start.");

	for (size_t i = 0; i < SL_LABELS_MAX; i++) {
		struct sl_label labels[] = {
			{ "provider_id", sl_labels_name(&stats->providers, i) },
			{ "status", NULL },
		};
		uint64_t all;

		if (!is_used(stats, i, &all))
			continue;
		for (unsigned int status = 0; status < SL_USAGE_STATUSES; status++) {
			labels[1].value = sl_exec_status_name((enum sl_worker_status)status);
			sl_metrics_add(page, ended, labels, 2, stats->ended[i][status]);
		}
		sl_metrics_add_real(page, cost, labels, 1, stats->cost[i]);
		sl_metrics_add_real(page, ratio, labels, 1,
				    (double)stats->ended[i][SL_WORKER_SUCCESS] / (double)all);
	}
}

static void export_runs(struct sl_metrics *page, const struct sl_usage *usage)
{
	const struct sl_usage_stats *stats = &usage->stats;
	unsigned int family = sl_metrics_family(page, "usage_cost_per_run", SL_HISTOGRAM,
						"What a run cost, once it was quiet, by the type "
						"of its first job.");

	for (size_t i = 0; i < SL_LABELS_MAX; i++) {
		const struct sl_label label = { "job_type", sl_labels_name(&stats->types, i) };
		const struct sl_histogram histogram = { .bounds = sl_usage_bounds,
							.counts = stats->runs[i].counts,
							.bucket_count = SL_USAGE_BUCKETS,
							.sum = stats->runs[i].sum };
		uint64_t all = 0;

		for (size_t at = 0; at <= SL_USAGE_BUCKETS; at++)
			all += stats->runs[i].counts[at];
		if (all)
			sl_metrics_add_histogram(page, family, &label, 1, &histogram);
	}
	sl_metrics_one(page, "usage_runs_open", SL_GAUGE, "Runs that are still summed.",
		       sl_runs_open(usage->runs));
}

static void export_counts(struct sl_metrics *page, const struct sl_usage *usage)
{
	const struct sl_usage_stats *stats = &usage->stats;
	const struct {
		const char *name;
		const char *help;
		enum sl_metric_type type;
		uint64_t value;
	} rows[] = {
		{ "usage_events_total", "Events that the ledger has now.", SL_COUNTER,
		  stats->events_total },
		{ "usage_events_duplicate_total", "Events that it had already.", SL_COUNTER,
		  stats->duplicates_total },
		{ "usage_events_malformed_total", "Refused: dead letters.", SL_COUNTER,
		  stats->malformed_total },
		{ "usage_batches_total", "Transactions.", SL_COUNTER, stats->batches_total },
		{ "usage_write_failures_total", "Transactions that failed and were tried again.",
		  SL_COUNTER, stats->write_failures_total },
		{ "usage_events_forgotten_total", "Deleted when their retention was over.",
		  SL_COUNTER, stats->forgotten_total },
		{ "usage_dlq_publish_failed_total", "Dead letters that could not be stored.",
		  SL_COUNTER, stats->dead_letter_failures_total },
		{ "usage_events_pending", "In hand, not in the ledger yet.", SL_GAUGE,
		  usage->count },
		{ "usage_nats_connected", "1 while the bus is reached.", SL_GAUGE,
		  sl_bus_state(usage->bus) == SL_BUS_CONNECTED },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		sl_metrics_one(page, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
}

static void serve_metrics(struct sl_http_reply *reply, void *context)
{
	const struct sl_usage *usage = context;
	struct sl_metrics *page = NULL;

	if (sl_metrics_new(&page, PAGE_BYTES_MAX) != 0) {
		reply->status = 500;
		return;
	}
	export_counts(page, usage);
	export_providers(page, &usage->stats);
	export_runs(page, usage);
	sl_metrics_add_real(page,
			    sl_metrics_family(page, "usage_last_write_seconds", SL_GAUGE,
					      "How long the last transaction took."),
			    NULL, 0, usage->stats.write_seconds);
	reply->metrics = page;
}

static void serve_live(struct sl_http_reply *reply, void *context)
{
	(void)context;
	(void)snprintf(reply->text, sizeof(reply->text), "ok\n");
}

static void serve_ready(struct sl_http_reply *reply, void *context)
{
	const struct sl_usage *usage = context;
	const char *why = NULL;

	if (sl_bus_state(usage->bus) != SL_BUS_CONNECTED)
		why = "the bus is not reached";
	else if (!usage->ready)
		why = "streams are not ready";
	else if (usage->retry_at_ns)
		why = "the ledger takes no events";
	if (why)
		reply->status = 503;
	(void)snprintf(reply->text, sizeof(reply->text), "%s\n", why ? why : "ok");
}

const struct sl_http_route sl_usage_routes[] = { { "/metrics", serve_metrics },
						 { "/livez", serve_live },
						 { "/readyz", serve_ready },
						 { NULL, NULL } };
