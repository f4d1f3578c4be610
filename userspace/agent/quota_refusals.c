// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_refusals.h"

#include <string.h>

static const struct {
	const char *name;
	const char *text;
} causes[SL_REFUSED_CAUSES] = {
	[SL_REFUSED_BY_BUCKET] = { "bucket",
				   "this node's own bucket was empty: more came at once than its "
				   "part of the burst, or demand grew and the next renewal brings "
				   "more" },
	[SL_REFUSED_BY_SHARE] = { "share", "all nodes together want more than the limit: each "
					   "has its part by demand, and this node's was spent" },
	[SL_REFUSED_BY_LEADER] = { "capacity",
				   "the platform's capacity is shared across tenants: this tenant "
				   "has less than its limit at the moment, and this node's part of it "
				   "was spent" },
	[SL_REFUSED_BY_CENTRAL] = { "central", "the limit is too small to divide, so Redis is "
					       "asked, and it said to wait" },
	[SL_REFUSED_COLD] = { "cold", "nothing was leased here: only the small share of a cold "
				      "node" },
	[SL_REFUSED_DRAINED] = { "drained", "an operator drained this node: it leases nothing and "
					    "lives on the small share of a cold one" },
	[SL_REFUSED_LEARNING] = { "learning",
				  "Redis lost what it knew, or never knew it: no growth for the "
				  "time of a lease" },
	[SL_REFUSED_ENDED] = { "ended", "the lease ended and Redis does not answer: the fallback's "
					"rate was spent" },
	[SL_REFUSED_CLOSED] = { "closed", "the lease ended and Redis does not answer: this limit "
					  "then closes" },
	[SL_REFUSED_FENCED] = { "fenced", "another agent of this node's name took over: this one "
					  "passes nothing" },
};

const char *sl_refusal_name(enum sl_refusal_cause cause)
{
	return (unsigned int)cause < SL_REFUSED_CAUSES ? causes[cause].name : NULL;
}

const char *sl_refusal_text(enum sl_refusal_cause cause)
{
	return (unsigned int)cause < SL_REFUSED_CAUSES ? causes[cause].text : NULL;
}

static enum sl_refusal_cause of_held(const struct sl_refusal_facts *facts)
{
	if (facts->central)
		return SL_REFUSED_BY_CENTRAL;
	if (facts->learning)
		return SL_REFUSED_LEARNING;
	if (!facts->contended)
		return SL_REFUSED_BY_BUCKET;
	return facts->effective_mu_per_s && facts->effective_mu_per_s < facts->limit_mu_per_s
		       ? SL_REFUSED_BY_LEADER
		       : SL_REFUSED_BY_SHARE;
}

enum sl_refusal_cause sl_refusal_cause_of(const struct sl_refusal_facts *facts)
{
	switch (facts->mode) {
	case SL_QUOTA_MODE_COLD:
		if (facts->drained)
			return SL_REFUSED_DRAINED;
		return facts->learning ? SL_REFUSED_LEARNING : SL_REFUSED_COLD;
	case SL_QUOTA_MODE_HELD:
		break;
	case SL_QUOTA_MODE_BLEND:
	case SL_QUOTA_MODE_LAST:
	case SL_QUOTA_MODE_SAFE:
	case SL_QUOTA_MODE_OPEN:
		return SL_REFUSED_ENDED;
	case SL_QUOTA_MODE_CLOSED:
		return SL_REFUSED_CLOSED;
	case SL_QUOTA_MODE_FENCED:
		return SL_REFUSED_FENCED;
	}
	return of_held(facts);
}

void sl_refusals_add(struct sl_refusals *refusals, const struct sl_refusal_facts *facts,
		     int64_t refused_mu, uint64_t now_ns)
{
	const enum sl_refusal_cause cause = sl_refusal_cause_of(facts);
	struct sl_quota_refusal *last = &refusals->at[0];

	if (refused_mu <= 0)
		return;
	if (!refusals->count || last->cause != cause ||
	    now_ns - last->last_ns >= SL_REFUSALS_GAP_NS) {
		memmove(&refusals->at[1], &refusals->at[0],
			(SL_REFUSALS_MAX - 1) * sizeof(refusals->at[0]));
		*last = (struct sl_quota_refusal){ .cause = cause, .first_ns = now_ns };
		if (refusals->count < SL_REFUSALS_MAX)
			refusals->count++;
	}
	last->last_ns = now_ns;
	last->rate_mu_per_s = facts->rate_mu_per_s;
	if (refused_mu > INT64_MAX - last->refused_mu)
		refused_mu = INT64_MAX - last->refused_mu;
	last->refused_mu += refused_mu;
}
