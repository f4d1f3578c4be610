/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of one gateway share: counters, one set for each worker so that
 * none waits for another, and the buckets. It outlives a reload.
 *
 * Owner:  the memory is the caller's, zeroed at first, aligned to 64 bytes.
 * Thread: each worker writes its own counters with atomic additions (after a reload
 *         two share a set); who reads adds them up.
 */
#pragma once

#include <stdint.h>

#include "userspace/gateway/buckets.h"
#include "userspace/gateway/limits.h"
#include "userspace/gateway/pressure_board.h"
#include "userspace/gateway/settings.h"

#define SL_WORKERS_MAX	   64u
#define SL_ROUTES_MAX	   32u
#define SL_STATUSES	   18u
#define SL_LATENCIES	   17u /* the last one is "more" */
#define SL_SECONDS_KEPT	   16u
#define SL_TENANT_LABELS   (SL_SETTINGS_NAMES_MAX + 1) /* the last one is "other" */
#define SL_WORKER_FRESH_NS 5000000000ull

enum sl_gateway_count {
	SL_COUNT_ALLOWED = 0,
	SL_COUNT_SHADOW_REFUSED, /* passed, but enforce would have refused it */
	SL_COUNT_STRANGER_REFUSED,
	SL_COUNT_LEVEL, /* refused, by enum sl_limit_level */
	SL_COUNT_LEVEL_LAST = SL_COUNT_LEVEL + SL_LEVELS - 1,
	SL_COUNT_IDEMPOTENCY_HIT,
	SL_COUNT_IDEMPOTENCY_MISS,
	SL_COUNT_IDEMPOTENCY_LOST, /* the store did not answer: passed without it */
	SL_COUNT_NATS_SENT,
	SL_COUNT_NATS_RECEIVED,
	SL_COUNT_NATS_FAILED,
	SL_COUNT_NATS_LATE,
	SL_COUNT_NATS_TIMEOUT,
	SL_COUNT_NATS_RECONNECT,
	SL_COUNT_JSON_FAILED,
	SL_COUNT_CLIENT_GONE,
	SL_COUNT_AUTH_FAILED,
	SL_COUNT_STREAM_SLOW, /* a client that did not read was let go */
	SL_COUNT_KEYS_RELOAD_FAILED,
	SL_COUNT_FLOW_BOUND,
	SL_COUNT_FLOW_NO_TENANT, /* the agent does not know the tenant */
	SL_COUNT_FLOW_LIMIT,
	SL_COUNT_FLOW_FULL,  /* no room in the kernel's map */
	SL_COUNT_FLOW_SWEPT, /* left behind by a dead worker */
	SL_COUNT_AGENT_WRONG,
	SL_COUNT_ESCALATED_CONNECTION,
	SL_COUNT_ESCALATED_TENANT,
	SL_COUNT_ESCALATED_SHADOW,
	SL_COUNT_LIMITS_AGENT, /* whose limit a request was held against */
	SL_COUNT_LIMITS_GATEWAY,
	SL_COUNT_WINDOW, /* questions to Redis, by enum sl_window_outcome */
	SL_COUNT_WINDOW_LAST = SL_COUNT_WINDOW + SL_WINDOW_OUTCOMES - 1,
	SL_COUNT_WINDOW_HERE,	     /* it failed: this node's count decided */
	SL_COUNT_WINDOW_UNAVAILABLE, /* ...: answered 503 */
	SL_COUNT_COST_RESERVED,
	SL_COUNT_COST_SETTLED,
	SL_COUNT_COST_RETURNED,
	SL_COUNT_COST_EXPIRED, /* nothing was heard of it */
	SL_COUNT_COST_REFUSED,
	SL_COUNT_PRESSURE_SHED,
	SL_COUNT_PRESSURE_TIGHTENED,
	SL_COUNT_PRESSURE_UNKNOWN, /* passed, as nothing is known */
	SL_COUNT_PRESSURE_ASKED,
	SL_COUNT_PRESSURE_LOST,	 /* no answer */
	SL_COUNT_PRESSURE_WRONG, /* one that cannot be read */
	SL_COUNT_THROTTLED,
	SL_COUNT_ABUSE, /* and one for each further pattern */
	SL_COUNT_ABUSE_LAST = SL_COUNT_ABUSE + SL_ABUSE_PATTERNS - 1,
	SL_COUNT_ABUSE_CUT,
	SL_COUNT_ABUSE_BLOCKED,
	SL_COUNTS,
};

enum sl_gateway_gauge {
	SL_GAUGE_CONNECTED = 0,
	SL_GAUGE_IN_FLIGHT,
	SL_GAUGE_STREAMS,
	SL_GAUGE_AGENT,
	SL_GAUGE_FLOWS,
	SL_GAUGE_WINDOW, /* Redis counts */
	SL_GAUGES,
};

struct sl_worker_counters {
	uint64_t seen_ns; /* when it last said something */
	uint64_t alive;	  /* in a sum only: workers that did so lately */
	uint64_t requests[SL_ROUTES_MAX][SL_STATUSES];
	uint64_t latencies[SL_LATENCIES];
	uint64_t latency_sum_us;
	uint64_t checked[SL_CLASSES][SL_TENANT_LABELS];
	uint64_t exceeded[SL_CLASSES][SL_TENANT_LABELS];
	uint64_t counts[SL_COUNTS];
	uint64_t gauges[SL_GAUGES];
	struct {
		uint64_t second; /* of CLOCK_MONOTONIC */
		uint64_t requests;
	} seconds[SL_SECONDS_KEPT];
} __attribute__((aligned(64)));

struct sl_shared {
	uint64_t tenants_max; /* as it was made */
	uint64_t addresses_max;
	struct sl_pressure_board pressure;
	struct sl_abuse abuse;
	struct sl_worker_counters workers[SL_WORKERS_MAX];
	/* and behind it both tables of buckets */
};

size_t sl_shared_bytes(const struct sl_settings *settings);
void sl_shared_init(struct sl_shared *shared, const struct sl_settings *settings,
		    const uint64_t secret[2]);
struct sl_buckets *sl_shared_tenants(struct sl_shared *shared);
struct sl_buckets *sl_shared_addresses(struct sl_shared *shared);

/* Where a status and a latency are counted, and what stands there. */
size_t sl_status_index(int status);
int sl_status_at(size_t index); /* 0: any other */
size_t sl_latency_index(uint64_t us);
double sl_latency_bound_s(size_t index); /* the last: +Inf */

/* clang-tidy does not see that the builtin writes. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static inline void sl_count_up(uint64_t *counter, uint64_t by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

/* All workers' counters added up; of gauges and seconds only who is alive. */
void sl_shared_sum(struct sl_worker_counters *ret, const struct sl_shared *shared, uint64_t now_ns);
