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

const char *sl_limit_level_name(enum sl_limit_level level)
{
	static const char *const names[SL_LEVELS] = {
		[SL_LEVEL_ENDPOINT] = "endpoint",
		[SL_LEVEL_TENANT] = "tenant",
		[SL_LEVEL_NODE_ENDPOINT] = "node_endpoint",
		[SL_LEVEL_NODE] = "node",
		[SL_LEVEL_POLICY_ENDPOINT] = "policy_endpoint",
		[SL_LEVEL_POLICY] = "policy",
	};

	return names[level];
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

/* False: the agent says nothing of it; only its word is used. */
static bool stand_there(struct sl_standing *ret, const struct sl_settings *settings,
			const struct sl_kernel_limits *agent, enum sl_rate_class rate_class,
			uint64_t now_ns)
{
	const enum sl_mode mode = sl_requests_mode(&agent->limits, agent->node);
	struct sl_request_rule_now rule;

	ret->slot = &agent->words->slot[slots[rate_class]];
	ret->level.word = &ret->slot->word;
	sl_requests_now(&rule, &agent->limits, slots[rate_class], now_ns);
	if (!rule.set)
		return false;
	ret->source = SL_LIMIT_AGENT;
	ret->window_ns = rule.window_ns;
	ret->shadow = settings->limits.shadow || mode == SL_MODE_SHADOW;
	if (mode != SL_MODE_OFF)
		ret->level.limit = rule.limit;
	return true;
}

void sl_limits_standing(struct sl_standing *ret, const struct sl_tenant_limits *tenant,
			enum sl_rate_class rate_class, uint64_t now_ns)
{
	*ret = (struct sl_standing){
		.level = { .word = &tenant->bucket->words[rate_class] },
		.level_of = rate_class == SL_CLASS_GLOBAL ? SL_LEVEL_TENANT : SL_LEVEL_ENDPOINT,
		.rate_class = rate_class,
	};
	if (!tenant->agent ||
	    !stand_there(ret, tenant->settings, tenant->agent, rate_class, now_ns))
		stand_here(ret, tenant, rate_class);
}

void sl_limits_of_row(struct sl_standing *ret, const struct sl_settings *settings,
		      const struct sl_kernel_limits *row, enum sl_rate_class rate_class,
		      uint64_t now_ns)
{
	*ret = (struct sl_standing){ .rate_class = rate_class };
	(void)stand_there(ret, settings, row, rate_class, now_ns);
}

/* What the agent reads as demand. */
static void count_slots(const struct sl_standing *standings, size_t count,
			const struct sl_gcra_verdict *verdict)
{
	for (size_t i = 0; i < count; i++) {
		struct sl_request_slot *slot = standings[i].slot;

		if (!slot)
			continue;
		if (standings[i].over || (!verdict->admitted && i == verdict->level))
			__atomic_fetch_add(&slot->refused, 1, __ATOMIC_RELAXED);
		else if (verdict->admitted)
			__atomic_fetch_add(&slot->admitted, 1, __ATOMIC_RELAXED);
	}
}

void sl_limits_take(struct sl_gcra_verdict *ret, struct sl_standing *standings, size_t count,
		    uint64_t now_ns)
{
	struct sl_gcra_level levels[SL_GCRA_LEVELS_MAX];

	for (size_t i = 0; i < count; i++)
		levels[i] = standings[i].level;
	/* Each turn but the last takes one level out. */
	for (;;) {
		sl_gcra_take(ret, levels, count, now_ns);
		if (ret->admitted || !standings[ret->level].shadow)
			break;
		standings[ret->level].over = true;
		levels[ret->level].limit = (struct sl_request_limit){ 0 };
	}
	count_slots(standings, count, ret);
}
