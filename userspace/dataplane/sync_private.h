/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of sl_sync_apply(). Inside of this folder. */
#pragma once

#include "userspace/dataplane/maps_private.h"
#include "userspace/dataplane/sync.h"
#include "userspace/domain/plan.h"

/* Changes of a map: what is written before the flip, and what goes after it. */
struct sl_sync_stale {
	unsigned char *keys;
	uint32_t count;
};

struct sl_sync_job {
	struct sl_maps *maps;
	const struct sl_plan *plan;
	struct sl_sync_result result;
	uint32_t live;			     /* the half that is live before the flip */
	struct sl_source_changes sources[2]; /* IPv4, IPv6 */
	struct sl_sync_stale blocks[2];
	struct sl_sync_stale cgroups;
	struct sl_sync_stale marks;
};

/* ---- sync_sources.c ---- */
int sl_sync_sources_write(struct sl_sync_job *job, struct sl_dp_error *error);
int sl_sync_sources_finish(struct sl_sync_job *job, struct sl_dp_error *error);

/* ---- sync_bindings.c: blocks, cgroups and marks, which have no halves ---- */
int sl_sync_bindings_write(struct sl_sync_job *job, const char *cgroup_dir,
			   struct sl_dp_error *error);
int sl_sync_bindings_finish(struct sl_sync_job *job, struct sl_dp_error *error);
