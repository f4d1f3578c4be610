/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the maps hold against what a configuration would have them hold. Pure.
 *
 * Left out, because it differs by design: ends of leases and of blocks, sheds,
 * seeds and places in tables, generations; of a limit that all nodes share, the rate, which
 * is what Redis leased to this one, and what holds at the lease's end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/cli/sheet.h"
#include "userspace/dataplane/maps.h"
#include "userspace/dataplane/sync.h"
#include "userspace/domain/plan.h"

/* The prefix maps, read. */
struct sl_diff_live {
	const struct sl_maps_view *view;
	const struct sl_source_entry *sources4;
	const struct sl_source_entry *sources6;
	size_t sources4_count;
	size_t sources6_count;
	const struct sl_block_listed *blocks;
	size_t block_count;
	uint64_t now_ns;
};

extern const struct sl_column sl_diff_columns[];
#define SL_DIFF_COLUMNS 4u

/* Puts a row for each difference into @sheet. @plan is made of @config. -ENOMEM. */
int sl_diff_put(struct sl_sheet *sheet, const struct sl_diff_live *live,
		const struct sl_config *config, const struct sl_plan *plan);
