/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the agent's quotas, for quota.c, quota_demand.c, quota_ask.c, quota_write.c. */
#pragma once

#include "userspace/agent/quota.h"
#include "userspace/agent/quota_away.h"
#include "userspace/agent/quota_peers.h"
#include "userspace/agent/quota_lead.h"
#include "userspace/agent/quota_ledger.h"
#include "userspace/agent/quota_refusals.h"
#include "userspace/agent/quota_steer.h"
#include "userspace/quota/central.h"
#include "userspace/quota/lease.h"
#include "userspace/quota/turns.h"

/* One leased limit of one tenant. */
struct sl_quota_slot {
	char tenant[SL_TENANT_NAME_BYTES];
	enum sl_quota_kind kind;
	uint32_t id; /* of the tenant in the maps */
	uint32_t bucket;
	size_t at;	    /* its index in sl_quota.slots */
	uint64_t window_ns; /* of requests and cost, for people */
	struct sl_terms configured;
	struct sl_terms
		terms; /* with what operators said. terms.small: central is used, else lease */
	struct sl_lease lease;
	struct sl_central central;
	struct sl_quota_state state; /* as it was written last */
	uint64_t change_ns;	     /* when it has to be written again */
	bool is_gone;		     /* no longer asked for: freed when no call is under way */
	uint32_t calls;		     /* under way that name it */
	bool is_sending_terms;
	/* what the counters said last */
	uint64_t seen_arrived_mu, seen_admitted_mu;
	bool is_counted;
	struct sl_refusals refusals;
	enum sl_quota_status terms_status; /* what Redis last said of our terms */
};

/* What operators said of all nodes, as this agent knows it. */
struct sl_quota_said {
	struct sl_said ledger;
	char version[SL_SAID_TEXT_BYTES]; /* of the hash in Redis, when it was read */
	bool is_known;			  /* it was read once */
	bool is_asking;
	bool is_unsaved; /* Redis lacks some of it */
	bool is_changed; /* the leases do not follow it yet */
	uint64_t began_ns, next_ns;
	int64_t next_end_ms;
};

/* The part of this agent in sharing the platform's capacity. */
struct sl_quota_leading {
	bool is_on;				   /* some capacity is known */
	int64_t capacity_mu_per_s[SL_QUOTA_KINDS]; /* -1: not known */
	int64_t token;				   /* 0: another agent leads */
	struct sl_turns turns;
	bool is_busy; /* a round is under way */
	struct sl_quota_lead_stats stats;
};

#define SL_QUOTA_ADDRESSES_BYTES 256 /* of the log: longer ones are cut */

/* What was said of a Redis that is away. */
struct sl_quota_away {
	struct sl_away state;
	char addresses[SL_QUOTA_ADDRESSES_BYTES];
	char why[128];	    /* the last question about a lease failed */
	uint64_t failed_ns; /* when that was */
	enum sl_lease_peers said_peers;
};

struct sl_quota {
	struct sl_loop *loop;
	struct sl_redis *redis;
	struct sl_log *log;
	char node[SL_WIRE_NODE_BYTES];
	char prefix[SL_WIRE_PREFIX_BYTES];
	struct sl_wire_keys keys;
	int64_t incarnation;
	uint64_t seed;
	uint32_t nodes;
	uint64_t period_ns;
	struct sl_quota_said said;
	struct sl_quota_leading leading;
	uint32_t series_max; /* of a metric with tenants */
	uint64_t generation;
	struct sl_maps *adopts; /* where leases of the agent before may be; NULL: no more */
	uint64_t next_call_id;
	struct sl_maps *maps;	      /* of the last tick */
	struct sl_quota_slot **slots; /* by bucket, tenant and kind */
	size_t count;
	struct sl_quota_stats stats;
	uint64_t answered_ns; /* when Redis last answered about a lease; 0: never */
	uint64_t failing_ns;  /* the first question in vain since; 0: none */
	struct sl_quota_away away;
	struct sl_quota_heard heard; /* quota_peers.c */
	bool is_stopping;
};

/* ---- quota_demand.c: counters into the leases ------------------------------------------- */

void sl_quota_observe(struct sl_quota *quota, uint64_t now_ns);

/* ---- quota_write.c: states into the maps ------------------------------------------------ */

/* Writes the tenant's leases when @slot's state differs from what is written. */
void sl_quota_write(struct sl_quota *quota, struct sl_quota_slot *slot, uint64_t now_ns);
/* The same into a plan that is to be written. */
void sl_quota_overlay(struct sl_quota *quota, struct sl_plan *plan, uint64_t tick_ns,
		      uint64_t now_ns);

/* ---- quota_ask.c: calls and their answers ----------------------------------------------- */

void sl_quota_ask(struct sl_quota *quota, uint64_t now_ns);

/* ---- quota_lead.c: capacity across tenants ------------------------------------------------ */

void sl_quota_lead_take(struct sl_quota *quota, const struct sl_config *config);
void sl_quota_lead_tick(struct sl_quota *quota, uint64_t now_ns);

/* ---- quota.c ---------------------------------------------------------------------------- */

void sl_quota_state_of(const struct sl_quota_slot *slot, struct sl_quota_state *ret,
		       uint64_t now_ns);
/* Frees what is gone and named by no call. */
void sl_quota_sweep(struct sl_quota *quota);
/* Cold, with @terms. */
void sl_quota_begin(struct sl_quota *quota, struct sl_quota_slot *slot,
		    const struct sl_terms *terms, uint64_t now_ns);
/* Terms of the same generation that differ are another node's problem too: not taken. */
void sl_quota_renew_terms(struct sl_quota *quota, struct sl_quota_slot *slot,
			  const struct sl_terms *terms, uint64_t now_ns);

/* ---- quota_said.c: what operators said, from Redis ---------------------------------------- */

void sl_quota_said_tick(struct sl_quota *quota, uint64_t now_ns);
/* Before that nothing is leased, or for three seconds: a drained node stays so. */
bool sl_quota_said_is_known(const struct sl_quota *quota, uint64_t now_ns);

/* ---- quota_steer.c: the same into the leases ---------------------------------------------- */

void sl_quota_steer(struct sl_quota *quota, uint64_t now_ns);
struct sl_terms sl_quota_terms_in_force(const struct sl_quota *quota, const char *tenant,
					enum sl_quota_kind kind, const struct sl_terms *configured);
