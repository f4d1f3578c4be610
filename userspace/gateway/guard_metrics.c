/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of limits in Redis, backpressure and abuse. */
#include "userspace/gateway/gateway_private.h"

#include "userspace/obs/metrics.h"

static void put_counters(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	static const struct {
		const char *name;
		enum sl_gateway_count count;
		const char *help;
	} rows[] = {
		{ "gateway_rate_limit_backpressure_adjustment_total", SL_COUNT_PRESSURE_TIGHTENED,
		  "Requests held against limits that a warning of the router tightened" },
		{ "gateway_backpressure_shed_total", SL_COUNT_PRESSURE_SHED,
		  "Requests answered 503 while the router is overloaded" },
		{ "gateway_backpressure_unknown_total", SL_COUNT_PRESSURE_UNKNOWN,
		  "Requests that passed as nothing is known of the router" },
		{ "gateway_backpressure_polls_total", SL_COUNT_PRESSURE_ASKED,
		  "Questions for the router's status map" },
		{ "gateway_backpressure_polls_lost_total", SL_COUNT_PRESSURE_LOST,
		  "Those that nobody answered in time" },
		{ "gateway_backpressure_polls_invalid_total", SL_COUNT_PRESSURE_WRONG,
		  "Those whose answer could not be read" },
		{ "gateway_throttled_total", SL_COUNT_THROTTLED,
		  "Requests answered 503 as the router accepts too few" },
		{ "gateway_abuse_cut_total", SL_COUNT_ABUSE_CUT,
		  "Requests held against limits that were cut for abuse" },
		{ "gateway_abuse_blocked_total", SL_COUNT_ABUSE_BLOCKED,
		  "Requests answered 429 for a block" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sl_metrics_one(page, rows[i].name, SL_COUNTER, rows[i].help,
			       sum->counts[rows[i].count]);
}

static void put_windows(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family =
		sl_metrics_family(page, "gateway_rate_limit_redis_total", SL_COUNTER,
				  "Requests that Redis was to count, by what came of it");

	for (int i = 0; i < SL_WINDOW_OUTCOMES; i++) {
		const struct sl_label label = { "outcome",
						sl_window_outcome_name((enum sl_window_outcome)i) };

		sl_metrics_add(page, family, &label, 1, sum->counts[SL_COUNT_WINDOW + i]);
	}
	sl_metrics_one(page, "gateway_rate_limit_fallback_total", SL_COUNTER,
		       "Those that Redis did not count, so that this node did",
		       sum->counts[SL_COUNT_WINDOW_HERE]);
	sl_metrics_one(page, "gateway_rate_limit_unavailable_total", SL_COUNTER,
		       "Those that Redis did not count, so that they were answered 503",
		       sum->counts[SL_COUNT_WINDOW_UNAVAILABLE]);
	sl_metrics_one(page, "gateway_rate_limit_redis_workers", SL_GAUGE,
		       "Workers that Redis counts for", sum->gauges[SL_GAUGE_WINDOW]);
}

static void put_events(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family = sl_metrics_family(page, "gateway_abuse_events_total", SL_COUNTER,
						"Patterns of abuse that were seen");

	for (int i = 0; i < SL_ABUSE_PATTERNS; i++) {
		const struct sl_label label = { "event_type",
						sl_abuse_name((enum sl_abuse_pattern)i) };

		sl_metrics_add(page, family, &label, 1, sum->counts[SL_COUNT_ABUSE + i]);
	}
}

void sl_guard_metrics(struct sl_metrics *page, const struct sl_gateway *gateway,
		      const struct sl_worker_counters *sum)
{
	const struct sl_settings *settings = gateway->settings;
	uint64_t now_ns = sl_gateway_now_ns(gateway);
	struct sl_pressure_view view = sl_pressure_look(
		&gateway->shared->pressure,
		settings->backpressure.interval_ns * settings->backpressure.stale_intervals,
		now_ns);

	put_windows(page, sum);
	put_counters(page, sum);
	sl_metrics_one(page, "gateway_backpressure_status", SL_GAUGE,
		       "0: unknown, 1: inactive, 2: warning, 3: active", view.level);
	put_events(page, sum);
	sl_metrics_one(page, "gateway_abuse_blocked_tenants", SL_GAUGE, "Tenants blocked now",
		       sl_abuse_blocked(&gateway->shared->abuse, now_ns));
	sl_metrics_one(page, "gateway_abuse_untracked_total", SL_COUNTER,
		       "Requests that found no place to be counted in",
		       __atomic_load_n(&gateway->shared->abuse.untracked_total, __ATOMIC_RELAXED));
}
