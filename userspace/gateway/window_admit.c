/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request whose limits are counted in Redis. It waits without its body; what came of the
 * question decides, and when nothing did, this node or a 503.
 *
 * Limits of the agent stay here: it shares them over nodes by itself (docs/quotas.md).
 */
#include "userspace/base/clock.h"
#include "userspace/gateway/gateway_private.h"

#define MS_NS	      1000000ull
#define NS_PER_S      1000000000ull
#define MS_PER_S      1000u
#define UNAVAILABLE_S 1

/* ---- which levels ----------------------------------------------------------------------- */

void sl_window_leave_out(struct sl_standing *standing)
{
	standing->level.limit = (struct sl_request_limit){ 0 };
	standing->slot = NULL;
}

bool sl_window_has(const struct sl_exchange *exchange, const struct sl_standing *standing)
{
	if (standing->level_of != SL_LEVEL_ENDPOINT && standing->level_of != SL_LEVEL_TENANT)
		return false;
	for (size_t i = 0; i < exchange->window.count; i++)
		if (exchange->window.levels[i].rate_class == standing->rate_class)
			return true;
	return false;
}

void sl_window_split(struct sl_exchange *exchange, struct sl_standing *standings, size_t count)
{
	const enum sl_window_mode mode = sl_window_mode(exchange->gateway->window);
	struct sl_window_part *part = &exchange->window;

	for (size_t i = 0; i < count && part->count < SL_WINDOW_LEVELS_MAX; i++) {
		const struct sl_request_limit *limit = &standings[i].level.limit;

		if (standings[i].source == SL_LIMIT_AGENT || !limit->period_ns)
			continue;
		part->levels[part->count++] = (struct sl_window_level){
			.rate_class = standings[i].rate_class,
			.limit = sl_gcra_size(limit),
		};
		if (mode == SL_WINDOW_REDIS)
			sl_window_leave_out(&standings[i]);
	}
}

static enum sl_limit_level level_of(const struct sl_window_level *level)
{
	return level->rate_class == SL_CLASS_GLOBAL ? SL_LEVEL_TENANT : SL_LEVEL_ENDPOINT;
}

/* ---- what the answer says --------------------------------------------------------------------
 */

static void describe(struct sl_exchange *exchange, const struct sl_window_verdict *verdict,
		     size_t which)
{
	const struct sl_window_level *level = &exchange->window.levels[which];
	const uint64_t count = verdict->counts[which];

	exchange->quota = (struct sl_quota){
		.known = true,
		.level = level_of(level),
		.rate_class = level->rate_class,
		.limit = level->limit,
		.remaining = count < level->limit ? level->limit - count : 0,
		.reset_s = (verdict->reset_ms + MS_PER_S - 1) / MS_PER_S,
		/* Windows end with a second; the answer took less than half of one. */
		.reset_at_s =
			((uint64_t)sl_unix_ms() + verdict->reset_ms + MS_PER_S / 2) / MS_PER_S,
		.window_s = exchange->gateway->settings->limits.window_ns / NS_PER_S,
	};
}

/* As where this node counts: the limit of the class, unless another is nearer. */
static void describe_admitted(struct sl_exchange *exchange, const struct sl_window_verdict *verdict)
{
	const struct sl_window_level *level = &exchange->window.levels[0];

	if (level->rate_class != exchange->match.route->rate_class)
		return;
	if (!exchange->quota.known || level->limit <= verdict->counts[0] ||
	    level->limit - verdict->counts[0] < exchange->quota.remaining)
		describe(exchange, verdict, 0);
}

/* The agent reads demand from its slots, also of limits that it does not set. */
static void count_slots(struct sl_exchange *exchange, const struct sl_window_verdict *verdict)
{
	struct sl_standing standings[SL_EARLY_LEVELS];
	const size_t count =
		sl_admit_look_up(standings, exchange, sl_gateway_now_ns(exchange->gateway));

	for (size_t i = 0; i < count; i++) {
		struct sl_request_slot *slot = standings[i].slot;

		if (!slot || !sl_window_has(exchange, &standings[i]))
			continue;
		if (verdict->admitted)
			__atomic_fetch_add(&slot->admitted, 1, __ATOMIC_RELAXED);
		else if (exchange->window.levels[verdict->level].rate_class ==
			 standings[i].rate_class)
			__atomic_fetch_add(&slot->refused, 1, __ATOMIC_RELAXED);
	}
}

/* ---- the verdict -------------------------------------------------------------------------------
 */

/* True: it goes on. */
static bool refuse(struct sl_exchange *exchange, const struct sl_window_verdict *verdict)
{
	const struct sl_window_level *level = &exchange->window.levels[verdict->level];
	const uint64_t wait_ns = verdict->reset_ms * MS_NS;
	const bool shadow = exchange->gateway->settings->limits.shadow;

	sl_admit_tell_kernel(exchange, wait_ns, shadow);
	describe(exchange, verdict, verdict->level);
	if (shadow) {
		exchange->over = true;
		sl_admit_over(exchange);
		return true;
	}
	sl_admit_return(exchange);
	sl_admit_count_refused(exchange, level_of(level));
	sl_answer_limited(exchange, level->limit, wait_ns);
	return false;
}

static bool judge(struct sl_exchange *exchange, const struct sl_window_verdict *verdict)
{
	if (sl_window_mode(exchange->gateway->window) == SL_WINDOW_REDIS)
		count_slots(exchange, verdict);
	if (!verdict->admitted)
		return refuse(exchange, verdict);
	describe_admitted(exchange, verdict);
	sl_admit_allowed(exchange);
	return true;
}

/* ---- when nothing was said
 * -----------------------------------------------------------------------
 */

static bool answer_unavailable(struct sl_exchange *exchange)
{
	sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_WINDOW_UNAVAILABLE], 1);
	if (exchange->gateway->settings->limits.shadow) {
		sl_admit_over(exchange);
		return true;
	}
	sl_admit_return(exchange);
	sl_answer_failure(exchange, &(struct sl_failure){
					    .code = SL_CODE_UNAVAILABLE,
					    .message = "the limits cannot be counted",
					    .retry_after_s = UNAVAILABLE_S,
				    });
	return false;
}

static bool do_without(struct sl_exchange *exchange)
{
	const struct sl_gateway *gateway = exchange->gateway;

	if (!gateway->settings->distributed.fallback_to_local)
		return answer_unavailable(exchange);
	sl_count_up(&gateway->counters->counts[SL_COUNT_WINDOW_HERE], 1);
	/* Hybrid: this node has admitted it already. */
	if (sl_window_mode(gateway->window) == SL_WINDOW_REDIS && !sl_admit_here(exchange))
		return false;
	sl_admit_allowed(exchange);
	return true;
}

static void answered(void *context, enum sl_window_outcome outcome,
		     const struct sl_window_verdict *verdict)
{
	struct sl_exchange *exchange = sl_ticket_end(context);

	if (!exchange || outcome == SL_WINDOW_OUTCOMES)
		return;
	if (verdict ? judge(exchange, verdict) : do_without(exchange))
		sl_exchange_admitted(exchange);
}

enum sl_admission sl_window_admit(struct sl_exchange *exchange)
{
	const struct sl_window_part *part = &exchange->window;
	struct sl_ticket *ticket = sl_ticket_take(exchange);
	enum sl_window_outcome outcome;

	if (ticket && !sl_window_take(exchange->gateway->window, sl_span_of(exchange->who.tenant),
				      part->levels, part->count, answered, ticket, &outcome)) {
		exchange->stage = SL_STAGE_WAITING;
		return SL_PENDING;
	}
	if (ticket)
		(void)sl_ticket_end(ticket);
	return do_without(exchange) ? SL_ADMITTED : SL_ANSWERED;
}
