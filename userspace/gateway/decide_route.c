/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdio.h>

static void answer_fault(struct sl_exchange *exchange, const struct sl_decide_fault *fault)
{
	if (fault->intake == SL_INTAKE_PAYLOAD_TOO_SMALL)
		sl_watch_empty(exchange);
	sl_answer_error(exchange, fault->code, 0, fault->intake, fault->message);
}

/* The names the body brings, where no header was stronger. */
static void adopt(struct sl_exchange *exchange)
{
	const struct sl_call *call = &exchange->call;
	const struct sl_decide *decide = &exchange->decide;
	struct sl_span text;
	uint8_t random[24];

	if (!call->request_id.length && !sl_json_plain(&text, decide->request_id) &&
	    sl_is_identifier(text, SL_IDENTIFIER_MAX)) {
		memcpy(exchange->request_id, text.at, text.length);
		exchange->request_id[text.length] = '\0';
	}
	if (!exchange->who.tenant[0] && !sl_json_plain(&text, decide->tenant_id) &&
	    sl_is_identifier(text, SL_IDENTIFIER_MAX))
		memcpy(exchange->who.tenant, text.at, text.length);
	if (!call->trace_id.length && !sl_json_plain(&text, decide->trace_id)) {
		sl_gateway_random(exchange->gateway, random, sizeof(random));
		sl_trace_start(&exchange->trace, call->traceparent, call->tracestate, text, random);
	}
}

/* Another tenant in the body than who asks? That comes before all else that may be wrong. */
static bool is_foreign(const struct sl_exchange *exchange)
{
	char tenant[SL_TEXT_MAX];
	struct sl_json_value named = exchange->decide.tenant_id;
	size_t length;

	if (named.type != SL_JSON_STRING || !exchange->who.tenant[0])
		return false;
	return sl_json_text(tenant, sizeof(tenant), &length, named) != 0 ||
	       strcmp(tenant, exchange->who.tenant) != 0;
}

static bool is_allowed_subject(const struct sl_exchange *exchange)
{
	const struct sl_settings *settings = exchange->gateway->settings;
	struct sl_json_value named = exchange->decide.assignment_subject;
	struct sl_span subject;

	if (named.type == SL_JSON_ABSENT || named.type == SL_JSON_NULL)
		return true;
	if (sl_json_plain(&subject, named))
		return false;
	for (size_t i = 0; i < settings->router.subject_count; i++)
		if (sl_span_is(subject, settings->router.subjects[i].text))
			return true;
	return false;
}

/* The key of header or body; both, and different ones, contradict each other. */
static int key_of(struct sl_span *ret, char buffer[SL_IDEMPOTENCY_KEY_MAX + 1],
		  const struct sl_exchange *exchange)
{
	struct sl_span header = exchange->call.idempotency_key;
	struct sl_json_value body = exchange->decide.idempotency_key;
	size_t length;

	*ret = header;
	if (body.type != SL_JSON_STRING)
		return 0;
	if (sl_json_text(buffer, SL_IDEMPOTENCY_KEY_MAX + 1, &length, body))
		return -EINVAL;
	*ret = (struct sl_span){ buffer, length };
	return header.length && !sl_span_equal(header, *ret) ? -EINVAL : 0;
}

static void begin(struct sl_exchange *exchange)
{
	char buffer[SL_IDEMPOTENCY_KEY_MAX + 1];
	struct sl_span key;

	if (key_of(&key, buffer, exchange))
		sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 0,
				SL_INTAKE_IDEMPOTENCY_VIOLATION,
				"Idempotency-Key and idempotency_key differ");
	else if (key.length)
		sl_idempotency_begin(exchange, key);
	else
		sl_decide_send(exchange);
}

void sl_do_decide(struct sl_exchange *exchange)
{
	struct sl_decide_fault fault = { 0 };
	bool json = !sl_decide_read(&exchange->decide, exchange->body, &fault);

	if (json && is_foreign(exchange)) {
		sl_answer_error(exchange, SL_CODE_UNAUTHORIZED, 403, SL_INTAKE_NONE,
				"tenant_id is not the caller's tenant");
		return;
	}
	if (!json)
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_JSON_FAILED], 1);
	else
		adopt(exchange);
	if (!json || sl_decide_check(&exchange->decide, (struct sl_span){ 0 }, &fault)) {
		answer_fault(exchange, &fault);
		return;
	}
	if (!is_allowed_subject(exchange)) {
		sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 0, SL_INTAKE_NONE,
				"assignment_subject: not among the allowed ones");
		return;
	}
	begin(exchange);
}

static void replied(void *context, int status, const struct sl_bus_message *message)
{
	struct sl_exchange *exchange = context;
	struct sl_reply reply;

	sl_ask_ended(exchange);
	sl_pressure_report(exchange, status, message);
	if (status) {
		if (status == -EHOSTUNREACH) /* of the rest nobody knows what became of it */
			sl_cost_return(exchange);
		sl_idempotency_end(exchange, 503, (struct sl_span){ 0 });
		sl_answer_lost(exchange, status);
		return;
	}
	sl_reply_read(&reply, exchange, sl_bus_payload(message));
	status = sl_reply_status(&reply);
	if (status != 200)
		sl_cost_return(exchange);
	sl_idempotency_end(exchange, status, reply.body);
	if (status == 200 && exchange->match.route->action == SL_ACTION_MESSAGE_CREATE)
		sl_message_accepted(exchange, reply.body);
	sl_answer_reply(exchange, &reply);
}

void sl_decide_send(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_json_out *wire = &gateway->wire;
	struct sl_decide_set set = { .trace_id = sl_span_of(exchange->trace.trace_id) };
	struct sl_span payload;

	if (exchange->decide.idempotency_key.type != SL_JSON_STRING)
		set.idempotency_key = exchange->call.idempotency_key;
	if (!sl_policy_admit(exchange) || !sl_cost_admit(exchange))
		return;
	sl_json_out_reset(wire);
	if (sl_decide_forward(wire, &exchange->decide, &set) || sl_json_done(&payload, wire)) {
		sl_cost_return(exchange);
		sl_answer_error(exchange, SL_CODE_INTERNAL, 500, SL_INTAKE_NONE,
				"the request cannot be forwarded");
		return;
	}
	sl_ask_router(exchange, gateway->settings->router.decide_subject, payload, replied);
}
