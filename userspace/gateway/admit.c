/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include "userspace/gateway/limits.h"
#include "userspace/gateway/line.h"

#define NS_PER_S 1000000000ull

enum {
	OWN_CLASS,
	ALL_CLASSES,
	LEVELS
};

static uint64_t seconds_up(uint64_t ns)
{
	return ns / NS_PER_S + !!(ns % NS_PER_S);
}

/* The fields of the answer describe the level that bounds the caller. */
static void describe(struct sl_exchange *exchange, const struct sl_standing *standing,
		     enum sl_rate_class rate_class, uint64_t now_ns)
{
	const struct sl_gcra_level *level = &standing->level;

	if (!level->limit.period_ns)
		return;
	exchange->quota = (struct sl_quota){
		.known = true,
		.rate_class = rate_class,
		.limit = sl_gcra_size(&level->limit),
		.remaining = sl_gcra_left(level, now_ns),
		.reset_s = seconds_up(sl_gcra_reset_ns(level, now_ns)),
		.window_s = seconds_up(standing->window_ns),
	};
}

static size_t label_of(const struct sl_exchange *exchange)
{
	const struct sl_settings *settings = exchange->gateway->settings;

	for (size_t i = 0; i < settings->metrics.tenant_count; i++)
		if (!strcmp(settings->metrics.tenants[i].text, exchange->who.tenant))
			return i;
	return SL_TENANT_LABELS - 1;
}

void sl_answer_limited(struct sl_exchange *exchange, uint64_t limit, uint64_t wait_ns)
{
	uint64_t retry_s = wait_ns == UINT64_MAX ? 3600 : seconds_up(wait_ns);
	struct sl_line details;

	details.length = 0;
	sl_line_add(&details, SL_SPAN("{\"endpoint\":\""));
	sl_line_add(&details, sl_span_of(exchange->match.route->path));
	sl_line_add(&details, SL_SPAN("\",\"limit\":"));
	sl_line_number(&details, limit);
	sl_line_add(&details, SL_SPAN(",\"retry_after_seconds\":"));
	sl_line_number(&details, retry_s);
	sl_line_add(&details, SL_SPAN("}"));
	sl_answer_failure(exchange, &(struct sl_failure){
					    .code = SL_CODE_RATE_LIMIT_EXCEEDED,
					    .status = 429,
					    .message = "rate limit exceeded",
					    .details = sl_line_text(&details),
					    .retry_after_s = (uint32_t)retry_s,
				    });
}

/* Who keeps asking becomes the kernel's business. The common bucket is of many: no tenant is
 * blamed for it. */
static void tell_kernel(struct sl_exchange *exchange, uint64_t wait_ns, bool shadow)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_caller_bucket *bucket = exchange->bucket;
	bool common = bucket == &sl_shared_tenants(gateway->shared)->common;
	const struct sl_kernel_refusal refusal = {
		.tenant_word = common ? NULL : &bucket->words[SL_CLASS_NONE],
		.tenant = exchange->who.tenant,
		.wait_ns = wait_ns,
		.shadow = shadow,
	};

	sl_kernel_refused(gateway->kernel, exchange->call.connection, &refusal);
}

/* The limits of one address, for who cannot say who it is. */
bool sl_admit_stranger(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	const struct sl_call *call = &exchange->call;
	uint64_t now_ns = exchange->started_ns;
	/* Of IPv6 the /64, which is what one host has. */
	struct sl_span address = { (const char *)call->peer,
				   call->peer_bytes == 16 ? 8 : call->peer_bytes };
	struct sl_caller_bucket *bucket =
		sl_buckets_get(sl_shared_addresses(gateway->shared), address, now_ns);
	struct sl_standing standing = {
		.level = { .limit = sl_limits_of_plan(gateway->settings,
						      gateway->settings->limits.strangers),
			   .word = &bucket->words[SL_CLASS_GLOBAL] },
		.window_ns = gateway->settings->limits.window_ns,
	};
	struct sl_gcra_verdict verdict;

	sl_gcra_take(&verdict, &standing.level, 1, now_ns);
	if (verdict.admitted)
		return true;
	sl_count_up(&gateway->counters->counts[SL_COUNT_STRANGER_REFUSED], 1);
	if (gateway->settings->limits.shadow) {
		sl_count_up(&gateway->counters->counts[SL_COUNT_SHADOW_REFUSED], 1);
		return true;
	}
	describe(exchange, &standing, SL_CLASS_GLOBAL, now_ns);
	sl_answer_limited(exchange, sl_gcra_size(&standing.level.limit), verdict.wait_ns);
	return false;
}

/* Where each level stands. */
static void look_up(struct sl_standing ret[LEVELS], struct sl_exchange *exchange,
		    const enum sl_rate_class classes[LEVELS], uint64_t now_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_kernel_limits agent;
	struct sl_tenant_limits tenant = {
		.settings = gateway->settings,
		.plan = exchange->who.plan,
		.bucket = exchange->bucket,
	};

	if (sl_kernel_limits(&agent, gateway->kernel, sl_span_of(exchange->who.tenant)))
		tenant.agent = &agent;
	for (size_t i = 0; i < LEVELS; i++) {
		sl_limits_standing(&ret[i], &tenant, classes[i], now_ns);
		ret[i].level.limit = sl_tighten(exchange, ret[i].level.limit);
	}
	sl_count_up(&gateway->counters->counts[ret[OWN_CLASS].source == SL_LIMIT_AGENT
						       ? SL_COUNT_LIMITS_AGENT
						       : SL_COUNT_LIMITS_GATEWAY],
		    1);
}

/* What the agent reads as demand. */
static void count_slots(const struct sl_standing standings[LEVELS],
			const struct sl_gcra_verdict *verdict)
{
	for (size_t i = 0; i < LEVELS; i++) {
		struct sl_request_slot *slot = standings[i].slot;

		if (slot && verdict->admitted)
			__atomic_fetch_add(&slot->admitted, 1, __ATOMIC_RELAXED);
		else if (slot && i == verdict->level)
			__atomic_fetch_add(&slot->refused, 1, __ATOMIC_RELAXED);
	}
}

static bool refuse(struct sl_exchange *exchange, const struct sl_standing *standing,
		   enum sl_rate_class which, const struct sl_gcra_verdict *verdict, uint64_t now_ns)
{
	struct sl_worker_counters *counters = exchange->gateway->counters;
	enum sl_rate_class rate_class = exchange->match.route->rate_class;

	sl_count_up(&exchange->bucket->exceeded_total, 1);
	describe(exchange, standing, which, now_ns);
	tell_kernel(exchange, verdict->wait_ns, standing->shadow);
	if (standing->shadow) {
		sl_count_up(&counters->counts[SL_COUNT_SHADOW_REFUSED], 1);
		return true;
	}
	sl_count_up(&counters->exceeded[rate_class][label_of(exchange)], 1);
	sl_answer_limited(exchange, sl_gcra_size(&standing->level.limit), verdict->wait_ns);
	return false;
}

bool sl_admit(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	enum sl_rate_class rate_class = exchange->match.route->rate_class;
	const enum sl_rate_class classes[LEVELS] = { rate_class, SL_CLASS_GLOBAL };
	struct sl_standing standings[LEVELS];
	struct sl_gcra_level levels[LEVELS];
	struct sl_gcra_verdict verdict;
	uint64_t now_ns = exchange->started_ns;

	if (rate_class == SL_CLASS_NONE)
		return true;
	if (!exchange->who.tenant[0])
		return sl_admit_stranger(exchange);
	exchange->bucket = sl_buckets_get(sl_shared_tenants(gateway->shared),
					  sl_span_of(exchange->who.tenant), now_ns);
	look_up(standings, exchange, classes, now_ns);
	for (size_t i = 0; i < LEVELS; i++)
		levels[i] = standings[i].level;
	sl_gcra_take(&verdict, levels, LEVELS, now_ns);
	count_slots(standings, &verdict);
	sl_count_up(&gateway->counters->checked[rate_class][label_of(exchange)], 1);
	sl_count_up(&exchange->bucket->checked_total, 1);
	if (!verdict.admitted)
		return refuse(exchange, &standings[verdict.level], classes[verdict.level], &verdict,
			      now_ns);
	describe(exchange, &standings[OWN_CLASS], rate_class, now_ns);
	sl_count_up(&gateway->counters->counts[SL_COUNT_ALLOWED], 1);
	return true;
}
