/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent knows of the pools of workers, from the signals of workers and routers.
 * Pure.
 *
 * Of a pool the worse of two counts: what its workers' signals together say (pool.h), and
 * what a router makes of it that spoke within 3 s: routers see what is refused before it
 * comes to a worker. Of the node the worst pool counts; it is STOP only when every pool
 * is. A pool that is silent does not count while others speak; when all are silent, the
 * node is STALE.
 *
 * Owner:  sl_agent_pools_free(). At most SL_AGENT_POOLS_MAX pools, each with a bounded
 *         number of senders; a pool that is silent for 5 minutes is forgotten.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include "userspace/pressure/pool.h"
#include "userspace/pressure/signal.h"

#define SL_AGENT_POOLS_MAX	  32u
#define SL_AGENT_POOL_ROUTERS_MAX 64u

struct sl_agent_pools;

/* The secret is random: senders' names must not be made to meet in a table. */
int sl_agent_pools_new(struct sl_agent_pools **ret, const uint64_t secret[2]);
void sl_agent_pools_free(struct sl_agent_pools *pools); /* NULL is fine */

/*
 * 1: the state of its pool changed; 0; -ESTALE: not newer than what that sender said
 * before; -ENOSPC: one pool too many; -ENOMEM.
 */
int sl_agent_pools_hear(struct sl_agent_pools *pools, const struct sl_signal *signal,
			uint64_t now_ns);
/* Four times a second or more: pools that are hard pressed are judged each 50 ms. True: the state
 * of a pool changed. */
bool sl_agent_pools_tick(struct sl_agent_pools *pools, uint64_t random, uint64_t now_ns);

struct sl_agent_pool_view {
	const char *name; /* until the next call that changes something */
	enum sl_work_class work;
	enum sl_pressure_state state;
	uint64_t since_ns;
	double pressure;
	double done_per_s; /* of all its workers */
	uint32_t workers, routers;
	uint64_t signal_ns; /* when the last came */
};
size_t sl_agent_pools_count(const struct sl_agent_pools *pools);
struct sl_agent_pool_view sl_agent_pools_view(const struct sl_agent_pools *pools, size_t at);

/* All pools together. */
struct sl_agent_pools_sum {
	enum sl_pressure_state state; /* OK when nobody ever spoke */
	double pressure;	      /* of the pool that is worst */
	double done_per_s;	      /* of all that speak */
	double busy;		      /* 0..1, of the slots of the worst pool; 0: not known */
	const char *worst;	      /* its name; "" when there is none */
};
struct sl_agent_pools_sum sl_agent_pools_sum(const struct sl_agent_pools *pools);

struct sl_agent_pools_stats {
	uint64_t signals_total, old_total, refused_total, transitions_total;
};
struct sl_agent_pools_stats sl_agent_pools_stats(const struct sl_agent_pools *pools);
