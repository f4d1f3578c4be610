/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, summed over CPUs. Each CPU writes its own without locks: a sum is a
 * snapshot to within the packets in flight while it was read, and never goes back.
 *
 * Thread: any, with maps opened in either way.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"

/* One tenant. -ERANGE: no such id. Either pointer may be NULL. */
int sl_counters_read_one(struct sl_counters *ret, struct sl_counters *ret_shadow,
			 const struct sl_maps *maps, uint32_t tenant, struct sl_dp_error *error);

/*
 * Tenants 0..@count-1 into arrays of the caller; @count at most the view's tenants.
 * @ret_shadow may be NULL. Some 10,000 tenants take a few milliseconds a CPU.
 */
int sl_counters_read_all(struct sl_counters *ret, struct sl_counters *ret_shadow, uint32_t count,
			 const struct sl_maps *maps, struct sl_dp_error *error);

int sl_node_read(struct sl_node *ret, const struct sl_maps *maps, struct sl_dp_error *error);

/* How full a map is. */
struct sl_occupancy {
	uint64_t used;
	uint64_t max;
};

/*
 * Entries in use. Hashes and prefix maps are walked (a million entries take about
 * half a second: not for each scrape); in arrays every entry is in use. Of flows, @max
 * are sure to fit and often half more do: @used may be above it.
 * -ENOTSUP: the kernel cannot say (sl_sockets, sl_events).
 */
int sl_occupancy_read(struct sl_occupancy *ret, const struct sl_maps *maps, enum sl_map_id id,
		      struct sl_dp_error *error);
