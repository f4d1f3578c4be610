// SPDX-License-Identifier: Apache-2.0
/* Why a tenant was refused lately, in plain words. */
#include <string.h>

#include "userspace/agent/quota_private.h"
#include "userspace/agent/quota_show.h"
#include "userspace/base/cleanup.h"

#define NS_PER_S 1e9

/* Whose terms count, where they are not these. */
static const char *terms_text(const struct sl_quota_view *view)
{
	if (view->terms_status == SL_QUOTA_CONFLICT)
		return "Redis has other terms of the same generation, by another node: those "
		       "count; make the configurations alike and raise quota.generation";
	if (view->terms_status == SL_QUOTA_STALE || view->store_gen > view->terms.gen)
		return "Redis has newer terms than this node: those count; reload this node's "
		       "configuration";
	return "as in Redis";
}

static json_t *refusal_json(const struct sl_quota_refusal *refusal, enum sl_quota_kind kind,
			    uint64_t now_ns)
{
	return json_pack("{ss ss sf sf sf sf}", "cause", sl_refusal_name(refusal->cause), "text",
			 sl_refusal_text(refusal->cause), "ago_s",
			 (double)(now_ns - refusal->last_ns) / NS_PER_S, "for_s",
			 (double)(refusal->last_ns - refusal->first_ns) / NS_PER_S, "refused",
			 sl_quota_per_s(kind, refusal->refused_mu), "rate_per_s",
			 sl_quota_per_s(kind, refusal->rate_mu_per_s));
}

struct listing {
	const char *tenant;
	json_t *limits;
	uint64_t now_ns;
};

static void explain_one(const struct sl_quota_view *view, void *context)
{
	struct listing *listing = context;
	json_t *refusals;

	if (strcmp(view->tenant, listing->tenant) != 0)
		return;
	refusals = json_array();
	for (uint32_t i = 0; i < view->refusals->count; i++)
		(void)json_array_append_new(refusals, refusal_json(&view->refusals->at[i],
								   view->kind, listing->now_ns));
	(void)json_array_append_new(
		listing->limits,
		json_pack("{ss ss ss ss sf sf so}", "limit", sl_quota_kind_name(view->kind),
			  "state", sl_quota_mode_name(view->state.mode), "why",
			  sl_quota_why(view, listing->now_ns), "terms", terms_text(view),
			  "rate_per_s", sl_quota_per_s(view->kind, view->terms.rate_mu_per_s),
			  "has_per_s", sl_quota_per_s(view->kind, view->state.rate_mu_per_s),
			  "refusals", refusals));
}

json_t *sl_quota_explain_json(const struct sl_quota *quota, const char *tenant, uint64_t now_ns)
{
	struct listing listing = { .tenant = tenant, .limits = json_array(), .now_ns = now_ns };

	sl_quota_walk(quota, now_ns, explain_one, &listing);
	if (!json_array_size(listing.limits)) {
		json_decref(listing.limits);
		return NULL;
	}
	return json_pack("{ss ss so}", "node", quota->node, "tenant", tenant, "limits",
			 listing.limits);
}
