/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the store's model share. Everything is a whole number under 2^53;
 * where a fraction comes in, it is computed in doubles, in the order in which the library
 * does it, and rounded down: the two then agree to the last digit. No product is added to
 * anything in one expression: a fused multiply-add would round once less than Lua does.
 */
#pragma once

#include "userspace/quota/store.h"

struct sl_store {
	bool has_terms, has_state, has_rate;
	struct sl_terms terms;
	struct sl_store_sums sums; /* .rate_mu_per_s is set at each call */
	struct {
		int64_t rate_mu_per_s, written_ms, token;
	} share;
	int64_t ends_ms;	   /* of the key */
	struct sl_store_row *rows; /* [count], by node, a ghost after its node's row */
	size_t count, room;
};

/* A call begins: drops an aged key, minds the clock, sweeps, computes E. Returns the time
 * as it counts, or -1: no terms. */
int64_t sl_store_enter(struct sl_store *store, int64_t now_ms);

/* E * o, o not above what the terms allow. */
int64_t sl_store_pool(const struct sl_store *store);

/* The node's row; NULL: none. */
struct sl_store_row *sl_store_find(struct sl_store *store, uint64_t node, bool is_ghost);

/*
 * The row of @node for this call: the one there is, one of zeros, or the former
 * incarnation's, whose held is now a ghost's. Room for both was made before: no pointer
 * moves after. OK, FENCED or FULL; -ENOMEM.
 */
int sl_store_take_row(struct sl_store *store, uint64_t node, int64_t incarnation, int64_t now_ms,
		      struct sl_store_row **ret);

void sl_store_remove_row(struct sl_store *store, struct sl_store_row *row);

static inline int64_t sl_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t sl_most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
