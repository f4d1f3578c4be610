/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity across tenants: what each may have now, its effective rate E, out of what the
 * platform can do. One node, the leader, computes this once a second and writes it to the
 * store under a fencing token; without a leader E stays for 30 s and then turns to R in 30 s
 * more (the store does that).
 *
 * In this order, each only from what is left:
 *   1. floors: min(S, R / (4 N)), so that nobody starves
 *   2. guarantees: min(guarantee, S), class by class; the class that no longer fits gets
 *      its guarantees scaled alike, those below it nothing more
 *   3. spare: to those who want more, by weight, up to min(ceiling, S); what one cannot use
 *      goes to the others (weighted max-min)
 * A tenant that gets all that it wants keeps its R: what it wants more within the second it
 * has, and the next second is shared anew.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/quota/terms.h"

struct sl_share {
	/* in; as in struct sl_terms */
	int64_t rate_mu_per_s, guarantee_mu_per_s, ceiling_mu_per_s;
	uint32_t weight;
	uint32_t live; /* N: nodes of the tenant */
	enum sl_quota_class class;
	int64_t want_mu_per_s; /* S: from the store */
	/* out */
	int64_t effective_mu_per_s; /* E */
};

/*
 * @capacity_mu_per_s < 0: no bound is known. Then E is R for all. Else the sum of
 * min(S, E) over all is at most the capacity, but for the 1 mu/s that everybody has.
 */
void sl_share_fill(struct sl_share *shares, size_t count, int64_t capacity_mu_per_s);

/* The store's decay: E written @age_ms ago, as it counts now. */
int64_t sl_share_decayed(int64_t effective_mu_per_s, int64_t rate_mu_per_s, int64_t age_ms);
