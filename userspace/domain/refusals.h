/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals pushed into the kernel: a connection or a tenant that keeps asking after it
 * was refused is refused by the packet path until a deadline. Nothing has to be taken
 * back: the deadline ends it, whoever is alive.
 *
 * Source of the words: include/sluice/refusal.h. The memory is the caller's, most often
 * the mapped sl_refusals and sl_buckets.
 *
 * Thread: any number of threads and processes at once; no lock, no wait.
 */
#pragma once

#include <stdint.h>

#include "sluice/refusal.h"
#include "userspace/domain/config.h"

struct sl_refusals {
	struct sl_refusal *cells; /* [SL_REFUSALS] */
	uint64_t seed;		  /* sl_ctl.hash_seed */
};

/* As on the wire: the peer is remote, whatever a proxy header says. */
struct sl_connection {
	struct sl_address remote; /* of one family */
	struct sl_address local;
	uint16_t remote_port; /* host order */
	uint16_t local_port;
	uint8_t protocol;
};

/*
 * Until @until_ns (CLOCK_MONOTONIC), SL_REFUSAL_NS_MAX from @now_ns at most. @bucket: of
 * the connection's tenant. -EINVAL: in the past, too far, or families that differ.
 */
int sl_refuse_connection(const struct sl_refusals *refusals, struct sl_bucket *bucket,
			 const struct sl_connection *connection, uint64_t until_ns,
			 uint64_t now_ns);

/* Every connection of the tenant, and new ones. */
int sl_refuse_tenant(const struct sl_refusals *refusals, struct sl_bucket *bucket, uint32_t tenant,
		     uint64_t until_ns, uint64_t now_ns);
