/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else is heard, on another path than the store's: each node says about once a second
 * when the store last answered it. A node that the store does not answer while it answers
 * others is cut off alone, and its share goes to them; where nobody is answered the shares
 * stay as they are.
 *
 * What a forger can do is say that he renews: then a node without the store has its safe
 * share at once instead of within 30 s, which is within the bounds. Nobody can make another's
 * renewal unheard: nodes are told apart by name and incarnation, a later word never takes
 * back an earlier renewal, and the verdict needs no room in the table.
 *
 * Owner:  sl_peers_free().
 * Thread: one at a time. Time is a parameter, CLOCK_MONOTONIC of this node.
 */
#pragma once

#include "userspace/domain/fields.h"
#include "userspace/quota/lease.h"

#define SL_BEACON_NODE_BYTES 64
#define SL_BEACON_BYTES_MAX  512u
#define SL_BEACON_PERIOD_MS  1000u /* give or take a fifth */
#define SL_PEERS_MAX	     SL_QUOTA_NODES_MAX
#define SL_PEERS_HEARD_MS    5000u /* who is silent for longer is not there */
/* So much later than our first question without an answer another's renewal must be: the
 * question's own time, and what a beacon may take on its way. */
#define SL_PEERS_MARGIN_MS (SL_LEASE_ANSWER_MS + 1000u)

/* What one node says. */
struct sl_beacon {
	char node[SL_BEACON_NODE_BYTES]; /* letters, digits, ".", "-" and "_" */
	uint64_t incarnation;
	bool has_renewed;
	uint64_t renewed_ms; /* how long ago the store last answered it */
	uint64_t failing_ms; /* since its first question without an answer; 0: it has none */
};

/* -EINVAL with @error (may be NULL): not such a message, or a figure out of bounds. */
int sl_beacon_read(struct sl_beacon *ret, struct sl_span text, struct sl_fields_error *error);
void sl_beacon_write(struct sl_json_out *out, const struct sl_beacon *beacon);

struct sl_peers;

struct sl_peers_counts {
	uint32_t renewing; /* answered within SL_PEERS_HEARD_MS */
	uint32_t failing;  /* not, and asking in vain */
	uint32_t idle;	   /* they ask for nothing */
	uint64_t refused;  /* beacons for which there was no room, since the start */
};

/* @node: this one's name, whose beacons are not a peer's. @secret: random. -ENOMEM. */
int sl_peers_new(struct sl_peers **ret, const char *node, const uint64_t secret[2]);
void sl_peers_free(struct sl_peers *peers); /* NULL is fine */

void sl_peers_hear(struct sl_peers *peers, const struct sl_beacon *beacon, uint64_t now_ns);

/* Forgets who is silent, and counts the others. */
struct sl_peers_counts sl_peers_count(struct sl_peers *peers, uint64_t now_ns);

/*
 * @failing_ns: when this node first asked in vain since its last answer; 0: it was answered.
 * RENEW stays until it is: what went to others does not come back by their silence. SILENT:
 * others are heard and none renews. UNKNOWN: nobody is heard, or there is nothing to say.
 * Call after sl_peers_count().
 */
enum sl_lease_peers sl_peers_verdict(const struct sl_peers *peers, uint64_t failing_ns);
