/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of all tenants at one moment, and what can be said of them.
 *
 * Owner:  sl_snapshot_free().
 * Thread: pure functions, but for sl_snapshot_take().
 */
#pragma once

#include <stdint.h>

#include "sluice/abi.h"
#include "userspace/cli/cli.h"
#include "userspace/dataplane/maps.h"

struct sl_snapshot {
	uint64_t now_ns;
	uint32_t count; /* tenants 0..count-1: all that were ever named */
	struct sl_counters *counters;
	struct sl_counters *shadow;
};

/* 0, or an exit code after saying why. */
int sl_snapshot_take(struct sl_snapshot **ret, const struct sl_cli *cli,
		     const struct sl_maps *maps);
void sl_snapshot_free(struct sl_snapshot *snapshot); /* NULL is fine */
void sl_snapshot_freep(struct sl_snapshot **snapshot);

/* One direction of a tenant, summed. offered = passed + dropped. */
struct sl_tally {
	struct sl_count offered;
	struct sl_count passed;
	struct sl_count dropped;
	struct sl_count shadow; /* of the passed: what enforce would have dropped */
};

/*
 * What was counted between two snapshots; @before NULL: since the maps exist. A
 * tenant whose counters went back has begun anew (its id changed hands): it counts
 * from zero. Beyond the end of @after: nothing.
 */
struct sl_tally sl_tally_between(const struct sl_snapshot *before, const struct sl_snapshot *after,
				 uint32_t tenant, enum sl_direction direction);
