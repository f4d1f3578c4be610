/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's side as a model: what userspace/quota/lua does in Redis, number for
 * number (tests/integration/test_quota_functions.sh holds the two together). The simulator
 * uses it as its Redis. One sl_store is one key: one tenant, one kind of unit.
 *
 *   row of a node   want, grant, held, used, seq, expiry, incarnation; safe share. A new
 *                   row's seq begins with the time, so that no earlier row's acks are its
 *   sums            S of want, H of held, U of used over the rows, kept by each call; once a
 *                   period the overbooking is steered by them
 *   sweep           drops rows that have ended and rebuilds the sums: in the first period
 *                   that one may have, and in each period while rows are at the floor
 *
 *   grant shrinks   held stays until the node acks the grant or says that it has less:
 *                   capacity is freed by what nodes did, not by what they were told
 *   grant grows     by at most E * o - H, so H <= E * o after every growth
 *   H > E * o       after an outage, or for an old question: a grant is at most what the
 *                   node says it has; one back from its fallback has what others left
 *   safe shares     beta * R/N to each node with a lease, by the same rules: one that
 *                   shrinks is held until it is acked, one that grows takes what is left
 *                   of beta * R: what all rows fall back to adds up to at most that
 *   new incarnation its predecessor's held stays beside it until that row's expiry
 *
 * It learns, that is grants no growth, for
 *   2 ttl           after it began without state (new or wiped): so long holds the lease of
 *                   a steady node that is not heard;
 *   ttl             after other kind of terms;
 *   ttl             after a node acked what it never granted (lost writes), after its time
 *                   went back over 1 s, or forward over all leases that were held: the
 *                   epoch is raised then.
 *
 * Time is the store's own, wall clock in ms; it is compared with nothing of a node's.
 *
 * Owner:  opaque; rows are allocated as nodes come. -ENOMEM leaves it unchanged.
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/quota/renewal.h"
#include "userspace/quota/terms.h"

#define SL_STORE_KEY_MS	  86400000 /* a key nobody uses goes after a day */
#define SL_STORE_DECAY_MS 30000	   /* E holds so long after its write, then turns to R in as long */
#define SL_STORE_BACK_MS  1000
#define SL_STORE_LEAD_MS  5000
/* A leader that is refused as STALE does not ask for the lock for so long: then it has ended, and
 * who takes it next has a newer token, of the store's time. */
#define SL_STORE_LAPSE_MS (SL_STORE_LEAD_MS + 1000)

struct sl_store;

int sl_store_new(struct sl_store **ret);    /* -ENOMEM. Without terms */
void sl_store_free(struct sl_store *store); /* NULL is fine */
void sl_store_freep(struct sl_store **store);
/* A replica that is behind: as it is now, to be used instead later. */
int sl_store_clone(struct sl_store **ret, const struct sl_store *store);
void sl_store_wipe(struct sl_store *store); /* the key is lost, terms and all */

/* quota_terms. OK, STALE, or CONFLICT. */
enum sl_quota_status sl_store_set_terms(struct sl_store *store, const struct sl_terms *terms,
					int64_t now_ms);

/* quota_renew for one tenant. 0 or -ENOMEM; what the store says is in *ret. */
int sl_store_renew(struct sl_store *store, uint64_t node, int64_t incarnation,
		   const struct sl_renew *renew, int64_t now_ms, struct sl_renewed *ret);

/* quota_central for one tenant. As above; here the row says only that the node lives. */
int sl_store_charge(struct sl_store *store, uint64_t node, int64_t incarnation,
		    const struct sl_charge *charge, int64_t now_us, struct sl_charged *ret);

/* quota_release: takes the node's rows away, when it is known to be gone; what it held is
 * free at once. Returns what it held. */
int64_t sl_store_release(struct sl_store *store, uint64_t node, int64_t now_ms);

/* quota_share: E of @token's leader. OK, UNKNOWN or STALE. */
enum sl_quota_status sl_store_set_rate(struct sl_store *store, int64_t rate_mu_per_s, int64_t token,
				       int64_t now_ms);

/* ---- quota_show ------------------------------------------------------------------- */

struct sl_store_sums {
	int64_t want, held, used; /* S, H, U; mu/s */
	int64_t rate_mu_per_s;	  /* E now */
	int64_t overbook_ppm;	  /* o */
	int64_t swept_ms;	  /* the period's begin */
	int64_t learn_ms, last_ms, epoch;
	int64_t floor_mu_per_s, floor_want_mu_per_s; /* granted to, wanted by nodes at the floor */
	int64_t full_at_us;			     /* the central bucket's: theoretical arrival */
	int64_t idle_us, idle_at_us;		     /* up to then it was full for so long */
	int64_t safe;				     /* mu/s: of safe shares that are held */
	int64_t due_ms; /* no row ends before, and none has come to the floor */
	uint32_t live;
};

struct sl_store_row {
	uint64_t node;
	bool is_ghost; /* a former incarnation's: only held and safe count */
	int64_t want, grant, held, used, seq, expiry_ms, incarnation;
	int64_t safe; /* share that is held; 0 in a row of a small tenant */
	int64_t told; /* safe share last granted; of a small tenant all that it charged */
};

/* False: no terms. */
bool sl_store_terms(const struct sl_store *store, struct sl_terms *ret);
/* As of the last call. */
void sl_store_sums(const struct sl_store *store, struct sl_store_sums *ret);
/* By node, ghosts after; NULL at the end. */
const struct sl_store_row *sl_store_row(const struct sl_store *store, size_t index);

/* ---- the leader's lock ------------------------------------------------------------ */

struct sl_store_lead {
	uint64_t holder;
	int64_t token; /* raised with each new holder */
	int64_t until_ms;
};

/* quota_lead: takes or prolongs the lock for SL_STORE_LEAD_MS. The token, or 0: another
 * one leads. */
int64_t sl_store_lead(struct sl_store_lead *lead, uint64_t node, int64_t now_ms);
