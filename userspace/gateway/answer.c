/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdio.h>

#define JSON_TYPE	 "application/json"
#define OVERLOAD_RETRY_S 30
#define LOST_RETRY_S	 1

static void count(struct sl_exchange *exchange, int status)
{
	struct sl_worker_counters *counters = exchange->gateway->counters;
	uint64_t now_ns = sl_gateway_now_ns(exchange->gateway);
	uint64_t us = (now_ns - exchange->started_ns) / 1000, second = now_ns / 1000000000;
	size_t place = second % SL_SECONDS_KEPT;

	sl_count_up(&counters->requests[exchange->match.index][sl_status_index(status)], 1);
	sl_count_up(&counters->latencies[sl_latency_index(us)], 1);
	sl_count_up(&counters->latency_sum_us, us);
	if (__atomic_exchange_n(&counters->seconds[place].second, second, __ATOMIC_RELAXED) !=
	    second)
		__atomic_store_n(&counters->seconds[place].requests, 0, __ATOMIC_RELAXED);
	sl_count_up(&counters->seconds[place].requests, 1);
}

static void tell(const struct sl_exchange *exchange, int status, enum sl_code code,
		 enum sl_intake intake, const char *message)
{
	bool ours = status >= 500;

	sl_log_limited(exchange->gateway->log, SL_LOG_CLIENTS, ours ? SL_LOG_ERROR : SL_LOG_WARN,
		       message, SL_STR("trace_id", exchange->trace.trace_id),
		       SL_STR("request_id", exchange->request_id),
		       SL_STR("tenant_id", exchange->who.tenant), SL_NUM("http_status", status),
		       SL_STR("gateway_error_code", sl_code_name(code)),
		       SL_STR("intake_error_code", sl_intake_name(intake)),
		       SL_NUM("conflict_priority_level", sl_code_priority(code, false)));
}

void sl_answer(struct sl_exchange *exchange, const struct sl_answer *answer)
{
	exchange->stage = SL_STAGE_DONE;
	exchange->status = answer->status;
	count(exchange, answer->status);
	exchange->calls->answered(exchange, answer);
}

void sl_answer_json(struct sl_exchange *exchange, int status, struct sl_span body)
{
	sl_answer(exchange,
		  &(struct sl_answer){ .status = status, .content_type = JSON_TYPE, .body = body });
}

/* When there is no memory even for an error. */
#define NO_MEMORY                                                                                  \
	"{\"ok\":false,\"error\":{\"code\":\"internal\",\"message\":\"out of memory\","            \
	"\"intake_error_code\":null,\"details\":{}},"                                              \
	"\"context\":{\"request_id\":\"\",\"trace_id\":\"\",\"tenant_id\":\"\"}}"

void sl_answer_out(struct sl_exchange *exchange, int status)
{
	struct sl_span body;

	if (sl_json_done(&body, &exchange->gateway->out)) {
		status = 500;
		body = SL_SPAN(NO_MEMORY);
	}
	sl_answer_json(exchange, status, body);
}

static int status_of(enum sl_code code)
{
	return sl_code_http_status(sl_span_of(sl_code_name(code)));
}

void sl_answer_failure(struct sl_exchange *exchange, const struct sl_failure *failure)
{
	struct sl_json_out *out = &exchange->gateway->out;
	struct sl_error_body body = {
		.code = failure->code,
		.intake = failure->intake,
		.message = failure->message,
		.details = failure->details,
		.request_id = sl_span_of(exchange->request_id),
		.trace_id = sl_span_of(exchange->trace.trace_id),
		.tenant_id = sl_span_of(exchange->who.tenant),
	};
	struct sl_answer answer = {
		.status = failure->status ? failure->status : status_of(failure->code),
		.content_type = JSON_TYPE,
		.retry_after_s = failure->retry_after_s,
		.close = failure->close,
	};

	sl_json_out_reset(out);
	sl_error_write(out, &body);
	if (sl_json_done(&answer.body, out)) {
		answer.status = 500;
		answer.body = SL_SPAN(NO_MEMORY);
	}
	tell(exchange, answer.status, failure->code, failure->intake, failure->message);
	sl_answer(exchange, &answer);
}

void sl_answer_error(struct sl_exchange *exchange, enum sl_code code, int status,
		     enum sl_intake intake, const char *message)
{
	sl_answer_failure(exchange, &(struct sl_failure){ .code = code,
							  .status = status,
							  .intake = intake,
							  .message = message });
}

void sl_answer_lost(struct sl_exchange *exchange, int status)
{
	const char *message = "the message bus is not connected";

	if (status == -ETIMEDOUT)
		message = "the router did not answer in time";
	else if (status == -EHOSTUNREACH)
		message = "no router is there";
	else if (status == -EBUSY)
		message = "too many requests in flight";
	sl_answer_failure(exchange, &(struct sl_failure){ .code = SL_CODE_UNAVAILABLE,
							  .message = message,
							  .retry_after_s = LOST_RETRY_S });
}

/* ---- the router's word ----------------------------------------------------------------- */

enum {
	OK,
	DECISION,
	CODE,
	MESSAGE,
	INTAKE,
	DETAILS,
	WANTED
};
static const char *const wanted[WANTED] = {
	"ok", "decision", "error.code", "error.message", "error.intake_error_code", "error.details",
};

_Static_assert(WANTED == SL_REPLY_MEMBERS, "a place for each member");

static int is_ok(const struct sl_json_value found[WANTED], const struct sl_exchange *exchange)
{
	enum sl_action action = exchange->match.route->action;
	bool ok = false;

	if (sl_json_bool(&ok, found[OK]))
		return -EINVAL;
	if (ok && found[DECISION].type != SL_JSON_OBJECT &&
	    (action == SL_ACTION_DECIDE || action == SL_ACTION_MESSAGE_CREATE))
		return -EINVAL;
	return ok;
}

void sl_reply_read(struct sl_reply *ret, const struct sl_exchange *exchange, struct sl_span body)
{
	ret->body = body;
	ret->ok = -EINVAL;
	if (!sl_json_pick(ret->found, wanted, WANTED, body, NULL))
		ret->ok = is_ok(ret->found, exchange);
}

static int error_status(const struct sl_json_value found[WANTED])
{
	struct sl_span code;

	return sl_json_plain(&code, found[CODE]) ? 502 : sl_code_http_status(code);
}

int sl_reply_status(const struct sl_reply *reply)
{
	if (reply->ok < 0)
		return 502;
	return reply->ok ? 200 : error_status(reply->found);
}

static void put_or(struct sl_json_out *out, const char *key, struct sl_json_value value,
		   enum sl_json_type type, const char *otherwise)
{
	sl_json_key(out, key);
	sl_json_put_raw(out, value.type == type ? value.raw : sl_span_of(otherwise));
}

static void put_context(struct sl_json_out *out, const struct sl_exchange *exchange)
{
	sl_json_key(out, "context");
	sl_json_open(out, '{');
	sl_json_key(out, "request_id");
	sl_json_put_text(out, sl_span_of(exchange->request_id));
	sl_json_key(out, "trace_id");
	sl_json_put_text(out, sl_span_of(exchange->trace.trace_id));
	sl_json_key(out, "tenant_id");
	sl_json_put_text(out, sl_span_of(exchange->who.tenant));
	sl_json_close(out, '}');
}

static uint32_t retry_after(struct sl_json_value details)
{
	static const char *const names[] = { "retry_after_seconds" };
	struct sl_json_value found = { 0 };
	int64_t seconds;

	if (details.type != SL_JSON_OBJECT || sl_json_pick(&found, names, 1, details.raw, NULL) ||
	    sl_json_integer(&seconds, found) || seconds < 1 || seconds > 3600)
		return OVERLOAD_RETRY_S;
	return (uint32_t)seconds;
}

/* The router's error with its own words, in the contract's form whatever it left out. */
static void answer_refusal(struct sl_exchange *exchange, const struct sl_json_value found[WANTED])
{
	struct sl_json_out *out = &exchange->gateway->out;
	struct sl_answer answer = { .status = error_status(found), .content_type = JSON_TYPE };

	sl_json_out_reset(out);
	sl_json_open(out, '{');
	sl_json_key(out, "ok");
	sl_json_put_bool(out, false);
	sl_json_key(out, "error");
	sl_json_open(out, '{');
	put_or(out, "code", found[CODE], SL_JSON_STRING, "\"internal\"");
	put_or(out, "message", found[MESSAGE], SL_JSON_STRING, "\"the router gave no reason\"");
	put_or(out, "intake_error_code", found[INTAKE], SL_JSON_STRING, "null");
	put_or(out, "details", found[DETAILS], SL_JSON_OBJECT, "{}");
	sl_json_close(out, '}');
	put_context(out, exchange);
	sl_json_close(out, '}');
	if (answer.status == 503 || answer.status == 429)
		answer.retry_after_s = retry_after(found[DETAILS]);
	if (sl_reply_is_overload(found[CODE]))
		answer.retry_after_s = sl_pressure_retry_s(exchange->gateway, answer.retry_after_s);
	if (sl_json_done(&answer.body, out)) {
		answer.status = 500;
		answer.body = SL_SPAN(NO_MEMORY);
	}
	sl_answer(exchange, &answer);
}

void sl_answer_reply(struct sl_exchange *exchange, const struct sl_reply *reply)
{
	if (reply->ok < 0) {
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_JSON_FAILED], 1);
		sl_answer_error(exchange, SL_CODE_INTERNAL, 502, SL_INTAKE_NONE,
				"the router's answer cannot be read");
	} else if (reply->ok) {
		sl_answer_json(exchange, 200, reply->body);
	} else {
		answer_refusal(exchange, reply->found);
	}
}
