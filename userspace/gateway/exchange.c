/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static void refuse(struct sl_exchange *exchange, const char *message)
{
	sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 0, SL_INTAKE_NONE, message);
}

/* The trace and the request's name, before anything can be refused. */
static void start(struct sl_exchange *exchange)
{
	const struct sl_call *call = &exchange->call;
	uint8_t random[24];

	sl_gateway_random(exchange->gateway, random, sizeof(random));
	sl_trace_start(&exchange->trace, call->traceparent, call->tracestate, call->trace_id,
		       random);
	if (sl_is_identifier(call->request_id, SL_IDENTIFIER_MAX)) {
		memcpy(exchange->request_id, call->request_id.at, call->request_id.length);
	} else {
		sl_gateway_random(exchange->gateway, random, 16);
		sl_uuid4(exchange->request_id, random);
	}
}

/* What is wrong with the fields. NULL: nothing. */
static const char *fault_of(const struct sl_call *call)
{
	static const char *const too_long[] = {
		"X-Tenant-ID: 1 to 128 printable characters are wanted",
		"X-Request-ID: 1 to 128 printable characters are wanted",
		"X-Trace-ID: 1 to 128 printable characters are wanted",
	};
	const struct sl_span fields[] = { call->tenant_id, call->request_id, call->trace_id };

	if (call->doubled)
		return "a header field that may come once came twice";
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].length && !sl_is_identifier(fields[i], SL_IDENTIFIER_MAX))
			return too_long[i];
	if (call->idempotency_key.length &&
	    !sl_is_identifier(call->idempotency_key, SL_IDEMPOTENCY_KEY_MAX))
		return "Idempotency-Key: 1 to 256 printable characters are wanted";
	return NULL;
}

/* application/json, and whatever +json; nothing said is taken for it. */
static bool is_json(struct sl_span type)
{
	static const char json[] = "application/json";
	size_t length = 0;

	while (length < type.length && type.at[length] != ';' && type.at[length] != ' ')
		length++;
	if (!type.length)
		return true;
	return length == sizeof(json) - 1 && !strncasecmp(type.at, json, length);
}

void sl_exchange_refuse(struct sl_exchange *exchange, int status)
{
	const char *message = "the request cannot be read";

	if (status == 404)
		message = "route not found";
	else if (status == 408)
		message = "the request came too slowly";
	else if (status == 413)
		message = "the body is too large";
	else if (status == 414 || status == 431)
		message = "the head of the request is too large";
	else if (status >= 500)
		message = "the server cannot do this";
	sl_answer_failure(exchange,
			  &(struct sl_failure){ .code = status < 500 ? SL_CODE_INVALID_REQUEST
								     : SL_CODE_INTERNAL,
						.status = status,
						.message = message,
						.close = true });
}

void sl_exchange_fail(struct sl_exchange *exchange, struct sl_gateway *gateway, int status)
{
	exchange->gateway = gateway;
	exchange->started_ns = sl_gateway_now_ns(gateway);
	start(exchange);
	sl_route_find(&exchange->match, SL_METHOD_OTHER, (struct sl_span){ 0 });
	sl_exchange_refuse(exchange, status);
}

/* True: go on to read it. */
static bool wants_body(struct sl_exchange *exchange)
{
	const struct sl_call *call = &exchange->call;

	if (call->content_length > 0 &&
	    (uint64_t)call->content_length > exchange->gateway->settings->requests.body_bytes_max) {
		sl_exchange_refuse(exchange, 413);
		return false;
	}
	if (!is_json(call->content_type)) {
		sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 415, SL_INTAKE_NONE,
				"Content-Type: application/json is wanted");
		return false;
	}
	exchange->stage = SL_STAGE_BODY;
	return true;
}

/* A new worker is asked before it has reached NATS; after a reload that is no reason
 * to refuse anybody. */
static bool park(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	enum sl_access access = exchange->match.route->access;

	if (!gateway->warming || access == SL_ACCESS_ANYBODY || access == SL_ACCESS_OPERATOR)
		return false;
	exchange->parked_next = gateway->parked;
	gateway->parked = exchange;
	return true;
}

static void leave_parking(struct sl_exchange *exchange)
{
	struct sl_exchange **at = &exchange->gateway->parked;

	while (*at && *at != exchange)
		at = &(*at)->parked_next;
	if (*at)
		*at = exchange->parked_next;
}

static void act(struct sl_exchange *exchange);

void sl_exchange_warm(struct sl_gateway *gateway)
{
	struct sl_exchange *exchange;

	gateway->warming = false;
	while ((exchange = gateway->parked)) {
		gateway->parked = exchange->parked_next;
		act(exchange);
	}
}

static void act(struct sl_exchange *exchange)
{
	exchange->stage = SL_STAGE_WAITING;
	if (park(exchange))
		return;
	switch (exchange->match.route->action) {
	case SL_ACTION_DECIDE:
	case SL_ACTION_MESSAGE_CREATE:
		sl_do_decide(exchange);
		return;
	case SL_ACTION_GET_DECISION:
	case SL_ACTION_EXTENSION_HEALTH:
	case SL_ACTION_BREAKERS:
	case SL_ACTION_DRY_RUN:
	case SL_ACTION_COMPLEXITY:
		sl_do_ask(exchange);
		return;
	case SL_ACTION_MESSAGE_LIST:
	case SL_ACTION_MESSAGE_GET:
	case SL_ACTION_MESSAGE_PUT:
	case SL_ACTION_MESSAGE_DELETE:
		sl_do_message(exchange);
		return;
	case SL_ACTION_MESSAGE_STREAM:
	case SL_ACTION_RESULT_STREAM:
		sl_do_stream(exchange);
		return;
	case SL_ACTION_BLOCK_CREATE:
	case SL_ACTION_BLOCK_UPDATE:
	case SL_ACTION_BLOCK_DELETE:
	case SL_ACTION_BLOCK_GET:
	case SL_ACTION_BLOCK_LIST:
		sl_do_block(exchange);
		return;
	case SL_ACTION_LIMIT_USAGE:
	case SL_ACTION_LIMIT_OVERRIDE:
		sl_do_limits(exchange);
		return;
	case SL_ACTION_HEALTH:
	case SL_ACTION_LIVE:
	case SL_ACTION_READY:
		sl_do_health(exchange);
		return;
	case SL_ACTION_METRICS:
	case SL_ACTION_METRICS_JSON:
		sl_do_metrics(exchange);
		return;
	case SL_ACTION_NONE:
	case SL_ACTIONS:
		break;
	}
	sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 404, SL_INTAKE_NONE, "route not found");
}

/* Routes of the operator's listener are not there on the other, and the other way round. */
static bool is_visible(const struct sl_exchange *exchange)
{
	enum sl_access access = exchange->match.route->access;

	return access == SL_ACCESS_ANYBODY ||
	       (access == SL_ACCESS_OPERATOR) == exchange->call.operator_listener;
}

/* Within its limits. True: the body is wanted. */
static bool go_on(struct sl_exchange *exchange)
{
	const char *fault = fault_of(&exchange->call);

	if (fault) {
		refuse(exchange, fault);
		return false;
	}
	if (exchange->match.route->has_body)
		return wants_body(exchange);
	act(exchange);
	return false;
}

void sl_exchange_admitted(struct sl_exchange *exchange)
{
	if (go_on(exchange))
		exchange->calls->body_wanted(exchange);
}

bool sl_exchange_begin(struct sl_exchange *exchange, struct sl_gateway *gateway)
{
	const struct sl_route *route;

	exchange->gateway = gateway;
	exchange->started_ns = sl_gateway_now_ns(gateway);
	start(exchange);
	sl_route_find(&exchange->match, exchange->call.method, exchange->call.path);
	if (!is_visible(exchange))
		sl_route_find(&exchange->match, SL_METHOD_OTHER, (struct sl_span){ 0 });
	route = exchange->match.route;
	if (route->access == SL_ACCESS_ANYBODY || route->access == SL_ACCESS_OPERATOR) {
		act(exchange);
		return false;
	}
	if (!sl_watch_source(exchange) || !sl_identify(exchange))
		return false;
	if (exchange->who.authenticated)
		sl_kernel_bind(gateway->kernel, exchange->call.connection,
			       sl_span_of(exchange->who.tenant));
	sl_watch_request(exchange);
	if (!sl_pressure_admit(exchange) || !sl_watch_tenant(exchange) ||
	    sl_admit(exchange) != SL_ADMITTED)
		return false;
	return go_on(exchange);
}

void sl_exchange_body(struct sl_exchange *exchange, struct sl_span body)
{
	if (body.length > exchange->gateway->settings->requests.body_bytes_max) {
		sl_exchange_refuse(exchange, 413);
		return;
	}
	exchange->body = body;
	sl_watch_body(exchange);
	act(exchange);
}

/* Nothing that is under way may call back. */
static void let_go(struct sl_exchange *exchange)
{
	leave_parking(exchange);
	if (exchange->pending) {
		sl_bus_cancel(exchange->pending);
		sl_ask_ended(exchange);
	}
	if (exchange->ticket) {
		exchange->ticket->exchange = NULL;
		exchange->ticket = NULL;
	}
	sl_idempotency_stop(exchange);
	if (exchange->stream) {
		sl_stream_free(exchange->stream);
		exchange->stream = NULL;
	}
}

void sl_exchange_expire(struct sl_exchange *exchange)
{
	let_go(exchange);
	sl_answer_lost(exchange, -ETIMEDOUT);
}

void sl_exchange_cancel(struct sl_exchange *exchange)
{
	if (!exchange->gateway)
		return;
	let_go(exchange);
	if (exchange->stage != SL_STAGE_DONE && exchange->stage != SL_STAGE_NEW)
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_CLIENT_GONE], 1);
	exchange->stage = SL_STAGE_DONE;
}

struct sl_ticket *sl_ticket_take(struct sl_exchange *exchange)
{
	if (!exchange->ticket) {
		exchange->ticket = calloc(1, sizeof(*exchange->ticket));
		if (!exchange->ticket)
			return NULL;
		exchange->ticket->exchange = exchange;
	}
	exchange->ticket->holders++;
	return exchange->ticket;
}

struct sl_exchange *sl_ticket_end(struct sl_ticket *ticket)
{
	struct sl_exchange *exchange = ticket->exchange;

	if (!--ticket->holders) {
		if (exchange)
			exchange->ticket = NULL;
		free(ticket);
	}
	return exchange;
}
