// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/snapshot.h"

#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/live.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/domain/counters.h"

static uint32_t ids_in_use(const struct sl_maps_view *view)
{
	uint32_t count = view->tenants;

	while (count > 1 && !view->names[count - 1].name[0])
		count--;
	return count;
}

int sl_snapshot_take(struct sl_snapshot **ret, const struct sl_cli *cli, const struct sl_maps *maps)
{
	sl_cleanup(sl_snapshot_freep) struct sl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct sl_dp_error error = { "" };

	if (snapshot) {
		snapshot->count = ids_in_use(sl_maps_view(maps));
		snapshot->counters = calloc(snapshot->count, sizeof(*snapshot->counters));
		snapshot->shadow = calloc(snapshot->count, sizeof(*snapshot->shadow));
	}
	if (!snapshot || !snapshot->counters || !snapshot->shadow)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	if (sl_counters_read_all(snapshot->counters, snapshot->shadow, snapshot->count, maps,
				 &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	snapshot->now_ns = sl_monotonic_ns();
	*ret = SL_TAKE_PTR(snapshot);
	return 0;
}

void sl_snapshot_free(struct sl_snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->counters);
	free(snapshot->shadow);
	free(snapshot);
}

void sl_snapshot_freep(struct sl_snapshot **snapshot)
{
	sl_snapshot_free(*snapshot);
}

static struct sl_tally tally_of(const struct sl_reason_counts *counts,
				const struct sl_reason_counts *shadow)
{
	return (struct sl_tally){ .offered = sl_reasons_total(counts),
				  .passed = counts->pass,
				  .dropped = sl_reasons_dropped(counts),
				  .shadow = sl_reasons_total(shadow) };
}

struct sl_tally sl_tally_between(const struct sl_snapshot *before, const struct sl_snapshot *after,
				 uint32_t tenant, enum sl_direction direction)
{
	struct sl_counters counters, shadow;

	if (tenant >= after->count)
		return (struct sl_tally){ 0 };
	counters = after->counters[tenant];
	shadow = after->shadow[tenant];
	if (before && tenant < before->count) {
		sl_counters_since(&counters, &counters, &before->counters[tenant]);
		sl_counters_since(&shadow, &shadow, &before->shadow[tenant]);
	}
	return direction == SL_INGRESS ? tally_of(&counters.ingress, &shadow.ingress)
				       : tally_of(&counters.egress, &shadow.egress);
}
