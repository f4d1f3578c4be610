/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/requests.h"

#include <stddef.h>

#include "userspace/domain/gcra.h"

#define BLEND_STEPS 1024u

const char *sl_request_class_name(enum sl_request_class which)
{
	static const char *const names[SL_REQUEST_CLASSES] = {
		[SL_REQUEST_GLOBAL] = "global",
		[SL_REQUEST_ROUTES_DECIDE] = "routes_decide",
		[SL_REQUEST_MESSAGES] = "messages",
		[SL_REQUEST_REGISTRY_BLOCKS] = "registry_blocks",
		[SL_REQUEST_COST] = "cost",
	};

	return which < SL_REQUEST_CLASSES ? names[which] : NULL;
}

static struct sl_request_limit limit_of(uint64_t per_window, uint64_t window_ns)
{
	if (per_window == SL_REQUESTS_UNLIMITED)
		return (struct sl_request_limit){ 0 };
	return sl_gcra_limit(per_window, window_ns);
}

void sl_requests_make(struct sl_requests *ret, const struct sl_tenant_spec *tenant, uint32_t gen,
		      uint64_t now_ns)
{
	const struct sl_requests_spec *spec = &tenant->requests;

	*ret = (struct sl_requests){
		.gen = gen,
		.flags = ((uint32_t)tenant->mode & SL_REQUESTS_MODE_MASK) |
			 (uint32_t)tenant->on_lease_expiry << SL_REQUESTS_FALLBACK_SHIFT |
			 ((uint32_t)tenant->class + 1) << SL_REQUESTS_CLASS_SHIFT,
		.set = spec->set,
		.cost_estimate_milli = spec->cost_estimate_milli,
	};
	if (tenant->blocked) {
		ret->flags |= SL_REQUESTS_BLOCKED;
		ret->blocked_until_ns =
			tenant->blocked_for_ns ? now_ns + tenant->blocked_for_ns : 0;
	}
	for (size_t i = 0; i < SL_REQUEST_CLASSES; i++) {
		struct sl_request_rule *rule = &ret->rule[i];

		rule->window_ns = i == SL_REQUEST_COST ? spec->cost_window_ns : spec->window_ns;
		rule->limit = limit_of(spec->per_window[i], rule->window_ns);
		/* No other one was asked for: only who leases from a quota knows a safe one. */
		rule->safe = rule->limit;
		rule->lease_until_ns = tenant->lease_ns ? now_ns + tenant->lease_ns : 0;
	}
}

static bool is_over(uint64_t until_ns, uint64_t now_ns)
{
	return until_ns && (int64_t)(now_ns - until_ns) >= 0;
}

/* In rates, not in periods: what nodes have in sum is then a straight line as well. */
static struct sl_request_limit blend(const struct sl_request_limit *last,
				     const struct sl_request_limit *safe, uint64_t over_ns)
{
	/* In steps: two periods of a day and a part of the line still have room. */
	const unsigned __int128 gone =
		over_ns < SL_BLEND_NS ? over_ns / (SL_BLEND_NS / BLEND_STEPS) : BLEND_STEPS;
	const unsigned __int128 left = BLEND_STEPS - gone;
	uint64_t period_ns, requests;

	if (!left || !last->period_ns || !safe->period_ns)
		return *safe;
	period_ns = (uint64_t)((unsigned __int128)last->period_ns * safe->period_ns * BLEND_STEPS /
			       (left * safe->period_ns + gone * last->period_ns));
	requests = (uint64_t)((left * (last->burst_ns / last->period_ns) +
			       gone * (safe->burst_ns / safe->period_ns)) /
			      BLEND_STEPS);
	return (struct sl_request_limit){ period_ns, requests * period_ns };
}

static struct sl_request_limit after_lease(const struct sl_requests *requests,
					   const struct sl_request_rule *rule, uint64_t now_ns)
{
	switch ((enum sl_fallback)(requests->flags >> SL_REQUESTS_FALLBACK_SHIFT &
				   SL_REQUESTS_FALLBACK_MASK)) {
	case SL_FALLBACK_SAFE:
		return rule->safe;
	case SL_FALLBACK_BLEND:
		return blend(&rule->limit, &rule->safe, now_ns - rule->lease_until_ns);
	case SL_FALLBACK_CLOSED:
		return sl_gcra_limit(0, rule->window_ns);
	case SL_FALLBACK_OPEN:
		return (struct sl_request_limit){ 0 };
	case SL_FALLBACK_LAST:
		break;
	}
	return rule->limit;
}

void sl_requests_now(struct sl_request_rule_now *ret, const struct sl_requests *requests,
		     enum sl_request_class which, uint64_t now_ns)
{
	const struct sl_request_rule *rule = &requests->rule[which];
	const bool blocked = requests->flags & SL_REQUESTS_BLOCKED &&
			     !is_over(requests->blocked_until_ns, now_ns);

	*ret = (struct sl_request_rule_now){
		.set = blocked || requests->set >> which & 1,
		.limit = rule->limit,
		.window_ns = rule->window_ns,
	};
	if (blocked)
		ret->limit = sl_gcra_limit(0, rule->window_ns);
	else if (is_over(rule->lease_until_ns, now_ns))
		ret->limit = after_lease(requests, rule, now_ns);
}

enum sl_tenant_class sl_requests_class(const struct sl_requests *requests)
{
	const uint32_t said = requests->flags >> SL_REQUESTS_CLASS_SHIFT & SL_REQUESTS_CLASS_MASK;

	return said >= 1 && said <= SL_TENANT_CRITICAL_PLUS + 1 ? (enum sl_tenant_class)(said - 1)
								: SL_TENANT_CRITICAL;
}

enum sl_mode sl_requests_mode(const struct sl_requests *requests, enum sl_mode node)
{
	enum sl_mode own = (enum sl_mode)(requests->flags & SL_REQUESTS_MODE_MASK);

	return own > node ? own : node;
}
