/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was refused of a global limit lately, and by what: for people who ask why.
 *
 * A refusal of the same cause goes into the last entry while less than
 * SL_REFUSALS_GAP_NS lies between; else it begins another, and the oldest is forgotten.
 *
 * Owner:  the struct is the caller's. Thread: one at a time. Time is a parameter.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/quota/renewal.h"

#define SL_REFUSALS_MAX	   4u
#define SL_REFUSALS_GAP_NS 10000000000ull

/* What said no. */
enum sl_refusal_cause {
	SL_REFUSED_BY_BUCKET = 0, /* the lease is as large as was asked for: a burst, or growth */
	SL_REFUSED_BY_SHARE,	  /* all nodes together want more than there is */
	SL_REFUSED_BY_LEADER,	  /* and that is less than the limit: others need the capacity */
	SL_REFUSED_BY_CENTRAL,	  /* too small to divide, and Redis said to wait */
	SL_REFUSED_COLD,	  /* nothing is leased yet */
	SL_REFUSED_DRAINED,	  /* an operator wants it so */
	SL_REFUSED_LEARNING,	  /* Redis lost what it knew */
	SL_REFUSED_ENDED,	  /* the lease ended; blend, last, safe, open */
	SL_REFUSED_CLOSED,	  /* the lease ended; closed */
	SL_REFUSED_FENCED,	  /* another agent has this node's name */
	SL_REFUSED_CAUSES,
};

struct sl_quota_refusal {
	enum sl_refusal_cause cause;
	uint64_t first_ns, last_ns;
	int64_t refused_mu;
	int64_t rate_mu_per_s; /* that was enforced, last */
};

struct sl_refusals {
	struct sl_quota_refusal at[SL_REFUSALS_MAX]; /* the newest first */
	uint32_t count;
};

/* What a lease's state says no by. */
struct sl_refusal_facts {
	enum sl_quota_mode mode;
	int64_t rate_mu_per_s;	    /* enforced */
	int64_t limit_mu_per_s;	    /* R */
	int64_t effective_mu_per_s; /* E; 0: not known */
	bool contended, learning, central, drained;
};

enum sl_refusal_cause sl_refusal_cause_of(const struct sl_refusal_facts *facts);

/* @refused_mu <= 0: nothing. */
void sl_refusals_add(struct sl_refusals *refusals, const struct sl_refusal_facts *facts,
		     int64_t refused_mu, uint64_t now_ns);

/* "share": a string constant. NULL: no such cause. */
const char *sl_refusal_name(enum sl_refusal_cause cause);
/* A sentence of plain words. NULL: no such cause. */
const char *sl_refusal_text(enum sl_refusal_cause cause);
