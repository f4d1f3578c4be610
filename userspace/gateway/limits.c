/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/limits.h"

#include "userspace/domain/requests.h"

static const enum sl_request_class slots[SL_CLASSES] = {
	[SL_CLASS_NONE] = SL_REQUEST_CLASSES,
	[SL_CLASS_ROUTES_DECIDE] = SL_REQUEST_ROUTES_DECIDE,
	[SL_CLASS_MESSAGES] = SL_REQUEST_MESSAGES,
	[SL_CLASS_REGISTRY_BLOCKS] = SL_REQUEST_REGISTRY_BLOCKS,
	[SL_CLASS_GLOBAL] = SL_REQUEST_GLOBAL,
};

const char *sl_limit_source_name(enum sl_limit_source source)
{
	static const char *const names[] = { "plan", "override", "agent" };

	return names[source];
}

struct sl_request_limit sl_limits_of_plan(const struct sl_settings *settings, uint64_t requests)
{
	if (!requests)
		return (struct sl_request_limit){ 0 };
	return sl_gcra_limit(requests, settings->limits.window_ns);
}

static void stand_here(struct sl_standing *ret, const struct sl_tenant_limits *tenant,
		       enum sl_rate_class rate_class)
{
	const struct sl_settings *settings = tenant->settings;
	uint64_t set = __atomic_load_n(&tenant->bucket->limits[rate_class], __ATOMIC_RELAXED);

	ret->source = set ? SL_LIMIT_OVERRIDE : SL_LIMIT_PLAN;
	ret->window_ns = settings->limits.window_ns;
	ret->shadow = settings->limits.shadow;
	if (!set)
		ret->level.limit = sl_limits_of_plan(settings, tenant->plan->requests[rate_class]);
	else if (set != SL_BUCKET_UNLIMITED)
		ret->level.limit = sl_gcra_limit(set - 1, settings->limits.window_ns);
}

void sl_limits_standing(struct sl_standing *ret, const struct sl_tenant_limits *tenant,
			enum sl_rate_class rate_class, uint64_t now_ns)
{
	const struct sl_kernel_limits *agent = tenant->agent;
	struct sl_request_rule_now rule = { .set = false };
	enum sl_mode mode;

	*ret = (struct sl_standing){ .level = { .word = &tenant->bucket->words[rate_class] } };
	if (agent) {
		ret->slot = &agent->words->slot[slots[rate_class]];
		ret->level.word = &ret->slot->word;
		sl_requests_now(&rule, &agent->limits, slots[rate_class], now_ns);
	}
	if (!rule.set) {
		stand_here(ret, tenant, rate_class);
		return;
	}
	mode = sl_requests_mode(&agent->limits, agent->node);
	ret->source = SL_LIMIT_AGENT;
	ret->window_ns = rule.window_ns;
	ret->shadow = tenant->settings->limits.shadow || mode == SL_MODE_SHADOW;
	if (mode != SL_MODE_OFF)
		ret->level.limit = rule.limit;
}
