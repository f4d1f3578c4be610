/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's lease of a part of one tenant's global limit, of one kind of unit.
 *
 *   sl_lease_begin()                 once; then _adopt() after an earlier agent
 *   sl_lease_observe()               with the counters, each 100 ms or so
 *   sl_lease_state()                 to the kernel, after every call that may change it
 *                                    (returns true) and at state.change_ns
 *   sl_lease_due_ns() <= now         sl_lease_ask(); apply the state, THEN send
 *   the answer                       sl_lease_answer(); none in time: sl_lease_failed()
 *
 * Release before report: sl_lease_ask() lowers the applied rate to what the node asks
 * for, and says so in `has`. The store may give the difference to others at once, so the
 * lowered state must be in force before the request leaves.
 *
 * What holds, whatever is lost, late, doubled or out of order:
 *   - the applied rate grows only by the answer to the last question, sent at most
 *     SL_LEASE_ANSWER_MS ago;
 *   - a lease ends ttl * (1 - 200 ppm) after its question was sent, by this node's own
 *     monotonic clock: before the store's row ends, if clocks drift under 200 ppm;
 *   - after that, and only then, the terms' on_expiry rules: with what the store issued as
 *     this node's safe share; of all nodes they add up to beta * R. Where that is more than
 *     the node had, it grows only when every other lease that stood has ended as well;
 *   - a lease given back is cold, and a fenced one passes nothing until begun anew.
 *
 * Source: acked demand leases; docs/quotas.md has the bounds and which test checks each.
 * Owner:  the struct is the caller's; members are for reading. One instance of a node is
 *         one incarnation: an agent that adopts pinned state goes on with the old one.
 * Thread: one at a time. Time is a parameter, randomness comes from the seed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/quota/renewal.h"
#include "userspace/quota/terms.h"

#define SL_LEASE_GAP_MS	   200u /* the least time between two questions */
#define SL_LEASE_EARLY_MS  100u /* a shrink over 2 % of R is acked after this */
#define SL_LEASE_ANSWER_MS 250u /* the caller gives up, and calls sl_lease_failed() */
#define SL_LEASE_BLEND_MS  30000u
#define SL_LEASE_IDLE_MS   3000u /* without arrivals: given back */
#define SL_LEASE_DRIFT_PPM 200u
/* Where a tenant is steady and has room, its leases are renewed each .8 ttl and hold for two:
 * so that whoever holds one speaks up within the ttl for which a store learns that lost writes,
 * and none outlasts the two of a store that was wiped. */
#define SL_LEASE_STEADY 3u /* renewals without change before that */

/* Are others' renewals heard (on another path than the store's) while ours fail? */
enum sl_lease_peers {
	SL_LEASE_PEERS_UNKNOWN = 0,
	SL_LEASE_PEERS_SILENT, /* the store is down for all: blend is safe */
	SL_LEASE_PEERS_RENEW,  /* this node is cut off, and its share goes to others: blend
				* becomes safe at once */
};

struct sl_lease_counts {
	uint64_t asked, granted, failed; /* questions, answers taken, questions given up */
	uint64_t dropped;		 /* answers that were late, doubled or to something else */
	uint64_t expired;		 /* leases that ended unrenewed */
	uint64_t fenced;
};

struct sl_lease {
	struct sl_terms terms;
	struct sl_lease_counts counts;
	enum sl_lease_peers peers;
	uint64_t random; /* state of the generator */

	/* the grant */
	bool has_lease; /* one was granted, and neither given back nor fenced */
	bool fenced, contended, learning, draining;
	bool wants_terms;      /* the store has none: send them, then sl_lease_sent_terms() */
	int64_t store_gen;     /* of the store's terms; above terms.gen: fetch them */
	int64_t rate_mu_per_s; /* applied while the lease holds */
	int64_t granted_mu_per_s, burst_mu; /* as answered; the cap follows the applied rate */
	int64_t safe_mu_per_s;		    /* issued with the last answer: what it falls back to */
	int64_t seq;
	int64_t effective_mu_per_s; /* E of the last answer; R before */
	int64_t lambda_ppm;
	uint64_t expiry_ns;
	uint32_t live;	/* nodes; the caller's guess before the first answer */
	uint32_t nodes; /* the caller's guess: cold is a part of R over the larger of both */

	/* the question under way */
	uint64_t send_id; /* raised with each; 0: never asked */
	bool is_asking;
	uint64_t sent_ns;
	uint32_t sent_ttl_ms;
	int64_t sent_ack, sent_want_mu_per_s;
	uint32_t failures; /* in a row */

	/* demand */
	int64_t estimate_mu_per_s;	 /* smoothed arrivals */
	int64_t asked_mu_per_s;		 /* the estimate that was last asked for */
	int64_t used_mu_per_s;		 /* admitted, as it was last said */
	int64_t arrived_mu, admitted_mu; /* from window_ns to seen_ns */
	uint64_t window_ns, seen_ns;	 /* of the last look */
	uint64_t busy_ns;		 /* of the last arrival */
	uint64_t next_ns;		 /* regular renewal, or retry */
	bool acks_early;		 /* next_ns is an early ack: no gap before it */
	bool was_expired;		 /* counted */
	uint32_t steady;		 /* renewals in a row without change or contention */
};

/* Cold. @terms must be checked. @nodes: how many there may be, a guess; 0 counts as 1. */
void sl_lease_begin(struct sl_lease *lease, const struct sl_terms *terms, uint32_t nodes,
		    uint64_t seed, uint64_t now_ns);

/*
 * To a lease that was just begun, after an earlier agent of this node, which must have ended:
 * @left is what it left in the kernel by the same terms, of which mode, rate, safe rate and expiry
 * count; @live the nodes that it saw. A lease that has ended by now is an ended one, further on
 * its way than that agent can have been; what was cold is cold. The safe share is what the kernel
 * would have turned to, at most the rate that is left; where it is not known (0) it is the cold
 * rate, until the store issues it anew. Asks at once, with the incarnation of that agent, and
 * acks nothing: the store counts what this node held as before until the answer is acked.
 */
void sl_lease_adopt(struct sl_lease *lease, const struct sl_quota_state *left, uint32_t live,
		    uint64_t now_ns);

/* New terms: a raise takes effect with the next renewal, which is due now; a lower R cuts
 * the applied rate at once. Older ones (gen) are not taken. True: apply the state. */
bool sl_lease_set_terms(struct sl_lease *lease, const struct sl_terms *terms, uint64_t now_ns);

/* @arrived_mu with what was rejected, @admitted_mu: both since the last call, >= 0. */
void sl_lease_observe(struct sl_lease *lease, int64_t arrived_mu, int64_t admitted_mu,
		      uint64_t now_ns);

/* Who else is heard; matters once the lease has ended. True: apply the state. */
bool sl_lease_set_peers(struct sl_lease *lease, enum sl_lease_peers peers, uint64_t now_ns);

/* When to ask next, as far as is known now; UINT64_MAX: not before arrivals, or a question
 * is under way. Looks at what was observed: ask again after each sl_lease_observe(). */
uint64_t sl_lease_due_ns(const struct sl_lease *lease, uint64_t now_ns);

/*
 * The question, and its id. Lowers the applied rate where less is asked for: when it
 * returns true, apply the state before sending. A question that was under way is given up.
 */
bool sl_lease_ask(struct sl_lease *lease, struct sl_renew *ret, uint64_t *ret_send_id,
		  uint64_t now_ns);

/*
 * An answer. Anything but the answer to the last question, unanswered so far, is counted
 * and dropped; so is one that cannot be (a seq that is not newer, a grant out of bounds).
 * UNKNOWN: lease->wants_terms until the caller sent them and called sl_lease_sent_terms().
 * True: apply the state.
 */
bool sl_lease_answer(struct sl_lease *lease, uint64_t send_id, const struct sl_renewed *renewed,
		     uint64_t now_ns);

/* No answer, or an error. Asked again after 200 ms and more with each failure in a row, at
 * most one period, with jitter. */
void sl_lease_failed(struct sl_lease *lease, uint64_t send_id, uint64_t now_ns);
void sl_lease_sent_terms(struct sl_lease *lease, uint64_t now_ns);

/* The node leaves: it is cold at once, and the next question gives all back. Then it asks
 * nothing more. Apply the state. */
void sl_lease_drain(struct sl_lease *lease, uint64_t now_ns);

/* What to enforce at @now_ns. Pure: the same for the same arguments. */
void sl_lease_state(const struct sl_lease *lease, struct sl_quota_state *ret, uint64_t now_ns);
