/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's part in global quotas: what this node leases of each global limit, asked of
 * Redis off the packet path, written into the maps (quota/lease.h and central.h decide,
 * dataplane/sync_rates.h writes).
 *
 * Owner:  sl_quota_free() ends calls under way and forgets; what is in the maps stays, and
 *         ends by the leases' own deadlines.
 * Thread: the event loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/agent/quota_refusals.h"
#include "userspace/dataplane/maps.h"
#include "userspace/domain/config.h"
#include "userspace/domain/plan.h"
#include "userspace/obs/log.h"
#include "userspace/quota/renewal.h"
#include "userspace/quota/terms.h"
#include "userspace/quota/wire.h"
#include "userspace/redis/redis.h"

#define SL_QUOTA_LEASES_MAX 65536u /* of a node; one more tenant's is refused */

struct event_base;
struct sl_quota;

struct sl_quota_options {
	struct sl_redis_options redis;
	const char *node;   /* 1..63 letters, digits, ".", "-" and "_"; the node's own */
	const char *prefix; /* of the keys */
	uint32_t buckets;
	int64_t incarnation;  /* raised with each start of the agent that adopts nothing */
	struct sl_maps *maps; /* of the agent before, if there was one: what it leased goes on */
	uint64_t seed;
	struct sl_log *log;
};

/* Counters of the agent; those of single leases are in struct sl_quota_view. */
struct sl_quota_stats {
	uint64_t calls_total;
	uint64_t failed_total;	  /* calls without a good answer */
	uint64_t bad_total;	  /* answers that cannot be */
	uint64_t conflicts_total; /* terms that differ from those of another node */
	uint64_t refused_total;	  /* leases over SL_QUOTA_LEASES_MAX */
	uint64_t renew_ns;	  /* of the last call, from sending to answer */
};

/* One lease, for people. */
struct sl_quota_view {
	const char *tenant;
	enum sl_quota_kind kind;
	struct sl_terms terms;
	struct sl_quota_state state;
	int64_t want_mu_per_s;
	int64_t seq;
	uint32_t live;
	bool is_cut_off; /* others are heard renewing while this node is not answered */
	bool contended, learning, central, drained;
	uint64_t asked, granted, failed, dropped, expired, fenced;
	int64_t effective_mu_per_s;	   /* E of the last answer; 0: none */
	uint64_t store_gen;		   /* of the terms in force at Redis; 0: not known */
	enum sl_quota_status terms_status; /* CONFLICT, STALE: Redis did not take ours */
	const struct sl_refusals *refusals;
};

/* -EINVAL, -EPROTONOSUPPORT with @error: as of sl_redis_new(). -ENOMEM. */
int sl_quota_new(struct sl_quota **ret, struct event_base *base,
		 const struct sl_quota_options *options, struct sl_redis_error_text *error);
void sl_quota_free(struct sl_quota *quota); /* NULL is fine */

/*
 * The leases that @config asks for, with @ids as in its plan; others are let go. Then the
 * plan's limits of them are what is leased now: call before the plan is written.
 */
void sl_quota_take(struct sl_quota *quota, const struct sl_config *config, struct sl_plan *plan,
		   uint64_t tick_ns, uint64_t now_ns);

/* Looks at the counters, asks what is due, writes what changed. Each 100 ms. */
void sl_quota_tick(struct sl_quota *quota, struct sl_maps *maps, uint64_t now_ns);

typedef void sl_quota_each(const struct sl_quota_view *view, void *context);
void sl_quota_walk(const struct sl_quota *quota, uint64_t now_ns, sl_quota_each *function,
		   void *context);
struct sl_quota_stats sl_quota_stats(const struct sl_quota *quota);
const struct sl_redis *sl_quota_redis(const struct sl_quota *quota);
