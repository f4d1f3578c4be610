/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct sl_dataplane, and the steps of sl_dataplane_open(). */
#pragma once

#include "sluice/abi.h"

#include "sluice.skel.h"

#include "userspace/dataplane/clock.h"
#include "userspace/dataplane/loader.h"
#include "userspace/dataplane/maps_private.h"

struct sl_dataplane {
	char pin_dir[SL_CONFIG_PATH_BYTES];
	struct sl_sizes sizes;
	struct sl_clock clock;
	enum sl_dataplane_origin origin;
	struct sluice_bpf *skel;
	struct sl_maps *maps;
	struct sl_maps *before; /* a migration's old maps, else NULL */
};

static inline void sl_skeletonp(struct sluice_bpf **skel)
{
	sluice_bpf__destroy(*skel);
}

/*
 * The object, opened and not yet loaded, its read-only data set. @maps: what it is to
 * use of these; NULL or -1 entries are made when it is loaded.
 */
int sl_loader_open(struct sluice_bpf **ret, const struct sl_sizes *sizes,
		   const struct sl_clock *clock, const struct sl_maps *maps,
		   struct sl_dp_error *error);

/* Pins all programs in the folder @root/progs, each in place of its predecessor. */
int sl_loader_pin_progs(const struct sluice_bpf *skel, const char *root, struct sl_dp_error *error);

/* ---- migrate.c ---- */

/* Finishes or drops what an interrupted migration left. */
int sl_migrate_recover(const char *pin_dir, struct sl_dp_error *error);

/* The folder of the maps of another ABI version, when one is there. -ENOENT. */
int sl_migrate_find_foreign(struct sl_pin_path *ret_root, unsigned *ret_version,
			    const char *pin_dir);

/* May the new set use this very map of the old one? */
bool sl_migrate_shares(const struct sl_maps *before, enum sl_map_id id,
		       const struct sl_sizes *sizes);

enum sl_migrate_pass {
	SL_MIGRATE_ALL,	  /* into empty maps */
	SL_MIGRATE_AGAIN, /* what the old programs changed since; of ids with their old owner */
};

/* Copies state between maps that are not shared, as far as it fits. */
int sl_migrate_copy(const struct sl_maps *to, const struct sl_maps *from, enum sl_migrate_pass pass,
		    struct sl_dp_error *error);

/* Makes v1_new the folder v1; moves links from @old_root (NULL: there are none). */
int sl_migrate_publish(const char *pin_dir, const char *old_root, struct sl_dp_error *error);

/* PIN_DIR/v1_new */
const char *sl_migrate_root(struct sl_pin_path *ret, const char *pin_dir);
