/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source prefixes in force, as the live half of the tries has them.
 *
 * Thread: any, with maps opened in either way.
 */
#pragma once

#include <stddef.h>

#include "userspace/dataplane/maps.h"
#include "userspace/domain/sources.h"

/*
 * Those of @family (4 or 6) that name a tenant, in no order; free(@ret). Beside a
 * writer that flips the epoch meanwhile, entries may be of either set. -ENOMEM.
 */
int sl_sources_read(struct sl_source_entry **ret, size_t *ret_count, const struct sl_maps *maps,
		    int family, struct sl_dp_error *error);
