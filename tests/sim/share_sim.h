/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity across tenants in virtual time: nodes with the real leases of all tenants, of
 * which one leads; a store that is the real model of it, lock and fencing tokens too; the
 * real sl_share_fill() and sl_turns_*(). Made up are demand (a steady flow that moves at
 * times), the network, the clocks, and the calls of a leader's round: the lock, then the sums
 * of all tenants, then E of each.
 *
 * Owner:  sl_share_world_free(). Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/agenda.h"
#include "tests/sim/trial.h"
#include "userspace/quota/lease.h"
#include "userspace/quota/share.h"
#include "userspace/quota/store.h"
#include "userspace/quota/turns.h"

#define SL_SHARE_NODES	 4u
#define SL_SHARE_TENANTS 8u
#define SL_SHARE_S	 1000000000ull
#define SL_SHARE_MS	 1000000ull
#define SL_SHARE_TICK_NS (20 * SL_SHARE_MS)
#define SL_SHARE_END_NS	 (130 * SL_SHARE_S)
#define SL_SHARE_LAST_NS (90 * SL_SHARE_S)  /* no mishap after it */
#define SL_SHARE_HEALED	 (100 * SL_SHARE_S) /* lock 5 s, a period, and leases of 5 s */

enum sl_share_mishap {
	SL_SHARE_DIES,	     /* a node's leader loop, and comes back */
	SL_SHARE_LEADERLESS, /* no node leads */
	SL_SHARE_STILL,	     /* a node's loop stands still; what it got waits for it */
	SL_SHARE_CUT,	     /* a node reaches no store */
	SL_SHARE_OUTAGE,     /* no node does */
	SL_SHARE_FAILOVER,   /* the store is back at what it was when this began */
	SL_SHARE_UNLOCKED,   /* the lock's key is lost */
	SL_SHARE_WIPED,	     /* a tenant's key is */
	SL_SHARE_TIME,	     /* the store's clock jumps, and stays there */
	SL_SHARE_LOSS,
	SL_SHARE_TWICE,
	SL_SHARE_LATE,
	SL_SHARE_DEMAND,   /* of one tenant it becomes .amount times its limit */
	SL_SHARE_CAPACITY, /* becomes .amount times the sum of limits */
	SL_SHARE_MISHAPS,
};

enum sl_share_break {
	SL_SHARE_BREAK_NONE,
	SL_SHARE_BREAK_FENCE,  /* writes bear the newest token, whoever sends them */
	SL_SHARE_BREAK_GREEDY, /* one tenant is given half as much again */
	SL_SHARE_BREAK_FLOOR,  /* guarantees are left out */
	SL_SHARE_BREAK_WEIGHT, /* weights are */
	SL_SHARE_BREAK_HOLD,   /* E begins to decay 20 s too early */
	SL_SHARE_BREAK_LEAD,   /* a node that was down never asks for the lock again */
	SL_SHARE_BREAK_LOCK,   /* whoever asks leads */
	SL_SHARE_BREAK_CLING,  /* a leader that Redis refuses keeps its lock */
	SL_SHARE_BREAKS,
};

enum sl_share_kind {
	SL_SHARE_LEAD,
	SL_SHARE_READ,
	SL_SHARE_WRITE,
	SL_SHARE_RENEW,
	SL_SHARE_TERMS,
};

struct sl_share_view {
	int64_t want, live;
};

struct sl_share_message {
	enum sl_share_kind kind;
	uint32_t node, tenant;
	uint64_t run;	/* of the node's loop */
	uint64_t round; /* of the leader, or send_id of a renewal */
	int64_t token;	/* of LEAD (answer) and WRITE */
	int64_t rate_mu_per_s;
	enum sl_quota_status status;
	struct sl_share_view view[SL_SHARE_TENANTS];
	struct sl_renew renew;
	struct sl_renewed renewed;
};

struct sl_share_node {
	uint64_t run, round;
	struct sl_turns turns;
	uint32_t open;	      /* calls without an answer so far: a bit for each tenant's */
	uint64_t deadline_ns; /* of their answers */
	struct sl_lease lease[SL_SHARE_TENANTS];
	bool sends_terms[SL_SHARE_TENANTS];
	uint64_t terms_ns[SL_SHARE_TENANTS];
	uint64_t clock_ns;
	struct sl_rng rng;
};

struct sl_share_tenant {
	struct sl_terms terms;
	struct sl_store *store, *replica;
	double demand_mu_per_s, weight[SL_SHARE_NODES];
	uint64_t changed_ns;
	double offered_mu, served_mu; /* at the end of the run */
	/* What the checks saw accepted, and of the replica. */
	struct sl_share_written {
		bool is_there;
		int64_t token, rate_mu_per_s, at_ms;
		bool is_vague; /* the store's clock went back since: by its last call */
	} written, written_replica;
};

struct sl_share_world {
	const struct sl_trial *trial;
	struct sl_trial_finding finding;
	struct sl_rng rng, network;
	uint64_t now_ns;
	uint32_t nodes, tenants;
	struct sl_share_node node[SL_SHARE_NODES];
	struct sl_share_tenant tenant[SL_SHARE_TENANTS];
	struct sl_store_lead lead, lead_replica;
	struct sl_store_lead seen; /* the checks' own: who leads until when */
	int64_t jump_ms, most_jump_ms;
	int64_t capacity_mu_per_s;
	uint64_t capacity_ns;
	double healed_sum; /* of what may be sent, of the capacity, at each check */
	uint32_t healed_ticks;
	struct sl_agenda agenda;
};

/* share_leader.c */
void sl_share_lead_tick(struct sl_share_world *world, uint32_t node);
void sl_share_lead_hear(struct sl_share_world *world, const struct sl_share_message *message);
/* share_store.c */
void sl_share_send(struct sl_share_world *world, const struct sl_share_message *message);
void sl_share_serve(struct sl_share_world *world, const struct sl_share_message *message);
void sl_share_harm(struct sl_share_world *world, uint64_t from_ns);
int64_t sl_share_store_ms(const struct sl_share_world *world);
bool sl_share_is_cut(const struct sl_share_world *world, uint32_t node);

enum sl_share_moment {
	SL_SHARE_AT_STORE,
	SL_SHARE_AT_NODE,
	SL_SHARE_AT_TIMEOUT
};
void sl_share_put(struct sl_share_world *world, enum sl_share_moment moment,
		  const struct sl_share_message *message, uint64_t at_ns);

/* share_check.c: what must hold. */
void sl_share_check_fill(struct sl_share_world *world, const struct sl_share *shares);
void sl_share_check_lead(struct sl_share_world *world, uint32_t node, int64_t token);
void sl_share_check_write(struct sl_share_world *world, const struct sl_share_message *message);
void sl_share_check_tick(struct sl_share_world *world);
void sl_share_check_end(struct sl_share_world *world);
