/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound flows: a connection's 5-tuple to its tenant. Written here and by the
 * gateway, never by the packet path. How: flow_table.h.
 *
 * Thread: any, and any process at the same time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"
#include "userspace/domain/flow_table.h"

/* The table of a family, of maps opened in either way. Its lines may be NULL in maps that
 * a migration has found. */
struct sl_flow_table sl_flow_table_of(const struct sl_maps *maps, uint8_t family);

/*
 * From now on packets look for their flow. Whoever writes flows past this file (a
 * process that was handed the maps, a test) says so first; sl_flow_bind() does itself.
 */
void sl_flow_use(const struct sl_maps *maps);

/* -ENOSPC: no room for this flow. -EINVAL: families differ. -ERANGE: no such tenant. */
int sl_flow_bind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		 struct sl_dp_error *error);

/* By addresses, ports and protocol; @flow->tenant is not looked at. -ENOENT. */
int sl_flow_unbind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		   struct sl_dp_error *error);

/*
 * Up to @max flows, free(@ret); @ret_total counts all of them. A flow bound, unbound
 * or moved to its other line meanwhile may be there or not, or twice.
 */
int sl_flow_list(struct sl_flow_spec **ret, size_t *ret_count, size_t *ret_total,
		 const struct sl_maps *maps, size_t max, struct sl_dp_error *error);
