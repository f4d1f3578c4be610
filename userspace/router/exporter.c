// SPDX-License-Identifier: Apache-2.0
/* Metrics by the contract's names (section 6), and health, over HTTP on loopback. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/router/router_private.h"

#define PAGE_BYTES_MAX (1u << 20)
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define NS_PER_S       1e9

/* ---- families -------------------------------------------------------------------------------- */

static void export_intake(struct sl_metrics *page, const struct sl_router *router)
{
	static const char *const subjects[] = { "decide", "get_decision", "admin" };
	const struct sl_counts *counts = &router->counts;
	const unsigned int messages =
		sl_metrics_family(page, "router_intake_messages_total", SL_COUNTER,
				  "Requests answered, by what came of them.");
	const unsigned int errors =
		sl_metrics_family(page, "router_intake_validation_errors_total", SL_COUNTER,
				  "Requests refused by a rule of the intake.");
	const unsigned int codes = sl_metrics_family(page, "router_answers_refused_total",
						     SL_COUNTER, "Refusals by their code.");

	for (size_t i = 0; i < SL_INTAKE_SUBJECTS; i++) {
		const struct sl_label good[] = { { "subject", subjects[i] },
						 { "status", "success" } };
		const struct sl_label bad[] = { { "subject", subjects[i] },
						{ "status", "failed" } };

		sl_metrics_add(page, messages, good, 2, counts->accepted[i]);
		sl_metrics_add(page, messages, bad, 2, counts->refused[i]);
	}
	for (int i = SL_INTAKE_NONE + 1; i < SL_INTAKES; i++) {
		const struct sl_label code = { "error_code", sl_intake_name((enum sl_intake)i) };

		sl_metrics_add(page, errors, &code, 1, counts->validation_errors[i]);
	}
	for (int i = 0; i < SL_CODES; i++) {
		const struct sl_label code = { "code", sl_code_name((enum sl_code)i) };

		if (counts->codes[i])
			sl_metrics_add(page, codes, &code, 1, counts->codes[i]);
	}
}

static void export_latency(struct sl_metrics *page, const struct sl_router *router)
{
	const struct sl_latency *latency = &router->counts.latency;
	const struct sl_histogram histogram = {
		.bounds = sl_latency_bounds_s,
		.counts = latency->buckets,
		.bucket_count = SL_LATENCY_BUCKETS,
		.sum = latency->sum_s,
	};

	sl_metrics_add_histogram(page,
				 sl_metrics_family(page, "router_intake_processing_latency_seconds",
						   SL_HISTOGRAM,
						   "From a request's arrival to its answer, or to "
						   "what it waits for."),
				 NULL, 0, &histogram);
}

static void export_usage(struct sl_metrics *page, const struct sl_router *router)
{
	const unsigned int family =
		sl_metrics_family(page, "router_usage_emitted_total", SL_COUNTER,
				  "Usage events stored, by the result's status and provider.");

	for (uint32_t i = 0; i <= SL_PROVIDERS_MAX; i++) {
		const struct sl_usage_count *count = &router->counts.usage[i];

		for (unsigned int status = 0; count->provider_id[0] && status < SL_STATUSES;
		     status++) {
			const struct sl_label labels[] = {
				{ "status", sl_exec_status_name((enum sl_worker_status)status) },
				{ "provider_id", count->provider_id },
			};

			sl_metrics_add(page, family, labels, 2, count->by_status[status]);
		}
	}
}

static void export_breakers(struct sl_metrics *page, const struct sl_router *router)
{
	const unsigned int family = sl_metrics_family(page, "router_circuit_breakers", SL_GAUGE,
						      "Breakers by their state.");
	uint64_t states[3] = { 0, 0, 0 };
	const struct sl_breaker *breaker;
	uint32_t at = 0;

	while ((breaker = sl_table_next(router->core->breakers, &at, sl_router_now(router))))
		states[breaker->state]++;
	for (unsigned int i = 0; i < COUNT(states); i++) {
		const struct sl_label label = { "state",
						sl_breaker_state_name((enum sl_breaker_state)i) };

		sl_metrics_add(page, family, &label, 1, states[i]);
	}
}

struct metric {
	const char *name, *help;
	uint64_t value;
};

static void export_all(struct sl_metrics *page, const struct metric *metrics, size_t count,
		       enum sl_metric_type type)
{
	for (size_t i = 0; i < count; i++)
		sl_metrics_one(page, metrics[i].name, type, metrics[i].help, metrics[i].value);
}

static void export_counters(struct sl_metrics *page, const struct sl_router *router)
{
	const struct sl_counts *c = &router->counts;
	const struct sl_bus_stats bus = sl_bus_stats(router->bus);
	const struct metric metrics[] = {
		{ "router_intake_dlq_messages_total", "Dead letters written.", c->dlq_total },
		{ "router_intake_dlq_publish_failed_total", "Dead letters that were lost.",
		  c->dlq_failed_total },
		{ "router_intake_idempotent_duplicate_total",
		  "Requests that came again and got the first answer.", c->duplicates_total },
		{ "router_intake_idempotent_conflict_total",
		  "Keys that came again with another request.", c->conflicts_total },
		{ "router_intake_overloaded_total", "Requests for which there was no room.",
		  c->overloaded_total },
		{ "router_jetstream_ack_total", "Results and acks taken off their streams.",
		  c->js_acks_total },
		{ "router_jetstream_redelivery_total", "Results and acks that came again.",
		  c->js_redeliveries_total },
		{ "router_jetstream_maxdeliver_exhausted_total",
		  "Results given up after their last delivery.", c->js_exhausted_total },
		{ "router_assignment_published_total", "Assignments stored.",
		  c->assignments_published_total },
		{ "router_assignment_retry_total", "Attempts after the first.",
		  c->assignments_retried_total },
		{ "router_publish_stalls_total", "Attempts that the store left unanswered.",
		  c->publish_stalls_total },
		{ "router_assignment_blocked_total", "Assignments refused for want of room.",
		  c->assignments_blocked_total },
		{ "router_assignment_skipped_total", "Decisions that asked for no assignment.",
		  c->assignments_skipped_total },
		{ "router_assignment_publish_failures_total", "Assignments that were not stored.",
		  c->assignments_failed_total },
		{ "router_assignment_expired_total", "Assignments cancelled without a result.",
		  c->expired_total },
		{ "router_assignment_adopted_total",
		  "Open assignments of earlier routers that are followed here.", c->adopted_total },
		{ "router_assignment_accepted_total", "Acks of workers that took one.",
		  c->acks_accepted_total },
		{ "router_assignment_rejected_total", "Acks of workers that did not.",
		  c->acks_rejected_total },
		{ "router_retry_exhausted_total", "Assignments whose last attempt failed.",
		  c->retries_exhausted_total },
		{ "router_retry_budget_empty_total",
		  "Assignments not tried again, as a tenth of them all were already.",
		  c->retry_budget_empty_total },
		{ "router_degraded_mode_active_total",
		  "Times something was done without the shared memory of decisions.",
		  c->degraded_total },
		{ "router_results_total", "Results taken off the stream.", c->results_total },
		{ "router_results_duplicate_total", "Results that were metered before.",
		  c->results_duplicate_total },
		{ "router_results_tenant_rejected_total", "Results of tenants not served here.",
		  c->results_tenant_rejected_total },
		{ "router_results_validation_failed_total", "Results that made no sense.",
		  c->results_invalid_total },
		{ "router_usage_emit_failed_total", "Usage events to be tried again.",
		  c->usage_failed_total },
		{ "router_circuit_breaker_state_transitions_total", "Breakers that moved.",
		  c->breaker_moves_total },
		{ "router_heartbeats_total", "Heartbeats of workers.", c->heartbeats_total },
		{ "router_heartbeats_invalid_total", "Heartbeats that made no sense.",
		  c->heartbeats_invalid_total },
		{ "router_alerts_total", "Alerts sent.", c->alerts_total },
		{ "router_nats_connection_errors_total", "Times the connection was not there.",
		  c->connection_errors_total },
		{ "router_nats_reconnect_total", "Times it came back.", bus.reconnects_total },
		{ "router_nats_contract_violations_total",
		  "Times a stream was found to capture the subject of requests.",
		  c->contract_violations_total },
		{ "router_bp_signals_sent_total", "Pressure signals sent.",
		  c->bp_signals_sent_total },
		{ "router_bp_signals_malformed_total", "Signals that were refused.",
		  c->bp_signals_malformed_total },
		{ "router_bp_pools_refused_total", "Signals of more pools than there may be.",
		  c->bp_pools_refused_total },
		{ "router_nats_slow_consumer_total", "Messages lost to full queues.",
		  bus.slow_consumer_total },
		{ "sluice_config_reloads_total", "Times the configuration was read again.",
		  c->reloads_total },
		{ "sluice_config_reload_failures_total",
		  "Times it was refused and the last good one kept.", c->reload_failures_total },
	};

	export_all(page, metrics, COUNT(metrics), SL_COUNTER);
}

static void export_gauges(struct sl_metrics *page, const struct sl_router *router)
{
	const struct sl_idempotency_stats decisions = sl_idempotency_stats(router->core->decisions);
	const struct metric metrics[] = {
		{ "router_intake_inflight_messages", "Requests whose answer waits.",
		  router->job_count },
		{ "router_intake_backpressure_active", "1: no more assignments are taken.",
		  router->job_count >= router->settings.in_flight_max },
		{ "router_jetstream_pending_messages", "Results behind the last one.",
		  router->pending_results },
		{ "router_jetstream_ack_pending_messages", "Results whose usage is being stored.",
		  router->settling },
		{ "router_assignments_open", "Assignments without a result.",
		  sl_assignments_count(router->assignments) },
		{ "router_decisions_stored", "Decisions that can be found again.",
		  decisions.entries },
		{ "router_decisions_bytes", "Of their answers.", decisions.bytes },
		{ "router_nats_connected", "1: connected.",
		  sl_bus_state(router->bus) == SL_BUS_CONNECTED },
		{ "sluice_config_last_reload_successful",
		  "0 while the file on disk is not what is in force.", !router->config_error[0] },
	};
	const struct metric counters[] = {
		{ "router_decisions_evicted_total", "Decisions forgotten before their time.",
		  decisions.evictions },
		{ "router_sticky_evicted_total", "Sessions forgotten before their time.",
		  sl_sticky_stats(router->core->sticky).evictions },
	};

	export_all(page, metrics, COUNT(metrics), SL_GAUGE);
	export_all(page, counters, COUNT(counters), SL_COUNTER);
}

/* ---- pools of workers ------------------------------------------------------------------------ */

struct pool_family {
	const char *name, *help;
	enum sl_metric_type kind;
	double (*value)(const struct sl_pool_view *view);
};

static double pool_state(const struct sl_pool_view *view)
{
	return (double)view->state;
}

static double pool_pressure(const struct sl_pool_view *view)
{
	return view->pressure;
}

static double pool_capacity(const struct sl_pool_view *view)
{
	return view->capacity_per_s;
}

static double pool_threshold(const struct sl_pool_view *view)
{
	return view->threshold;
}

static double pool_credits(const struct sl_pool_view *view)
{
	return (double)view->credits;
}

static double pool_workers(const struct sl_pool_view *view)
{
	return view->workers;
}

static double pool_admitted(const struct sl_pool_view *view)
{
	return (double)view->counts.admitted_total;
}

static double pool_shed(const struct sl_pool_view *view)
{
	return (double)view->counts.shed_total;
}

static double pool_no_credit(const struct sl_pool_view *view)
{
	return (double)view->counts.no_credit_total;
}

static double pool_signals(const struct sl_pool_view *view)
{
	return (double)view->counts.signals_total;
}

static double pool_transitions(const struct sl_pool_view *view)
{
	return (double)view->counts.transitions_total;
}

static const struct pool_family pool_families[] = {
	{ "router_bp_state", "0 ok, 1 warn, 2 shed, 3 stop, 4 stale.", SL_GAUGE, pool_state },
	{ "router_bp_pressure", "1: all are busy and nobody waits longer than the target.",
	  SL_GAUGE, pool_pressure },
	{ "router_bp_capacity", "Requests a second that pass; 0: not limited.", SL_GAUGE,
	  pool_capacity },
	{ "router_bp_threshold", "The lowest level that passes whole.", SL_GAUGE, pool_threshold },
	{ "router_bp_credits", "Jobs that may be sent now.", SL_GAUGE, pool_credits },
	{ "router_bp_workers", "Workers heard within 3 s.", SL_GAUGE, pool_workers },
	{ "router_bp_admitted_total", "Requests let through to the pool.", SL_COUNTER,
	  pool_admitted },
	{ "router_bp_shed_total", "Requests refused by their level.", SL_COUNTER, pool_shed },
	{ "router_bp_no_credit_total", "Requests refused because no worker takes them.", SL_COUNTER,
	  pool_no_credit },
	{ "router_bp_signals_total", "Signals of its workers.", SL_COUNTER, pool_signals },
	{ "router_bp_transitions_total", "Changes of its state.", SL_COUNTER, pool_transitions },
};

static void export_pool_family(struct sl_metrics *page, const struct sl_router *router,
			       const struct pool_family *one)
{
	const unsigned int family = sl_metrics_family(page, one->name, one->kind, one->help);
	struct sl_pool_view view;
	uint32_t at = 0;

	while (sl_pressure_next(&view, router->pressure, &at)) {
		const struct sl_label labels[] = { { "pool", view.name },
						   { "class", sl_work_class_name(view.work) } };

		sl_metrics_add_real(page, family, labels, 2, one->value(&view));
	}
}

static void export_pools(struct sl_metrics *page, const struct sl_router *router)
{
	const unsigned int age = sl_metrics_family(page, "router_bp_signal_age_seconds", SL_GAUGE,
						   "Since the pool's last signal.");
	struct sl_pool_view view;
	uint32_t at = 0;

	for (size_t i = 0; i < COUNT(pool_families); i++)
		export_pool_family(page, router, &pool_families[i]);
	while (sl_pressure_next(&view, router->pressure, &at)) {
		const struct sl_label labels[] = { { "pool", view.name },
						   { "class", sl_work_class_name(view.work) } };

		sl_metrics_add_real(page, age, labels, 2,
				    (double)(sl_router_now(router) - view.signal_ns) / NS_PER_S);
	}
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static void serve_metrics(struct sl_http_reply *reply, void *context)
{
	const struct sl_router *router = context;
	struct sl_metrics *page = NULL;

	if (sl_metrics_new(&page, PAGE_BYTES_MAX) != 0) {
		reply->status = 503;
		return;
	}
	export_intake(page, router);
	export_latency(page, router);
	export_usage(page, router);
	export_breakers(page, router);
	export_counters(page, router);
	export_gauges(page, router);
	export_pools(page, router);
	reply->metrics = page;
}

static void serve_alive(struct sl_http_reply *reply, void *context)
{
	(void)context;
	(void)snprintf(reply->text, sizeof(reply->text), "alive\n");
}

static void serve_ready(struct sl_http_reply *reply, void *context)
{
	const struct sl_router *router = context;
	const bool ready = router->decide_ready && router->js_ready && !router->draining &&
			   !router->captured && sl_bus_state(router->bus) == SL_BUS_CONNECTED;

	reply->status = ready ? 200 : 503;
	(void)snprintf(reply->text, sizeof(reply->text), "%s\n",
		       ready		  ? "ok"
		       : router->draining ? "draining"
		       : router->captured ? "a stream captures the subject of requests"
					  : "waiting for NATS and JetStream");
}

int sl_router_serve(struct sl_router *router)
{
	static const struct sl_http_route routes[] = {
		{ "/metrics", serve_metrics },
		{ "/livez", serve_alive },
		{ "/healthz", serve_alive },
		{ "/readyz", serve_ready },
		{ NULL, NULL },
	};

	return sl_http_new(&router->http, router->base, router->settings.metrics_address,
			   router->settings.metrics_port, routes, router);
}
