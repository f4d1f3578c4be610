/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit that is leased, written at each renewal: a few stores, no plan and no epoch.
 * The bucket keeps what it holds (domain/rate_change.h), so that moving a share of a
 * limit from node to node never mints tokens.
 *
 * Thread: the writer of sync.h. Packets are judged meanwhile; in between one may find
 *         fewer units than there are, never more.
 */
#pragma once

#include <stdint.h>

#include "userspace/dataplane/maps.h"

enum sl_leased_rate {
	SL_LEASED_PACKETS = 0x1,
	SL_LEASED_BYTES = 0x2,
	SL_LEASED_NEW_CONNS = 0x4,
};

/* Ingress of one tenant. The rates that `which` does not name are left alone, and hold beyond
 * the end too where the plan names no safe one. */
struct sl_leased {
	uint32_t which; /* enum sl_leased_rate */
	struct sl_rate packets;
	struct sl_rate bytes;
	struct sl_rate new_conns; /* needs SL_SIDE_NEW_CONNS in the plan's limit */
	struct sl_rate safe_packets;
	struct sl_rate safe_bytes;
	struct sl_rate safe_new_conns;
	enum sl_fallback fallback;
	uint64_t until_ns; /* 0: no end */
};

/* Into a plan's limit, before it is written. */
void sl_leased_into(struct sl_limit *limit, const struct sl_leased *leased, uint64_t tick_ns);

/* Both halves, until the next plan, which brings its own. -ERANGE: no such tenant. */
int sl_sync_leased(struct sl_maps *maps, uint32_t tenant, const struct sl_leased *leased,
		   uint64_t now_ns);

/*
 * For the agent after this one: sl_limit.leases and .lease_nodes of a tenant in both halves,
 * and whose leases all of them are. -ERANGE: no such tenant.
 */
int sl_sync_lease_marks(struct sl_maps *maps, uint32_t tenant, uint32_t marks, uint32_t nodes);
void sl_sync_lease_owner(struct sl_maps *maps, uint64_t incarnation, uint64_t identity);

/* As sl_sync_leased(), of what gateways limit by. -ERANGE: no such tenant, or maps without
 * requests. */
int sl_sync_leased_requests(struct sl_maps *maps, uint32_t tenant, enum sl_request_class which,
			    const struct sl_request_rule *rule, uint64_t now_ns);
