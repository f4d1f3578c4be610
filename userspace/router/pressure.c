// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/pressure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/pressure/retry_after.h"
#include "userspace/router/router_private.h"

#define PERIOD_MIN_MS 200u /* 250 ms +-20 % */
#define PERIOD_MS     100u
#define MS_PER_HOUR   3600000u

struct slot {
	struct sl_pressure_pool *pool; /* NULL: free */
	struct sl_pool_jobs jobs;
	uint64_t seq;
};

struct sl_pressure {
	struct sl_router *router;
	struct slot slots[SL_ROUTER_POOLS_MAX];
	char source[SL_SIGNAL_NAME_BYTES];
	uint64_t epoch, troubles;
	struct sl_loop_timer timer;
	struct sl_json_out out;
};

/* ---- telling ------------------------------------------------------------------------------ */

static uint32_t base_s(enum sl_pressure_state state)
{
	static const uint32_t seconds[SL_PRESSURE_STATES] = { 1, 2, 5, 15, 15 };

	return seconds[(unsigned int)state % SL_PRESSURE_STATES];
}

static void tell(struct sl_pressure *pressure, struct slot *slot, bool leaving)
{
	struct sl_router *router = pressure->router;
	char subject[SL_SIGNAL_SUBJECT_BYTES];
	struct sl_out_headers headers;
	struct sl_signal signal;
	struct sl_trace trace;
	struct sl_span none = { NULL, 0 }, text;
	uint8_t random[24];

	sl_pressure_pool_signal(&signal, slot->pool);
	(void)snprintf(signal.source, sizeof(signal.source), "%s", pressure->source);
	signal.epoch = pressure->epoch;
	signal.seq = ++slot->seq;
	signal.ts_ms = sl_wall_ms();
	signal.leaving = leaving;
	signal.retry_after_s = signal.state == SL_PRESSURE_OK ? 0 : base_s(signal.state);
	sl_router_random(router, random, sizeof(random));
	sl_trace_start(&trace, none, none, none, random);
	sl_out_headers(&headers, &trace, "system");
	sl_json_out_reset(&pressure->out);
	sl_signal_write(&pressure->out, &signal);
	if (sl_json_done(&text, &pressure->out) == 0 &&
	    sl_bus_publish(router->bus, sl_signal_subject(subject, signal.work, signal.pool), NULL,
			   headers.at, headers.count, text) == 0)
		router->counts.bp_signals_sent_total++;
}

static void changed(struct sl_pressure *pressure, struct slot *slot)
{
	const struct sl_pool_view view = sl_pressure_pool_view(slot->pool);

	sl_log_limited(pressure->router->log, SL_LOG_SYNC, SL_LOG_WARN, "pressure changed",
		       SL_STR("pool", view.name),
		       SL_STR("state", sl_pressure_state_name(view.state)),
		       SL_NUM("workers", view.workers));
	tell(pressure, slot, false);
}

/* ---- hearing ------------------------------------------------------------------------------ */

static bool is_of(const struct slot *slot, const struct sl_signal *signal)
{
	const struct sl_pool_view view = sl_pressure_pool_view(slot->pool);

	return view.work == signal->work && strcmp(view.name, signal->pool) == 0;
}

static int make_pool(struct slot *slot, struct sl_router *router, const struct sl_signal *signal)
{
	const struct sl_pressure_pool_options options = {
		.name = signal->pool,
		.work = signal->work,
		.fail_closed = router->settings.fail_mode == SL_FAIL_CLOSED,
		.secret = { sl_core_random(router->core), sl_core_random(router->core) },
	};

	return sl_pressure_pool_new(&slot->pool, &options, sl_router_now(router));
}

/* NULL: as many as there may be, or no memory. */
static struct slot *slot_of(struct sl_pressure *pressure, const struct sl_signal *signal)
{
	struct slot *unused = NULL;

	for (size_t i = 0; i < SL_ROUTER_POOLS_MAX; i++) {
		struct slot *slot = &pressure->slots[i];

		if (!slot->pool && !unused)
			unused = slot;
		if (slot->pool && is_of(slot, signal))
			return slot;
	}
	if (!unused || make_pool(unused, pressure->router, signal) != 0)
		return NULL;
	return unused;
}

static void count_jobs(const struct slot *slot)
{
	sl_pressure_pool_jobs(slot->pool, &slot->jobs);
}

void sl_pressure_heard(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	char subject[SL_SIGNAL_SUBJECT_BYTES];
	struct sl_signal signal;
	struct slot *slot;
	int err = sl_signal_read(&signal, sl_bus_payload(message), NULL);

	if (!err && !sl_span_is(sl_bus_subject(message),
				sl_signal_subject(subject, signal.work, signal.pool)))
		err = -EINVAL;
	if (err) {
		router->counts.bp_signals_malformed_total++;
		return;
	}
	if (signal.role != SL_SIGNAL_WORKER)
		return;
	slot = slot_of(router->pressure, &signal);
	if (!slot) {
		router->counts.bp_pools_refused_total++;
		return;
	}
	count_jobs(slot);
	if (sl_pressure_pool_hear(slot->pool, &signal, sl_router_now(router)) == 1)
		changed(router->pressure, slot);
}

/* ---- the clock ---------------------------------------------------------------------------- */

static void tick_slot(struct sl_pressure *pressure, struct slot *slot, bool dropped)
{
	const uint64_t now_ns = sl_router_now(pressure->router);

	if (sl_pressure_pool_is_over(slot->pool, now_ns)) {
		sl_pressure_pool_free(slot->pool);
		*slot = (struct slot){ .pool = NULL };
		return;
	}
	count_jobs(slot);
	if (dropped)
		sl_pressure_pool_dropped(slot->pool);
	if (sl_pressure_pool_tick(slot->pool, sl_core_random(pressure->router->core), now_ns))
		changed(pressure, slot);
	else
		tell(pressure, slot, false);
}

static void again(struct sl_pressure *pressure)
{
	struct sl_router *router = pressure->router;

	(void)router->loop->timer_set(router->loop, &pressure->timer,
				      PERIOD_MIN_MS + sl_core_random(router->core) % PERIOD_MS);
}

/* What this router meets itself: messages dropped on the way to it, and a store that stalls. */
static uint64_t troubles(const struct sl_router *router)
{
	return sl_bus_stats(router->bus).slow_consumer_total + router->counts.publish_stalls_total;
}

static void tick(struct sl_loop_timer *timer)
{
	struct sl_pressure *pressure = timer->context;
	const uint64_t met = troubles(pressure->router);
	const bool dropped = met != pressure->troubles;

	pressure->troubles = met;
	for (size_t i = 0; i < SL_ROUTER_POOLS_MAX; i++)
		if (pressure->slots[i].pool)
			tick_slot(pressure, &pressure->slots[i], dropped);
	again(pressure);
}

int sl_pressure_new(struct sl_pressure **ret, struct sl_router *router)
{
	struct sl_pressure *pressure = calloc(1, sizeof(*pressure));

	if (!pressure)
		return -ENOMEM;
	pressure->router = router;
	pressure->epoch = sl_wall_ms();
	pressure->timer = (struct sl_loop_timer){ .fire = tick, .context = pressure };
	pressure->out = SL_JSON_OUT(SL_SIGNAL_BYTES_MAX);
	(void)snprintf(pressure->source, sizeof(pressure->source), "router-%016llx",
		       (unsigned long long)sl_core_random(router->core));
	*ret = pressure;
	return 0;
}

int sl_pressure_begin(struct sl_pressure *pressure)
{
	again(pressure);
	return 0;
}

void sl_pressure_leave(struct sl_pressure *pressure)
{
	for (size_t i = 0; i < SL_ROUTER_POOLS_MAX; i++)
		if (pressure->slots[i].pool)
			tell(pressure, &pressure->slots[i], true);
	pressure->router->loop->timer_clear(pressure->router->loop, &pressure->timer);
}

void sl_pressure_free(struct sl_pressure *pressure)
{
	if (!pressure)
		return;
	pressure->router->loop->timer_clear(pressure->router->loop, &pressure->timer);
	for (size_t i = 0; i < SL_ROUTER_POOLS_MAX; i++)
		sl_pressure_pool_free(pressure->slots[i].pool);
	sl_json_out_free(&pressure->out);
	free(pressure);
}

/* ---- requests ----------------------------------------------------------------------------- */

/* NULL: nobody speaks for the provider's workers. */
static struct slot *slot_for(struct sl_pressure *pressure, const struct sl_provider *provider)
{
	for (size_t i = 0; i < SL_ROUTER_POOLS_MAX; i++) {
		struct slot *slot = &pressure->slots[i];

		if (slot->pool &&
		    strcmp(sl_pressure_pool_view(slot->pool).name, provider->pool) == 0)
			return slot;
	}
	return NULL;
}

bool sl_pressure_refuses(struct sl_pressure_refusal *ret, struct sl_pressure *pressure,
			 const struct sl_request *request, const struct sl_provider *provider)
{
	static const char *const why[] = {
		[SL_POOL_SHED] = "the workers are overloaded: others go first",
		[SL_POOL_NO_CREDIT] = "the workers take no more jobs now",
	};
	struct sl_router *router = pressure->router;
	const struct sl_pool_request asked = {
		.criticality = request->criticality,
		.level = sl_priority_level(request->criticality, sl_span_of(request->tenant_id),
					   sl_wall_ms() / MS_PER_HOUR),
		.needs_credit = request->pushes,
	};
	struct slot *slot = slot_for(pressure, provider);
	enum sl_pool_verdict verdict;

	if (!slot)
		return false;
	count_jobs(slot);
	verdict = sl_pressure_pool_admit(slot->pool, &asked, sl_router_now(router));
	if (verdict == SL_POOL_ADMIT)
		return false;
	if (verdict == SL_POOL_NO_CREDIT &&
	    sl_pressure_pool_tick(slot->pool, sl_core_random(router->core), sl_router_now(router)))
		changed(pressure, slot);
	ret->why = why[verdict];
	ret->retry_after_s = sl_retry_after_s(base_s(sl_pressure_pool_view(slot->pool).state),
					      sl_core_random(router->core));
	return true;
}

/* A mark is twice the number of its slot, from 1, and one more when it is sheddable. */
static struct sl_pool_jobs *jobs_of(struct sl_pressure *pressure, uint32_t mark)
{
	return &pressure->slots[mark / 2 - 1].jobs;
}

uint32_t sl_pressure_open(struct sl_pressure *pressure, const struct sl_provider *provider,
			  enum sl_criticality criticality)
{
	const bool is_sheddable = criticality < SL_CRITICAL;
	struct slot *slot = slot_for(pressure, provider);

	if (!slot)
		return 0;
	slot->jobs.open++;
	slot->jobs.unaccepted++;
	slot->jobs.sheddable += is_sheddable;
	return (uint32_t)(slot - pressure->slots + 1) * 2 + is_sheddable;
}

/* A pool that was forgotten meanwhile counts from 0 when it is back. */
static void take_one_off(uint64_t *count)
{
	if (*count)
		(*count)--;
}

void sl_pressure_accepted(struct sl_pressure *pressure, uint32_t mark)
{
	if (mark)
		take_one_off(&jobs_of(pressure, mark)->unaccepted);
}

void sl_pressure_close(struct sl_pressure *pressure, uint32_t mark, bool accepted)
{
	if (!mark)
		return;
	if (!accepted)
		sl_pressure_accepted(pressure, mark);
	take_one_off(&jobs_of(pressure, mark)->open);
	if (mark % 2)
		take_one_off(&jobs_of(pressure, mark)->sheddable);
}

/* ---- what others see ---------------------------------------------------------------------- */

bool sl_pressure_next(struct sl_pool_view *ret, const struct sl_pressure *pressure, uint32_t *at)
{
	for (; *at < SL_ROUTER_POOLS_MAX; (*at)++)
		if (pressure->slots[*at].pool) {
			*ret = sl_pressure_pool_view(pressure->slots[(*at)++].pool);
			return true;
		}
	return false;
}

bool sl_pressure_has_pools(const struct sl_pressure *pressure)
{
	struct sl_pool_view view;
	uint32_t at = 0;

	return sl_pressure_next(&view, pressure, &at);
}

enum sl_pressure_state sl_pressure_worst(const struct sl_pressure *pressure, bool *ret_stale)
{
	enum sl_pressure_state worst = SL_PRESSURE_OK;
	struct sl_pool_view view;
	uint32_t at = 0;

	*ret_stale = false;
	while (sl_pressure_next(&view, pressure, &at)) {
		if (view.state == SL_PRESSURE_STALE)
			*ret_stale = true;
		else if (view.state > worst)
			worst = view.state;
	}
	return worst;
}
