/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other nodes of the global limits, heard by core NATS: each agent says about once a
 * second on SL_SUBJECT_QUOTA_PEERS PREFIX when Redis last answered it (quota/peers.h). So a
 * node that Redis does not answer knows whether it is alone with that. PREFIX is that of the
 * keys: who shares limits hears each other and nobody else.
 *
 * Owner:  sl_quota_peers_free(), before the bus of pressure.h, which carries this as well.
 *         NULL where there is no `nats`: then an ended lease is as if nobody were heard.
 * Thread: the agent's.
 */
#pragma once

#include "userspace/quota/peers.h"

#define SL_SUBJECT_QUOTA_PEERS "sluice.v1.quota.peers."

struct sl_agent;
struct sl_agent_error;
struct sl_quota_peers;

/* What was heard, for people and for a scraper. */
struct sl_quota_heard {
	bool on; /* anybody listens */
	enum sl_lease_peers peers;
	struct sl_peers_counts counts;
	uint64_t sent_total, unsent_total, malformed_total; /* beacons */
};

/* 0, and *ret stays NULL, without `nats`. -errno with @error. */
int sl_quota_peers_new(struct sl_quota_peers **ret, struct sl_agent *agent,
		       struct sl_agent_error *error);
void sl_quota_peers_free(struct sl_quota_peers *peers); /* NULL is fine */

/* "unknown", "silent", "renew": a string constant. */
const char *sl_quota_peers_name(enum sl_lease_peers peers);
