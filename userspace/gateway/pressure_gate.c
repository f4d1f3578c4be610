/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdio.h>

#include "userspace/pressure/retry_after.h"

#define NS_PER_S  1000000000u
#define NS_PER_MS 1000000u

static uint64_t stale_ns(const struct sl_settings *settings)
{
	return settings->backpressure.interval_ns * settings->backpressure.stale_intervals;
}

static struct sl_pressure_view look(const struct sl_gateway *gateway, uint64_t now_ns)
{
	return sl_pressure_look(&gateway->shared->pressure, stale_ns(gateway->settings), now_ns);
}

static uint64_t random_bits(struct sl_gateway *gateway)
{
	uint64_t bits;

	sl_gateway_random(gateway, &bits, sizeof(bits));
	return bits;
}

uint32_t sl_pressure_retry_s(struct sl_gateway *gateway, uint32_t base_s)
{
	return sl_retry_after_s(base_s, random_bits(gateway));
}

/* ---- asking ------------------------------------------------------------------------------- */

/* Another level than this worker saw before. "inactive" is the router's word that all is well,
 * and worth more than what was counted before. */
static void follow(struct sl_gateway *gateway)
{
	struct sl_pressure_gate *gate = &gateway->pressure;
	struct sl_pressure_view view = look(gateway, sl_gateway_now_ns(gateway));

	if (view.level == gate->level)
		return;
	sl_log_limited(gateway->log, SL_LOG_SYNC,
		       view.level > SL_PRESSURE_INACTIVE ? SL_LOG_WARN : SL_LOG_INFO,
		       "backpressure of the router changed",
		       SL_STR("status", sl_pressure_name(view.level)),
		       SL_STR("before", sl_pressure_name(gate->level)),
		       SL_NUM("stale", view.stale));
	gate->level = view.level;
	if (view.level == SL_PRESSURE_INACTIVE)
		sl_class_throttle_forget(&gate->throttle);
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct sl_gateway *gateway = context;
	struct sl_pressure_gate *gate = &gateway->pressure;
	struct sl_fields_error error = { .message = "" };
	struct sl_pressure_status said;

	gate->request = NULL;
	if (status) {
		sl_count_up(&gateway->counters->counts[SL_COUNT_PRESSURE_LOST], 1);
	} else if (sl_pressure_status_read(&said, sl_bus_payload(reply), &error)) {
		sl_count_up(&gateway->counters->counts[SL_COUNT_PRESSURE_WRONG], 1);
		sl_log_limited(gateway->log, SL_LOG_SYNC, SL_LOG_WARN,
			       "the router's status map cannot be read",
			       SL_STR("reason", error.message));
	} else {
		sl_pressure_note(&gateway->shared->pressure, &said, gate->asked_ns);
		follow(gateway);
	}
}

static void ask(struct sl_gateway *gateway)
{
	const struct sl_settings *settings = gateway->settings;
	struct sl_pressure_gate *gate = &gateway->pressure;
	uint64_t timeout_ns = settings->backpressure.timeout_ns;
	char traceparent[SL_TRACEPARENT_CHARS + 1];
	struct sl_trace trace = { 0 };
	uint8_t random[24];

	if (timeout_ns > settings->backpressure.interval_ns)
		timeout_ns = settings->backpressure.interval_ns;
	sl_gateway_random(gateway, random, sizeof(random));
	sl_trace_start(&trace, (struct sl_span){ 0 }, (struct sl_span){ 0 }, (struct sl_span){ 0 },
		       random);
	sl_trace_parent(traceparent, &trace);
	const struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, sl_span_of(trace.trace_id) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_TRACEPARENT, sl_span_of(traceparent) },
	};

	gate->asked_ns = sl_gateway_now_ns(gateway);
	sl_count_up(&gateway->counters->counts[SL_COUNT_PRESSURE_ASKED], 1);
	if (!sl_bus_request(&gate->request, gateway->bus, settings->backpressure.subject, headers,
			    sizeof(headers) / sizeof(headers[0]), SL_SPAN("{\"version\":\"1\"}"),
			    (uint32_t)(timeout_ns / NS_PER_MS), answered, gateway))
		return;
	gate->request = NULL;
	sl_count_up(&gateway->counters->counts[SL_COUNT_PRESSURE_LOST], 1);
}

static void turn(struct sl_loop_timer *timer)
{
	struct sl_gateway *gateway = timer->context;
	uint64_t interval_ns = gateway->settings->backpressure.interval_ns;

	follow(gateway);
	if (!gateway->pressure.request && sl_bus_state(gateway->bus) == SL_BUS_CONNECTED &&
	    sl_pressure_claim(&gateway->shared->pressure, interval_ns, sl_gateway_now_ns(gateway)))
		ask(gateway);
	(void)gateway->loop->timer_set(gateway->loop, timer, interval_ns / NS_PER_MS);
}

int sl_pressure_start(struct sl_gateway *gateway)
{
	struct sl_pressure_gate *gate = &gateway->pressure;

	gate->timer = (struct sl_loop_timer){ .fire = turn, .context = gateway };
	if (!gateway->settings->backpressure.enabled)
		return 0;
	gate->level = look(gateway, sl_gateway_now_ns(gateway)).level;
	return gateway->loop->timer_set(gateway->loop, &gate->timer, 0);
}

void sl_pressure_connected(struct sl_gateway *gateway)
{
	if (gateway->settings->backpressure.enabled && gateway->pressure.timer.fire)
		(void)gateway->loop->timer_set(gateway->loop, &gateway->pressure.timer, 0);
}

void sl_pressure_stop(struct sl_gateway *gateway)
{
	gateway->loop->timer_clear(gateway->loop, &gateway->pressure.timer);
	sl_bus_cancel(gateway->pressure.request);
	gateway->pressure.request = NULL;
}

/* ---- refusing ------------------------------------------------------------------------------ */

static bool refuse(struct sl_exchange *exchange, const char *message, const char *reason,
		   uint32_t base_s)
{
	char details[96];
	uint32_t retry_s = sl_pressure_retry_s(exchange->gateway, base_s);
	int length = snprintf(details, sizeof(details),
			      "{\"reason\":\"%s\",\"retry_after_seconds\":%u}", reason, retry_s);

	sl_answer_failure(exchange, &(struct sl_failure){
					    .code = SL_CODE_SERVICE_OVERLOADED,
					    .message = message,
					    .details = { details, (size_t)length },
					    .retry_after_s = retry_s,
				    });
	return false;
}

static void tighten(struct sl_exchange *exchange)
{
	exchange->limit_factor = (exchange->limit_factor > 0 ? exchange->limit_factor : 1) *
				 exchange->gateway->settings->backpressure.warning_factor;
	sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_PRESSURE_TIGHTENED], 1);
}

bool sl_pressure_admit(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	const struct sl_settings *settings = gateway->settings;
	uint64_t *counts = gateway->counters->counts;
	uint32_t base_s = (uint32_t)(settings->backpressure.retry_after_ns / NS_PER_S);
	struct sl_pressure_view view;

	if (!settings->backpressure.enabled || !exchange->match.route->shed)
		return true;
	view = look(gateway, exchange->started_ns);
	if (view.level == SL_PRESSURE_ACTIVE) {
		sl_count_up(&counts[SL_COUNT_PRESSURE_SHED], 1);
		return refuse(exchange, "the router is overloaded", "backpressure",
			      view.retry_after_s ? view.retry_after_s : base_s);
	}
	if (settings->backpressure.throttle &&
	    !sl_class_throttle_admits(&gateway->pressure.throttle,
				      sl_exchange_criticality(exchange),
				      settings->backpressure.throttle_ratio, exchange->started_ns,
				      random_bits(gateway))) {
		sl_count_up(&counts[SL_COUNT_THROTTLED], 1);
		return refuse(exchange, "the router refuses too much", "throttle", base_s);
	}
	if (view.level == SL_PRESSURE_WARNING)
		tighten(exchange);
	else if (view.level == SL_PRESSURE_UNKNOWN)
		sl_count_up(&counts[SL_COUNT_PRESSURE_UNKNOWN], 1);
	return true;
}

struct sl_request_limit sl_tighten(const struct sl_exchange *exchange,
				   struct sl_request_limit limit)
{
	if (exchange->limit_factor <= 0)
		return limit;
	return sl_pressure_tighten(limit, exchange->limit_factor,
				   exchange->gateway->settings->backpressure.floor);
}

/* ---- what came of it ------------------------------------------------------------------------ */

bool sl_reply_is_overload(struct sl_json_value code)
{
	struct sl_span word;

	return !sl_json_plain(&word, code) && sl_code_of(word) == SL_CODE_SERVICE_OVERLOADED;
}

/* An overloaded router says so in few words; a decision is longer, and need not be read. */
static bool is_overload(struct sl_span reply)
{
	static const char *const names[] = { "error.code" };
	static const char word[] = "service_overloaded";
	struct sl_json_value code;

	return reply.length && memmem(reply.at, reply.length, word, sizeof(word) - 1) &&
	       !sl_json_pick(&code, names, 1, reply, NULL) && sl_reply_is_overload(code);
}

void sl_pressure_report(const struct sl_exchange *exchange, int status,
			const struct sl_bus_message *reply)
{
	struct sl_gateway *gateway = exchange->gateway;

	/* Where no router was reached, none is spared by asking less. */
	if (status && status != -ETIMEDOUT)
		return;
	sl_class_throttle_report(&gateway->pressure.throttle, sl_exchange_criticality(exchange),
				 !status && !is_overload(sl_bus_payload(reply)),
				 sl_gateway_now_ns(gateway));
}
