/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would happen to this packet, and why? The pinned explain programs run the
 * live judge on the live maps and charge nothing. The agent is not needed.
 *
 * Thread: any, one at a time for a pin folder: callers wait for each other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"

enum sl_explain_hook {
	SL_EXPLAIN_XDP,
	SL_EXPLAIN_TC_INGRESS,
	SL_EXPLAIN_TC_EGRESS,
};

/*
 * @packet from its Ethernet header on, 14 to 9000 bytes. @mark: the skb mark on tc.
 * -ENOENT: the programs are not pinned. -EINVAL: packet too short or too long.
 */
int sl_explain_packet(struct sl_explanation *ret, const struct sl_maps *maps,
		      enum sl_explain_hook hook, const void *packet, size_t bytes, uint32_t mark,
		      struct sl_dp_error *error);
