/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pinned maps, opened: the one handle for the agent, for sluicectl and for
 * sluicectl with the agent dead.
 *
 * Owner:  sl_maps_close() unmaps and closes; pins stay.
 * Thread: a handle may be read by many threads. sync.h says who may write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/base/cleanup.h"
#include "userspace/dataplane/error.h"
#include "userspace/dataplane/map_table.h"

enum sl_maps_access {
	SL_MAPS_READ, /* a store into the view is a fault; no update, no events */
	SL_MAPS_WRITE,
};

/* The arrays mapped into memory, and their lengths. Valid until sl_maps_close(). */
struct sl_maps_view {
	struct sl_ctl *ctl;
	struct sl_limit *limits;	    /* [2 * tenants]: tenant, then tenants + tenant */
	struct sl_name *names;		    /* [tenants] */
	struct sl_service4_line *services4; /* [2 * services4_lines] */
	struct sl_service6_line *services6; /* [2 * services6_lines] */
	struct sl_flow4_line *flows4;	    /* [flows4_lines]; by flows.h */
	struct sl_flow6_line *flows6;	    /* [flows6_lines] */
	struct sl_bucket *buckets;	    /* [tenants] */
	struct sl_cell *cells;		    /* [2 * cells] */
	struct sl_conns *conns;		    /* [tenants] */
	/* NULL both when the maps are of an agent that had none yet. */
	struct sl_requests *requests;		/* [2 * tenants] as limits */
	struct sl_request_words *request_words; /* [tenants] */
	uint32_t tenants;
	uint32_t services4_lines; /* of one half */
	uint32_t services6_lines;
	uint32_t flows4_lines;
	uint32_t flows6_lines;
	uint32_t cells_mask; /* cells of one table - 1 */
	enum sl_maps_access access;
};

struct sl_maps;

/*
 * Opens every map pinned under @pin_dir and checks it against abi.h. One that was added
 * within this ABI version (sl_map_is_added()) may be missing: its descriptor is -1.
 * -ENOENT: nothing is pinned there. -EPROTO: maps of another ABI version, or a
 * key or value of another size; the message names the map and both numbers.
 * -EPERM, -EACCES: needs root (or CAP_BPF and the files' permissions).
 */
int sl_maps_open(struct sl_maps **ret, const char *pin_dir, enum sl_maps_access access,
		 struct sl_dp_error *error);

/* NULL is fine. */
void sl_maps_close(struct sl_maps *maps);

static inline void sl_maps_closep(struct sl_maps **maps)
{
	sl_maps_close(*maps);
}

const struct sl_maps_view *sl_maps_view(const struct sl_maps *maps);

/* The descriptor stays the handle's. */
int sl_maps_fd(const struct sl_maps *maps, enum sl_map_id id);

/* The same by name ("sl_limits"): -ENOENT when no map of ours is called so. */
int sl_maps_fd_by_name(const struct sl_maps *maps, const char *name);

uint32_t sl_maps_max_entries(const struct sl_maps *maps, enum sl_map_id id);

/* The folder given to sl_maps_open(). */
const char *sl_maps_pin_dir(const struct sl_maps *maps);
