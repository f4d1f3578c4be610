/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>

#include "userspace/domain/requests.h"

size_t sl_message_headers(struct sl_bus_header ret[SL_HEADERS_MAX],
			  const struct sl_exchange *exchange, char traceparent[])
{
	size_t count = 0;

	sl_trace_parent(traceparent, &exchange->trace);
	ret[count++] =
		(struct sl_bus_header){ SL_HEADER_TRACE_ID, sl_span_of(exchange->trace.trace_id) };
	ret[count++] =
		(struct sl_bus_header){ SL_HEADER_TENANT_ID, sl_span_of(exchange->who.tenant) };
	ret[count++] = (struct sl_bus_header){ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) };
	ret[count++] = (struct sl_bus_header){ SL_HEADER_TRACEPARENT, sl_span_of(traceparent) };
	if (exchange->trace.tracestate[0])
		ret[count++] = (struct sl_bus_header){ SL_HEADER_TRACESTATE,
						       sl_span_of(exchange->trace.tracestate) };
	return count;
}

enum sl_criticality sl_exchange_criticality(const struct sl_exchange *exchange)
{
	const struct sl_gateway *gateway = exchange->gateway;
	const struct sl_settings *settings = gateway->settings;
	struct sl_kernel_limits agent;
	int least = SL_CRITICAL;

	if (exchange->match.route->access == SL_ACCESS_ADMIN)
		return SL_CRITICAL_PLUS; /* who repairs is not shed */
	if (sl_kernel_limits(&agent, gateway->kernel, sl_span_of(exchange->who.tenant)))
		least = (int)sl_requests_class(&agent.limits);
	if (exchange->who.plan && exchange->who.plan->criticality < least)
		least = exchange->who.plan->criticality;
	if (exchange->match.route->rate_class == SL_CLASS_MESSAGES &&
	    settings->criticality.messages < least)
		least = settings->criticality.messages;
	if (exchange->match.route->rate_class == SL_CLASS_ROUTES_DECIDE &&
	    settings->criticality.routes_decide < least)
		least = settings->criticality.routes_decide;
	return (enum sl_criticality)least;
}

void sl_ask_router(struct sl_exchange *exchange, const char *subject, struct sl_span payload,
		   sl_bus_done *done)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_bus_header headers[SL_HEADERS_MAX];
	char traceparent[SL_TRACEPARENT_CHARS + 1];
	size_t count = sl_message_headers(headers, exchange, traceparent);
	const char *criticality = sl_criticality_name(sl_exchange_criticality(exchange));
	int r;

	headers[count++] = (struct sl_bus_header){ SL_HEADER_CRITICALITY, sl_span_of(criticality) };
	r = sl_bus_request(&exchange->pending, gateway->bus, subject, headers, count, payload,
			   (uint32_t)(gateway->settings->router.timeout_ns / 1000000), done,
			   exchange);

	if (!r) {
		gateway->asked_count++;
		return;
	}
	exchange->pending = NULL;
	sl_cost_return(exchange);
	sl_idempotency_end(exchange, 503, (struct sl_span){ 0 });
	if (r == -EMSGSIZE)
		sl_exchange_refuse(exchange, 413);
	else
		sl_answer_lost(exchange, r);
}

void sl_ask_ended(struct sl_exchange *exchange)
{
	exchange->pending = NULL;
	exchange->gateway->asked_count--;
}

static void answer(struct sl_exchange *exchange, struct sl_span body)
{
	struct sl_reply reply;

	sl_reply_read(&reply, exchange, body);
	sl_answer_reply(exchange, &reply);
}

static void replied(void *context, int status, const struct sl_bus_message *reply)
{
	struct sl_exchange *exchange = context;

	sl_ask_ended(exchange);
	if (status)
		sl_answer_lost(exchange, status);
	else
		answer(exchange, sl_bus_payload(reply));
}

/* The payload of a route that has no body, out of the path's parts. */
static int put_question(struct sl_json_out *out, const struct sl_exchange *exchange)
{
	const struct sl_span *parts = exchange->match.parameters;
	struct sl_span done;

	sl_json_open(out, '{');
	sl_json_key(out, "version");
	sl_json_put_text(out, SL_SPAN(SL_MESSAGE_VERSION));
	if (exchange->match.route->action == SL_ACTION_GET_DECISION) {
		sl_json_key(out, "message_id");
		sl_json_put_text(out, parts[0]);
	}
	sl_json_key(out, "tenant_id");
	if (exchange->match.route->action == SL_ACTION_COMPLEXITY) {
		sl_json_put_text(out, parts[0]);
		sl_json_key(out, "policy_id");
		sl_json_put_text(out, parts[1]);
	} else {
		sl_json_put_text(out, sl_span_of(exchange->who.tenant));
	}
	sl_json_key(out, "request_id");
	sl_json_put_text(out, sl_span_of(exchange->request_id));
	sl_json_key(out, "trace_id");
	sl_json_put_text(out, sl_span_of(exchange->trace.trace_id));
	sl_json_close(out, '}');
	return sl_json_done(&done, out);
}

static const char *subject_of(const struct sl_exchange *exchange)
{
	enum sl_action action = exchange->match.route->action;

	if (action == SL_ACTION_GET_DECISION)
		return exchange->gateway->settings->router.get_decision_subject;
	if (action == SL_ACTION_EXTENSION_HEALTH)
		return SL_SUBJECT_EXTENSION_HEALTH;
	if (action == SL_ACTION_BREAKERS)
		return SL_SUBJECT_BREAKER_STATES;
	return action == SL_ACTION_DRY_RUN ? SL_SUBJECT_DRY_RUN : SL_SUBJECT_COMPLEXITY;
}

static bool parts_are_good(const struct sl_exchange *exchange)
{
	for (size_t i = 0; i < SL_ROUTE_PARAMETERS_MAX; i++) {
		struct sl_span part = exchange->match.parameters[i];

		if (part.length && !sl_is_identifier(part, SL_IDENTIFIER_MAX))
			return false;
	}
	return true;
}

static bool body_is_good(struct sl_exchange *exchange)
{
	enum sl_json_type type;

	if (!sl_json_check(&type, exchange->body, NULL) && type == SL_JSON_OBJECT)
		return true;
	sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_JSON_FAILED], 1);
	return false;
}

void sl_do_ask(struct sl_exchange *exchange)
{
	struct sl_json_out *wire = &exchange->gateway->wire;
	struct sl_span payload = exchange->body;

	if (!parts_are_good(exchange)) {
		sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 0, SL_INTAKE_NONE,
				"an identifier is 1 to 128 printable characters");
		return;
	}
	if (exchange->match.route->has_body) {
		if (!body_is_good(exchange)) {
			sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 0, SL_INTAKE_NONE,
					"the body is not a JSON object");
			return;
		}
	} else {
		sl_json_out_reset(wire);
		if (put_question(wire, exchange) || sl_json_done(&payload, wire)) {
			sl_answer_error(exchange, SL_CODE_INTERNAL, 500, SL_INTAKE_NONE,
					"out of memory");
			return;
		}
	}
	sl_ask_router(exchange, subject_of(exchange), payload, replied);
}
