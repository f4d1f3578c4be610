// SPDX-License-Identifier: Apache-2.0
/* Metrics and health over HTTP. */
#include <stdio.h>

#include "userspace/base/clock.h"
#include "userspace/obs/metrics.h"
#include "userspace/worker/worker_private.h"

#define PAGE_BYTES_MAX (1u << 20)
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

static void export_executions(struct sl_metrics *page, const struct sl_worker *worker)
{
	unsigned int family =
		sl_metrics_family(page, "worker_step_executions_total", SL_COUNTER,
				  "Jobs that ended, by the handler and how they ended.");

	for (size_t i = 0; i < worker->stats.handler_count; i++) {
		const struct sl_handler_stats *stats = &worker->stats.handlers[i];

		for (unsigned int status = 0; status < SL_WORKER_STATUSES; status++) {
			const struct sl_label labels[] = {
				{ "handler", stats->name },
				{ "status", sl_exec_status_name((enum sl_worker_status)status) },
			};

			sl_metrics_add(page, family, labels, COUNT(labels),
				       stats->executions[status]);
		}
	}
}

static void export_durations(struct sl_metrics *page, const struct sl_worker *worker)
{
	unsigned int family = sl_metrics_family(page, "worker_step_execution_duration_seconds",
						SL_HISTOGRAM, "How long a handler had a job.");

	for (size_t i = 1; i < worker->stats.handler_count; i++) {
		const struct sl_handler_stats *stats = &worker->stats.handlers[i];
		const struct sl_label label = { "handler", stats->name };
		const struct sl_histogram histogram = { .bounds = sl_worker_bounds,
							.counts = stats->seconds,
							.bucket_count = SL_WORKER_BUCKETS,
							.sum = stats->seconds_sum };

		sl_metrics_add_histogram(page, family, &label, 1, &histogram);
	}
}

static void export_errors(struct sl_metrics *page, const struct sl_worker *worker)
{
	unsigned int family = sl_metrics_family(page, "worker_step_errors_total", SL_COUNTER,
						"Jobs that did not succeed, by error code.");

	for (unsigned int code = 1; code < SL_WORKER_CODES; code++) {
		const struct sl_label label = { "error_code",
						sl_exec_code_name((enum sl_worker_code)code) };

		sl_metrics_add(page, family, &label, 1, worker->stats.errors[code]);
	}
}

static void export_state(struct sl_metrics *page, const struct sl_worker *worker)
{
	bool healthy = worker->phase == SL_WORKER_READY &&
		       sl_bus_state(worker->bus) == SL_BUS_CONNECTED &&
		       !sl_worker_count(worker, SL_JOB_GONE);
	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} gauges[] = {
		{ "worker_queue_depth", "Jobs that wait for a thread.",
		  sl_worker_count(worker, SL_JOB_WAITING) },
		{ "worker_active_tasks", "Threads with a job.", sl_pool_busy(worker->pool) },
		{ "worker_health_status", "1 when it takes jobs and none is stuck.", healthy },
		{ "worker_results_pending", "Results that the stream has not taken yet.",
		  sl_worker_count(worker, SL_JOB_ENDING) },
		{ "worker_tasks_stuck", "Jobs reported as over whose handler still runs.",
		  sl_worker_count(worker, SL_JOB_GONE) },
		{ "worker_concurrency", "Threads for jobs.", worker->concurrency },
		{ "worker_memory_bytes", "Resident, at the last heartbeat.",
		  worker->load.mem_bytes },
		{ "worker_nats_connected", "1 while the bus is reached.",
		  sl_bus_state(worker->bus) == SL_BUS_CONNECTED },
	};

	for (size_t i = 0; i < COUNT(gauges); i++)
		sl_metrics_one(page, gauges[i].name, SL_GAUGE, gauges[i].help, gauges[i].value);
}

static void export_counts(struct sl_metrics *page, const struct sl_worker *worker)
{
	const struct sl_worker_stats *stats = &worker->stats;
	const struct sl_bus_stats bus = sl_bus_stats(worker->bus);
	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} counts[] = {
		{ "worker_assignments_received_total", "Deliveries of assignments.",
		  stats->received_total },
		{ "worker_assignments_malformed_total", "Refused: not what the contract says.",
		  stats->malformed_total },
		{ "worker_assignments_duplicate_total", "Delivered again while in hand or done.",
		  stats->duplicates_total },
		{ "worker_assignments_given_up_total", "Delivered too often: dead letters.",
		  stats->given_up_total },
		{ "worker_assignments_handed_back_total", "Given back for another worker.",
		  stats->handed_back_total },
		{ "worker_tasks_expired_total", "Ended by their deadline.", stats->expired_total },
		{ "worker_tasks_cancelled_total", "Ended by a cancellation.",
		  stats->cancelled_total },
		{ "worker_tasks_abandoned_total", "Of these, with a handler that went on.",
		  stats->abandoned_total },
		{ "worker_cancels_malformed_total", "Cancellations that were refused.",
		  stats->cancel_malformed_total },
		{ "worker_result_publish_failures_total", "Tries to publish a result that failed.",
		  stats->result_failures_total },
		{ "worker_dlq_publish_failed_total", "Dead letters that could not be stored.",
		  stats->dead_letter_failures_total },
		{ "worker_heartbeats_total", "Heartbeats sent.", stats->heartbeats_total },
		{ "worker_config_reloads_total", "Times the handlers were read again.",
		  stats->reloads_total },
		{ "worker_config_reload_failures_total", "Of these, refused.",
		  stats->reload_failures_total },
		{ "worker_bp_signals_total", "Pressure signals sent.", stats->signals_total },
		{ "worker_bp_signals_malformed_total", "Signals of others that were refused.",
		  stats->signals_malformed_total },
		{ "worker_nats_slow_consumer_total", "Messages lost to full queues.",
		  bus.slow_consumer_total },
		{ "worker_nats_reconnects_total", "Connections to the bus made again.",
		  bus.reconnects_total },
	};

	for (size_t i = 0; i < COUNT(counts); i++)
		sl_metrics_one(page, counts[i].name, SL_COUNTER, counts[i].help, counts[i].value);
}

static void export_rejections(struct sl_metrics *page, const struct sl_worker *worker)
{
	const struct sl_label full = { "reason", "full" }, unknown = { "reason", "unknown" };
	const struct sl_label late = { "reason", "late" };
	unsigned int family = sl_metrics_family(page, "worker_assignments_rejected_total",
						SL_COUNTER, "Left to other workers, and why.");

	sl_metrics_add(page, family, &full, 1, worker->stats.rejected_full_total);
	sl_metrics_add(page, family, &unknown, 1, worker->stats.rejected_unknown_total);
	sl_metrics_add(page, family, &late, 1, worker->stats.rejected_late_total);
}

/* As the last signal said. */
static void export_pressure(struct sl_metrics *page, const struct sl_worker *worker)
{
	const struct sl_signal *last = &worker->gauge.last;
	const struct {
		const char *name;
		const char *help;
		double value;
	} gauges[] = {
		{ "worker_bp_state", "Backpressure: 0 ok, 1 warn, 2 shed, 3 stop.",
		  (double)last->state },
		{ "worker_bp_pressure", "1: all are busy and nobody waits longer than the target.",
		  last->pressure },
		{ "worker_bp_credits", "Jobs that are taken on top of those in hand.",
		  (double)last->credits },
		{ "worker_bp_backlog", "Jobs in the stream behind the last one that came.",
		  (double)last->backlog },
		{ "worker_bp_done_per_second", "Jobs that ended.", last->done_per_s },
		{ "worker_bp_rejected_per_second", "Jobs that found no room.", last->reject_per_s },
		{ "worker_bp_expired_per_second",
		  "Jobs dropped from the queue: over their deadline, or waited too long.",
		  last->expired_per_s },
		{ "worker_bp_signal_age_seconds", "Since the last signal was sent.",
		  (double)(sl_monotonic_ns() - worker->gauge.sent_ns) / 1e9 },
	};
	const struct sl_label p50 = { "quantile", "0.5" }, p99 = { "quantile", "0.99" };
	unsigned int family = sl_metrics_family(page, "worker_queue_delay_seconds", SL_GAUGE,
						"How long jobs wait before they run.");

	sl_metrics_add_real(page, family, &p50, 1, last->queue_delay_p50_ms / 1e3);
	sl_metrics_add_real(page, family, &p99, 1, last->queue_delay_p99_ms / 1e3);
	for (size_t i = 0; i < COUNT(gauges); i++)
		sl_metrics_add_real(
			page, sl_metrics_family(page, gauges[i].name, SL_GAUGE, gauges[i].help),
			NULL, 0, gauges[i].value);
}

static void serve_metrics(struct sl_http_reply *reply, void *context)
{
	struct sl_worker *worker = context;
	struct sl_metrics *page = NULL;

	if (sl_metrics_new(&page, PAGE_BYTES_MAX) != 0) {
		reply->status = 500;
		return;
	}
	export_executions(page, worker);
	export_durations(page, worker);
	export_errors(page, worker);
	export_state(page, worker);
	export_counts(page, worker);
	export_rejections(page, worker);
	export_pressure(page, worker);
	sl_metrics_add_real(page,
			    sl_metrics_family(page, "worker_cpu_ratio", SL_GAUGE,
					      "Of all processors, at the last heartbeat."),
			    NULL, 0, worker->load.cpu);
	reply->metrics = page;
}

static void serve_live(struct sl_http_reply *reply, void *context)
{
	(void)context;
	(void)snprintf(reply->text, sizeof(reply->text), "ok\n");
}

static void serve_ready(struct sl_http_reply *reply, void *context)
{
	const struct sl_worker *worker = context;
	const char *why = "ok";

	if (sl_bus_state(worker->bus) != SL_BUS_CONNECTED)
		why = "the bus is not reached";
	else if (worker->phase == SL_WORKER_STARTING)
		why = "streams are not ready";
	else if (worker->phase != SL_WORKER_READY)
		why = "draining";
	else
		reply->status = 200;
	if (why[0] != 'o')
		reply->status = 503;
	(void)snprintf(reply->text, sizeof(reply->text), "%s\n", why);
}

const struct sl_http_route sl_worker_routes[] = { { "/metrics", serve_metrics },
						  { "/livez", serve_live },
						  { "/readyz", serve_ready },
						  { NULL, NULL } };
