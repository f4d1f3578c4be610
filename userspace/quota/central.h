/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's side of a tenant that is too small to slice: one bucket in the store for all
 * nodes (GCRA, ITU-T I.371), off the packet path.
 *
 * The node enforces a small local bucket and asks when what it was told is paid for runs
 * out. An answer pays for an amount, now or from a time on; until then the tenant is
 * blocked here, at least 100 ms. What passed beyond what was paid is charged with the next
 * question, so it is over once and not for ever. Questions of one node are at least
 * SL_CENTRAL_GAP_MS apart: with N nodes the store sees at most N / 0.1 s for a tenant,
 * whatever the attack.
 *
 * Use as of lease.h: begin, observe, state, due, ask, answer or failed. Nothing is
 * lowered by asking.
 *
 * What passed after a question failed is charged with how long ago that was: the store takes it
 * out of that time where nobody else was paid in it.
 *
 * A question says when it is void, by the store's own clock: a store that stood still pays nobody
 * for what it reads late.
 *
 * From its first failed question on a node has its safe share at most, beta * R/N, until it is
 * answered. Without an answer for terms.ttl_ms it has that share (closed: nothing; open: the
 * node ceiling): blend and last have no share to begin with.
 *
 * Owner, thread, time: as lease.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/quota/renewal.h"
#include "userspace/quota/terms.h"

#define SL_CENTRAL_GAP_MS    100u
#define SL_CENTRAL_AHEAD_MS  250u /* of demand that is paid for ahead */
#define SL_CENTRAL_ANSWER_MS 250u
#define SL_CENTRAL_IDLE_MS   3000u /* without arrivals: cold */

struct sl_central_counts {
	uint64_t asked, answered, refused, failed, dropped;
	int64_t charged_mu; /* passed beyond what was paid for */
};

struct sl_central {
	struct sl_terms terms;
	struct sl_central_counts counts;
	uint64_t random;
	bool wants_terms, draining, fenced;
	int64_t store_gen;
	uint32_t live, nodes; /* the last answer's; the caller's guess */

	int64_t credit_mu; /* paid for and not spent; negative: to be charged */
	int64_t asked_charge_mu, asked_want_mu;
	int64_t settled_mu;	 /* all that was charged and answered */
	int64_t slot_mu;	 /* paid for when the last answer came */
	int64_t left_mu;	 /* in the central bucket after it */
	uint64_t block_until_ns; /* and then it asks again */
	int64_t block_ms;
	uint64_t heard_ns;  /* of the last answer */
	uint64_t tried_ns;  /* of the first question since then; 0: none */
	uint64_t failed_ns; /* since when it has its safe share at most, with .failures */
	bool was_heard;
	bool is_contended; /* the last answer made us wait */
	bool was_refused;  /* it paid for nothing */

	int64_t store_us;  /* the store's time in its last answer; 0: none */
	uint64_t store_ns; /* that is no older than this: when the question was sent */
	uint64_t send_id, sent_ns;
	bool is_asking;
	uint32_t failures;

	int64_t estimate_mu_per_s;
	int64_t arrived_mu;
	uint64_t window_ns, busy_ns, next_ns;
};

void sl_central_begin(struct sl_central *central, const struct sl_terms *terms, uint32_t nodes,
		      uint64_t seed, uint64_t now_ns);
bool sl_central_set_terms(struct sl_central *central, const struct sl_terms *terms,
			  uint64_t now_ns);
void sl_central_observe(struct sl_central *central, int64_t arrived_mu, int64_t admitted_mu,
			uint64_t now_ns);
/* UINT64_MAX: not before arrivals, or a question is under way. */
uint64_t sl_central_due_ns(const struct sl_central *central, uint64_t now_ns);
/* A question that was under way is given up. */
void sl_central_ask(struct sl_central *central, struct sl_charge *ret, uint64_t *ret_send_id,
		    uint64_t now_ns);
/* As sl_lease_answer(). True: apply the state. */
bool sl_central_answer(struct sl_central *central, uint64_t send_id,
		       const struct sl_charged *charged, uint64_t now_ns);
/* Apply the state. */
void sl_central_failed(struct sl_central *central, uint64_t send_id, uint64_t now_ns);
void sl_central_sent_terms(struct sl_central *central, uint64_t now_ns);
/* Cold; what is owed is still charged, then it asks nothing more. Apply the state. */
void sl_central_drain(struct sl_central *central, uint64_t now_ns);
void sl_central_state(const struct sl_central *central, struct sl_quota_state *ret,
		      uint64_t now_ns);
