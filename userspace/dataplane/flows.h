/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound flows: a connection's 5-tuple to its tenant. Written here and by the
 * gateway, never by the packet path.
 *
 * Thread: any; the kernel locks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"
#include "userspace/domain/config.h"

struct sl_flow_spec {
	struct sl_address remote; /* both of one family */
	struct sl_address local;
	uint16_t remote_port; /* host order */
	uint16_t local_port;
	uint8_t protocol; /* IPPROTO_TCP or _UDP */
	uint32_t tenant;
};

/*
 * From now on packets look for their flow. Whoever writes flows past this file (a
 * process that was handed the maps, a test) says so first; sl_flow_bind() does itself.
 */
void sl_flow_use(const struct sl_maps *maps);

/* -ENOSPC: the table is full. -EINVAL: families differ. -ERANGE: no such tenant. */
int sl_flow_bind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		 struct sl_dp_error *error);

/* By addresses, ports and protocol; @flow->tenant is not looked at. -ENOENT. */
int sl_flow_unbind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		   struct sl_dp_error *error);

/*
 * Up to @max flows, free(@ret); @ret_total counts all of them. A flow bound or
 * unbound meanwhile may be there or not.
 */
int sl_flow_list(struct sl_flow_spec **ret, size_t *ret_count, size_t *ret_total,
		 const struct sl_maps *maps, size_t max, struct sl_dp_error *error);
