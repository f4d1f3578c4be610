/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct sl_maps, for those of this folder that write maps. */
#pragma once

#include "userspace/dataplane/maps.h"
#include "userspace/dataplane/pins.h"

struct sl_maps {
	char pin_dir[SL_CONFIG_PATH_BYTES];
	struct sl_maps_view view;
	int fds[SL_MAP_COUNT];
	uint32_t max_entries[SL_MAP_COUNT];
	void *mapped[SL_MAP_COUNT];
	size_t mapped_bytes[SL_MAP_COUNT];

	/* sync: the programs that may have read the half that is not live have ended. */
	bool settled;
	/* sync: both halves of every source prefix say the same. */
	bool sources_agree;
};

/*
 * Opens what is pinned in the folder @root itself (PIN_DIR/v1, .../v0). @lenient: a map
 * that is missing or of another shape is left closed (-1, and NULL in the view) instead
 * of refused; sl_names has to be there.
 */
int sl_maps_open_root(struct sl_maps **ret, const char *root, const char *pin_dir,
		      enum sl_maps_access access, bool lenient, struct sl_dp_error *error);

/*
 * A handle of descriptors that are open already: each is duplicated. The shapes are
 * taken as right.
 */
int sl_maps_from_fds(struct sl_maps **ret, const int fds[SL_MAP_COUNT], const char *pin_dir,
		     struct sl_dp_error *error);

/* Bytes of one value as the kernel copies it: of all CPUs for per-CPU maps. 0: no CPU count. */
size_t sl_maps_value_bytes(enum sl_map_id id);
