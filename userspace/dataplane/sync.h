/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan into the maps, as one step for the packet path.
 *
 * The plan is written into the half that no program reads, with the epoch's
 * release store it becomes the live one: a program sees the old plan or the new
 * one, whole. Source prefixes live in tries, which have no halves: each entry
 * holds both answers. Names, cgroups and blocks are not part of that step; a name
 * is written before its limit, a block works at once.
 *
 * Invariants
 *   I1  nothing writes into a half before every program that may read it has ended:
 *       membarrier(GLOBAL) waits for that; it is a synchronize_rcu().
 *   I2  the counters of an id that changes hands are zero before the id is live, and
 *       its bucket starts full by the new generation.
 *   I3  a failure before the epoch's store leaves the live plan as it was; prefixes
 *       added by then answer in the live half what was true before.
 *
 * Thread: one writer for everything in this file (the agent; sluicectl only while
 *         the agent is dead: sl_sync_lock() decides).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"
#include "userspace/domain/config.h"

struct sl_plan;

/*
 * Makes this process the writer until it ends or closes @ret_fd (a lock on the pin
 * folder). -EBUSY: another process is (`sluicectl: the agent is running, ask it`).
 */
int sl_sync_lock(int *ret_fd, const char *pin_dir, struct sl_dp_error *error);

/*
 * Waits until every program that was running when it was called has ended, as I1 needs.
 * Some 10 to 30 ms.
 */
void sl_sync_settle(void);

/* What an apply did; for logs and metrics. */
struct sl_sync_result {
	uint32_t epoch;		  /* live from now on */
	uint32_t ids_changed;	  /* their counters began at 0 */
	uint32_t prefixes;	  /* sources and blocks written or removed */
	uint32_t cgroups_missing; /* paths that do not exist: not bound until the next apply */
	char missing[128];	  /* the first of them, cut */
};

/*
 * The whole plan. @cgroup_dir: the cgroup2 mount; "" = as /proc/self/mountinfo says.
 * @ret may be NULL. -E2BIG: the plan is not made for maps of these sizes; -ENOSPC: a
 * prefix map is full; in both cases the live plan is as it was.
 */
int sl_sync_apply(struct sl_sync_result *ret, struct sl_maps *maps, const struct sl_plan *plan,
		  const char *cgroup_dir, struct sl_dp_error *error);

/*
 * What follows is single stores and works without a plan.
 */

/* Lease of one tenant, both directions and both halves; 0 = never ends. -ERANGE: no such id. */
int sl_sync_renew_lease(struct sl_maps *maps, uint32_t tenant, uint64_t until_ns);

/* The same for all tenants that have a lease: a live agent's heartbeat for its limits. */
void sl_sync_renew_leases(struct sl_maps *maps, uint64_t until_ns);

void sl_sync_heartbeat(struct sl_maps *maps, uint64_t now_ns);

void sl_sync_mode(struct sl_maps *maps, enum sl_mode mode);

/*
 * Shed @permille of the tenant's traffic until @until_ns (0 = stop); both directions.
 * Until the next plan, which brings its own. -ERANGE.
 */
int sl_sync_shed(struct sl_maps *maps, uint32_t tenant, uint32_t permille, uint64_t until_ns);

/*
 * Blocks, until the next plan, which brings its own. Of blocks that cover each other
 * each lasts at least as long as the wider one, as in a plan. @until_ns 0 = for good.
 * add: -ENOSPC when the map is full; of a prefix already there the deadline is set.
 * del: -ENOENT.
 */
int sl_sync_block_add(struct sl_maps *maps, const struct sl_prefix_spec *prefix, uint64_t until_ns,
		      struct sl_dp_error *error);
int sl_sync_block_del(struct sl_maps *maps, const struct sl_prefix_spec *prefix,
		      struct sl_dp_error *error);

struct sl_block_listed {
	struct sl_prefix_spec prefix;
	uint64_t until_ns; /* 0: for good */
};

/* All blocks, ended ones too; free(@ret). */
int sl_sync_block_list(struct sl_block_listed **ret, size_t *ret_count, const struct sl_maps *maps,
		       struct sl_dp_error *error);

/* Removes blocks that ended before @now_ns; their number. */
size_t sl_sync_block_expire(struct sl_maps *maps, uint64_t now_ns);
