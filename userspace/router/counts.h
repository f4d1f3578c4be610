/* SPDX-License-Identifier: Apache-2.0 */
/* What the router counts; exporter.c gives it the contract's names. */
#pragma once

#include <stdint.h>

#include "userspace/domain/codes.h"
#include "userspace/domain/policy.h"

#define SL_LATENCY_BUCKETS 12
#define SL_STATUSES	   4

enum sl_intake_subject {
	SL_INTAKE_DECIDE = 0,
	SL_INTAKE_GET_DECISION,
	SL_INTAKE_ADMIN,
	SL_INTAKE_SUBJECTS,
};

struct sl_latency {
	uint64_t buckets[SL_LATENCY_BUCKETS + 1];
	uint64_t count;
	double sum_s;
};

struct sl_usage_count {
	char provider_id[SL_PROVIDER_ID_BYTES];
	uint64_t by_status[SL_STATUSES];
};

struct sl_counts {
	uint64_t accepted[SL_INTAKE_SUBJECTS], refused[SL_INTAKE_SUBJECTS];
	uint64_t validation_errors[SL_INTAKES];
	uint64_t codes[SL_CODES];
	uint64_t dlq_total, dlq_failed_total;
	uint64_t duplicates_total, conflicts_total;
	struct sl_latency latency;
	struct sl_latency recent; /* begun anew every 10 s: for the p95 of backpressure */
	uint64_t recent_p95_us;
	uint64_t overloaded_total;

	uint64_t js_acks_total, js_redeliveries_total, js_exhausted_total;
	uint64_t assignments_published_total, assignments_retried_total;
	uint64_t assignments_blocked_total, assignments_skipped_total;
	uint64_t assignments_failed_total, retries_exhausted_total, retry_budget_empty_total;
	uint64_t publish_stalls_total; /* the store was silent, or too much was on its way to it */
	uint64_t acks_accepted_total, acks_rejected_total;
	uint64_t expired_total, adopted_total;
	uint64_t degraded_total;
	uint64_t results_total, results_duplicate_total, results_tenant_rejected_total;
	uint64_t results_invalid_total, results_late_total;
	struct sl_usage_count usage[SL_PROVIDERS_MAX + 1]; /* the last: of all others */
	uint32_t usage_count;
	uint64_t usage_failed_total;
	uint64_t breaker_moves_total;
	uint64_t heartbeats_total, heartbeats_invalid_total;
	uint64_t alerts_total;
	uint64_t bp_signals_sent_total, bp_signals_malformed_total, bp_pools_refused_total;
	uint64_t contract_violations_total;
	uint64_t reloads_total, reload_failures_total;
	uint64_t connection_errors_total;
};

extern const double sl_latency_bounds_s[SL_LATENCY_BUCKETS];

/* The provider's place in counts->usage; names come from workers, so they are bounded. */
struct sl_usage_count *sl_counts_usage(struct sl_counts *counts, const char *provider_id);

void sl_latency_add(struct sl_latency *latency, double seconds);
/* An upper bound of the share @quantile, in seconds; 0 when there is none. */
double sl_latency_quantile(const struct sl_latency *latency, double quantile);
