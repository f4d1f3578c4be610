/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include "userspace/domain/cost.h"
#include "userspace/domain/request_rows.h"
#include "userspace/gateway/line.h"

#define NS_PER_S 1000000000ull

enum {
	OWN_CLASS,
	ALL_CLASSES,
	NODE_CLASS, /* from here on only where the agent limits the node */
	NODE,
	LEVELS
};
_Static_assert(LEVELS == SL_EARLY_LEVELS, "admit: what is charged has a place");

static uint64_t seconds_up(uint64_t ns)
{
	return ns / NS_PER_S + !!(ns % NS_PER_S);
}

/* The fields of the answer describe the level that bounds the caller. */
void sl_admit_describe(struct sl_exchange *exchange, const struct sl_standing *standing,
		       uint64_t now_ns)
{
	const struct sl_gcra_level *level = &standing->level;

	if (!level->limit.period_ns)
		return;
	exchange->quota = (struct sl_quota){
		.known = true,
		.level = standing->level_of,
		.rate_class = standing->rate_class,
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
	if (sl_limit_is_policy(exchange->quota.level)) {
		/* Of a configured name, which needs no quoting. */
		sl_line_add(&details, SL_SPAN(",\"policy\":\""));
		sl_line_add(&details, sl_span_of(exchange->policy));
		sl_line_add(&details, SL_SPAN("\""));
	}
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
void sl_admit_tell_kernel(struct sl_exchange *exchange, uint64_t wait_ns, bool shadow)
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
		.rate_class = SL_CLASS_GLOBAL,
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
	sl_admit_describe(exchange, &standing, now_ns);
	sl_answer_limited(exchange, sl_gcra_size(&standing.level.limit), verdict.wait_ns);
	return false;
}

/* ---- levels --------------------------------------------------------------------------- */

/* The node's, which not every node has: apart, so that who has none does not pay for its
 * variables. */
__attribute__((noinline)) static size_t look_up_node(struct sl_standing ret[LEVELS],
						     struct sl_exchange *exchange,
						     enum sl_rate_class rate_class, uint64_t now_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_kernel_limits row;

	if (!sl_kernel_row(&row, gateway->kernel, SL_SPAN(SL_ROW_ALL)))
		return NODE_CLASS;
	sl_limits_of_row(&ret[NODE_CLASS], gateway->settings, &row, rate_class, now_ns);
	sl_limits_of_row(&ret[NODE], gateway->settings, &row, SL_CLASS_GLOBAL, now_ns);
	ret[NODE_CLASS].level_of = SL_LEVEL_NODE_ENDPOINT;
	ret[NODE].level_of = SL_LEVEL_NODE;
	return LEVELS;
}

size_t sl_admit_look_up(struct sl_standing ret[LEVELS], struct sl_exchange *exchange,
			uint64_t now_ns)
{
	const enum sl_rate_class rate_class = exchange->match.route->rate_class;
	const enum sl_rate_class classes[] = { rate_class, SL_CLASS_GLOBAL };
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_kernel_limits agent;
	struct sl_tenant_limits tenant = {
		.settings = gateway->settings,
		.plan = exchange->who.plan,
		.bucket = exchange->bucket,
	};

	if (sl_kernel_limits(&agent, gateway->kernel, sl_span_of(exchange->who.tenant)))
		tenant.agent = &agent;
	for (size_t i = 0; i < NODE_CLASS; i++) {
		sl_limits_standing(&ret[i], &tenant, classes[i], now_ns);
		ret[i].level.limit = sl_tighten(exchange, ret[i].level.limit);
	}
	return sl_kernel_has_rows(gateway->kernel) ? look_up_node(ret, exchange, rate_class, now_ns)
						   : NODE_CLASS;
}

void sl_admit_return(struct sl_exchange *exchange)
{
	static const uint64_t nothing[LEVELS];
	struct sl_standing standings[LEVELS];
	size_t count;

	if (!exchange->bucket || !memcmp(exchange->charged_ns, nothing, sizeof(nothing)))
		return;
	count = sl_admit_look_up(standings, exchange, sl_gateway_now_ns(exchange->gateway));
	for (size_t i = 0; i < count; i++)
		if (exchange->charged_ns[i])
			sl_cost_settle(standings[i].level.word, exchange->charged_ns[i], 0);
	memset(exchange->charged_ns, 0, sizeof(exchange->charged_ns));
}

/* ---- refusing --------------------------------------------------------------------------- */

void sl_admit_over(struct sl_exchange *exchange)
{
	sl_count_up(&exchange->bucket->exceeded_total, 1);
	sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_SHADOW_REFUSED], 1);
}

void sl_admit_count_refused(struct sl_exchange *exchange, enum sl_limit_level level)
{
	struct sl_worker_counters *counters = exchange->gateway->counters;
	enum sl_rate_class rate_class = exchange->match.route->rate_class;

	sl_count_up(&exchange->bucket->exceeded_total, 1);
	sl_count_up(&counters->exceeded[rate_class][label_of(exchange)], 1);
	sl_count_up(&counters->counts[SL_COUNT_LEVEL + level], 1);
}

void sl_admit_refuse(struct sl_exchange *exchange, const struct sl_standing *standing,
		     uint64_t wait_ns, uint64_t now_ns)
{
	sl_admit_count_refused(exchange, standing->level_of);
	sl_admit_describe(exchange, standing, now_ns);
	sl_answer_limited(exchange, sl_gcra_size(&standing->level.limit), wait_ns);
}

/* Of a tenant's own limits the kernel is told: over others' it did nothing wrong. */
static bool is_own(const struct sl_standing *standing)
{
	return standing->level_of == SL_LEVEL_ENDPOINT || standing->level_of == SL_LEVEL_TENANT;
}

/* Passed in shadow only. True: some of it did. */
static bool note_shadows(struct sl_exchange *exchange, const struct sl_standing *standings,
			 size_t count, uint64_t now_ns)
{
	bool any = false;

	for (size_t i = count; i-- > 0;) {
		struct sl_gcra_verdict verdict;

		if (!standings[i].over)
			continue;
		any = true;
		sl_admit_over(exchange);
		sl_admit_describe(exchange, &standings[i], now_ns);
		if (!is_own(&standings[i]))
			continue;
		sl_gcra_look(&verdict, &standings[i].level, 1, now_ns);
		sl_admit_tell_kernel(exchange, verdict.wait_ns, true);
	}
	return any;
}

static bool refuse(struct sl_exchange *exchange, const struct sl_standing *standing,
		   uint64_t wait_ns, uint64_t now_ns)
{
	if (is_own(standing))
		sl_admit_tell_kernel(exchange, wait_ns, false);
	sl_admit_refuse(exchange, standing, wait_ns, now_ns);
	return false;
}

/* What the answer tells: the tenant's limit of this class, or what of the node's is less. */
static const struct sl_standing *tightest(const struct sl_standing *standings, size_t count,
					  uint64_t now_ns)
{
	const struct sl_standing *least = &standings[OWN_CLASS];

	for (size_t i = NODE_CLASS; i < count; i++)
		if (sl_gcra_left(&standings[i].level, now_ns) < sl_gcra_left(&least->level, now_ns))
			least = &standings[i];
	return least;
}

/* Takes of these levels and tells what came of it. False: answered. */
static bool take(struct sl_exchange *exchange, struct sl_standing standings[LEVELS], size_t count,
		 uint64_t now_ns)
{
	struct sl_gcra_verdict verdict;

	sl_limits_take(&verdict, standings, count, now_ns);
	if (!verdict.admitted) {
		sl_admit_return(exchange); /* what an earlier take has charged */
		return refuse(exchange, &standings[verdict.level], verdict.wait_ns, now_ns);
	}
	for (size_t i = 0; i < count; i++)
		if (!standings[i].over)
			exchange->charged_ns[i] += standings[i].level.limit.period_ns;
	if (note_shadows(exchange, standings, count, now_ns))
		exchange->over = true;
	else
		sl_admit_describe(exchange, tightest(standings, count, now_ns), now_ns);
	return true;
}

bool sl_admit_here(struct sl_exchange *exchange)
{
	struct sl_standing standings[LEVELS];
	const uint64_t now_ns = sl_gateway_now_ns(exchange->gateway);
	const size_t count = sl_admit_look_up(standings, exchange, now_ns);

	for (size_t i = 0; i < count; i++)
		if (!sl_window_has(exchange, &standings[i]))
			sl_window_leave_out(&standings[i]);
	return take(exchange, standings, count, now_ns);
}

enum sl_admission sl_admit(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	enum sl_rate_class rate_class = exchange->match.route->rate_class;
	struct sl_standing standings[LEVELS];
	uint64_t now_ns = exchange->started_ns;
	size_t count;

	if (rate_class == SL_CLASS_NONE)
		return SL_ADMITTED;
	if (!exchange->who.tenant[0])
		return sl_admit_stranger(exchange) ? SL_ADMITTED : SL_ANSWERED;
	exchange->bucket = sl_buckets_get(sl_shared_tenants(gateway->shared),
					  sl_span_of(exchange->who.tenant), now_ns);
	count = sl_admit_look_up(standings, exchange, now_ns);
	sl_count_up(&gateway->counters->counts[standings[OWN_CLASS].source == SL_LIMIT_AGENT
						       ? SL_COUNT_LIMITS_AGENT
						       : SL_COUNT_LIMITS_GATEWAY],
		    1);
	if (gateway->window)
		sl_window_split(exchange, standings, NODE_CLASS);
	sl_count_up(&gateway->counters->checked[rate_class][label_of(exchange)], 1);
	sl_count_up(&exchange->bucket->checked_total, 1);
	if (!take(exchange, standings, count, now_ns))
		return SL_ANSWERED;
	if (exchange->window.count)
		return sl_window_admit(exchange);
	sl_admit_allowed(exchange);
	return SL_ADMITTED;
}

void sl_admit_allowed(struct sl_exchange *exchange)
{
	if (!exchange->over)
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_ALLOWED], 1);
}
