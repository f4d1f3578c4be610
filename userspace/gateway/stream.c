/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events. Events of messages come by a subject of each tenant, so that
 * all gateways' streams hear them; results come by one subscription of the worker
 * and are handed to the streams whose filter they pass.
 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"

#define EVENT_SUBJECT	 "sluice.events.v1."
#define EVENT_HEADER	 "event"
#define FRAME_BYTES_MAX	 (2u << 20)
#define HEARTBEAT_MS_MIN 1000
#define HEARTBEAT_MS_MAX 300000

struct sl_stream {
	struct sl_stream *next;
	struct sl_exchange *exchange;
	struct sl_bus_subscription *events;
	bool open; /* the client has seen its first bytes */
	bool results;
	char assignment_id[SL_TEXT_MAX]; /* filters; "": any */
	char provider_id[SL_TEXT_MAX];
	uint64_t heartbeat_ns;
	uint64_t spoke_ns;
};

/* ---- writing ------------------------------------------------------------------------------ */

/* The client left or reads too slowly: let it go. Frees @stream. */
static void close_stream(struct sl_stream *stream)
{
	struct sl_exchange *exchange = stream->exchange;

	sl_stream_free(stream);
	exchange->stream = NULL;
	exchange->stage = SL_STAGE_DONE;
	exchange->calls->stream_closed(exchange);
}

/* False: @stream is no more. */
static bool say(struct sl_stream *stream, struct sl_span frame)
{
	struct sl_exchange *exchange = stream->exchange;
	struct sl_gateway *gateway = exchange->gateway;
	int r = stream->open ? exchange->calls->stream_written(exchange, frame) : 0;

	stream->spoke_ns = sl_gateway_now_ns(gateway);
	if (!r)
		return true;
	if (r == -EAGAIN)
		sl_count_up(&gateway->counters->counts[SL_COUNT_STREAM_SLOW], 1);
	close_stream(stream);
	return false;
}

/* "event: NAME\ndata: JSON\n\n"; JSON of one line, as line ends would end the field. */
static int frame(struct sl_json_out *out, const char *event, size_t event_length,
		 struct sl_span data)
{
	size_t length = sizeof("event: \ndata: \n\n") - 1 + event_length + data.length;
	char *at;

	if (length > FRAME_BYTES_MAX)
		return -EMSGSIZE;
	if (out->size < length) {
		at = realloc(out->at, length);
		if (!at)
			return -ENOMEM;
		out->at = at;
		out->size = length;
	}
	at = out->at;
	at += snprintf(at, length, "event: %.*s\ndata: ", (int)event_length, event);
	for (size_t i = 0; i < data.length; i++)
		*at++ = data.at[i] == '\n' || data.at[i] == '\r' ? ' ' : data.at[i];
	*at++ = '\n';
	*at++ = '\n';
	out->length = (size_t)(at - out->at);
	return 0;
}

/* ---- events of messages ------------------------------------------------------------------------
 */

void sl_event_publish(struct sl_exchange *exchange, const char *event, struct sl_span data)
{
	char token[SL_KEY_MAX], subject[sizeof(EVENT_SUBJECT) + SL_KEY_MAX];
	const struct sl_bus_header headers[] = {
		{ EVENT_HEADER, sl_span_of(event) },
		{ SL_HEADER_TENANT_ID, sl_span_of(exchange->who.tenant) },
		{ SL_HEADER_TRACE_ID, sl_span_of(exchange->trace.trace_id) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
	};

	sl_token(token, sl_span_of(exchange->who.tenant));
	snprintf(subject, sizeof(subject), "%s%s", EVENT_SUBJECT, token);
	/* Events tell who listens now; there is nobody to tell that one was lost. */
	(void)sl_bus_publish(exchange->gateway->bus, subject, NULL, headers,
			     sizeof(headers) / sizeof(headers[0]), data);
}

static void event_came(void *context, const struct sl_bus_message *message)
{
	struct sl_stream *stream = context;
	struct sl_json_out *out = &stream->exchange->gateway->out;
	struct sl_span event = sl_bus_header(message, EVENT_HEADER);
	struct sl_span tenant = sl_bus_header(message, SL_HEADER_TENANT_ID);
	enum sl_json_type type;

	if (!sl_is_identifier(event, 32) || !sl_span_is(tenant, stream->exchange->who.tenant) ||
	    sl_json_check(&type, sl_bus_payload(message), NULL))
		return;
	if (!frame(out, event.at, event.length, sl_bus_payload(message)))
		(void)say(stream, (struct sl_span){ out->at, out->length });
}

/* ---- results
 * --------------------------------------------------------------------------------------- */

enum {
	TENANT,
	ASSIGNMENT,
	PROVIDER,
	KIND,
	DATA,
	RESULT_FIELDS
};

struct result {
	struct sl_json_value fields[RESULT_FIELDS];
	struct sl_span body;
};

/* A bare ExecResult, or what is wrapped in {"kind":"exec_result","data":{...}}. */
static int read_result(struct result *ret, struct sl_span body)
{
	static const char *const names[RESULT_FIELDS] = { "tenant_id", "assignment_id",
							  "provider_id", "kind", "data" };

	ret->body = body;
	if (sl_json_pick(ret->fields, names, RESULT_FIELDS, body, NULL))
		return -EINVAL;
	if (ret->fields[KIND].type != SL_JSON_STRING || ret->fields[DATA].type != SL_JSON_OBJECT)
		return 0;
	ret->body = ret->fields[DATA].raw;
	return sl_json_pick(ret->fields, names, RESULT_FIELDS, ret->body, NULL);
}

static bool is_text(struct sl_json_value value, const char *text)
{
	char said[SL_TEXT_MAX];
	size_t length;

	return !sl_json_text(said, sizeof(said), &length, value) && !strcmp(said, text);
}

/* The header's tenant wins over the payload's. */
static bool passes(const struct sl_stream *stream, const struct result *result,
		   struct sl_span tenant)
{
	const char *own = stream->exchange->who.tenant;

	if (!stream->results)
		return false;
	if (tenant.length ? !sl_span_is(tenant, own) : !is_text(result->fields[TENANT], own))
		return false;
	if (stream->assignment_id[0] && !is_text(result->fields[ASSIGNMENT], stream->assignment_id))
		return false;
	return !stream->provider_id[0] || is_text(result->fields[PROVIDER], stream->provider_id);
}

static void result_came(void *context, const struct sl_bus_message *message)
{
	struct sl_gateway *gateway = context;
	struct sl_json_out *out = &gateway->out;
	struct result result;

	if (read_result(&result, sl_bus_payload(message)) ||
	    frame(out, "result", sizeof("result") - 1, result.body))
		return;
	for (struct sl_stream *stream = gateway->streams, *next; stream; stream = next) {
		next = stream->next;
		if (passes(stream, &result, sl_bus_header(message, SL_HEADER_TENANT_ID)))
			(void)say(stream, (struct sl_span){ out->at, out->length });
	}
}

/* ---- opening
 * ------------------------------------------------------------------------------------------- */

static void refuse(struct sl_exchange *exchange, enum sl_code code, int status, const char *message)
{
	sl_answer_failure(exchange, &(struct sl_failure){ .code = code,
							  .status = status,
							  .message = message,
							  .retry_after_s = status == 503 ? 5 : 0 });
}

/* A tenant_id that is there and the caller's own. */
static bool judge_tenant(struct sl_exchange *exchange)
{
	char tenant[SL_TEXT_MAX];

	if (sl_query_value(tenant, sizeof(tenant), exchange->call.query, "tenant_id") ||
	    !sl_is_identifier(sl_span_of(tenant), SL_IDENTIFIER_MAX)) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "tenant_id is wanted");
		return false;
	}
	if (!exchange->who.tenant[0] && !exchange->who.authenticated)
		snprintf(exchange->who.tenant, sizeof(exchange->who.tenant), "%s", tenant);
	if (strcmp(tenant, exchange->who.tenant) != 0) {
		refuse(exchange, SL_CODE_UNAUTHORIZED, 403, "tenant_id is not the caller's tenant");
		return false;
	}
	return true;
}

static bool read_filter(char text[SL_TEXT_MAX], const struct sl_exchange *exchange,
			const char *name)
{
	int r = sl_query_value(text, SL_TEXT_MAX, exchange->call.query, name);

	return r == -ENOENT ||
	       (!r && (!text[0] || sl_is_identifier(sl_span_of(text), SL_IDENTIFIER_MAX)));
}

static bool read_heartbeat(uint64_t *ret_ns, const struct sl_exchange *exchange)
{
	char text[16], *end;
	unsigned long ms;
	int r = sl_query_value(text, sizeof(text), exchange->call.query, "heartbeat_ms");

	*ret_ns = exchange->gateway->settings->streams.heartbeat_ns;
	if (r == -ENOENT)
		return true;
	if (r || text[0] < '0' || text[0] > '9')
		return false;
	ms = strtoul(text, &end, 10);
	if (*end)
		return false;
	if (ms < HEARTBEAT_MS_MIN)
		ms = HEARTBEAT_MS_MIN;
	*ret_ns = (ms > HEARTBEAT_MS_MAX ? HEARTBEAT_MS_MAX : ms) * 1000000;
	return true;
}

static int subscribe(struct sl_stream *stream)
{
	struct sl_gateway *gateway = stream->exchange->gateway;
	char token[SL_KEY_MAX], subject[sizeof(EVENT_SUBJECT) + SL_KEY_MAX];

	if (stream->results)
		return gateway->results
			       ? 0
			       : sl_bus_subscribe(&gateway->results, gateway->bus,
						  gateway->settings->streams.result_subject, NULL,
						  result_came, gateway);
	sl_token(token, sl_span_of(stream->exchange->who.tenant));
	snprintf(subject, sizeof(subject), "%s%s", EVENT_SUBJECT, token);
	return sl_bus_subscribe(&stream->events, gateway->bus, subject, NULL, event_came, stream);
}

/* Our subscription is with the server: what happens from now on is heard. */
static void subscribed(void *context, int status)
{
	struct sl_exchange *exchange = sl_ticket_end(context);
	struct sl_stream *stream = exchange ? exchange->stream : NULL;
	struct sl_gateway *gateway;

	if (!stream)
		return;
	gateway = exchange->gateway;
	if (status) {
		sl_stream_free(stream);
		exchange->stream = NULL;
		sl_answer_lost(exchange, -ENOTCONN);
		return;
	}
	stream->open = true;
	exchange->stage = SL_STAGE_STREAM;
	exchange->status = 200;
	sl_count_up(&gateway->counters->requests[exchange->match.index][sl_status_index(200)], 1);
	if (exchange->calls->stream_opened(exchange, SL_SPAN(": connected\n\n")))
		close_stream(stream);
}

/* Takes @stream over, whatever comes of it. */
static void open_stream(struct sl_stream *stream)
{
	struct sl_exchange *exchange = stream->exchange;
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_ticket *ticket = sl_ticket_take(exchange);

	stream->next = gateway->streams;
	gateway->streams = stream;
	gateway->stream_count++;
	stream->spoke_ns = sl_gateway_now_ns(gateway);
	exchange->stream = stream;
	if (!ticket)
		sl_answer_lost(exchange, -ENOTCONN);
	else if (subscribe(stream) ||
		 sl_bus_flush(gateway->bus, SL_STORE_TIMEOUT_MS, subscribed, ticket))
		subscribed(ticket, -ENOTCONN);
}

void sl_do_stream(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	sl_autofree struct sl_stream *stream = NULL;

	if (!judge_tenant(exchange))
		return;
	stream = calloc(1, sizeof(*stream));
	if (!stream || gateway->draining ||
	    gateway->stream_count >= gateway->settings->streams.count_max) {
		refuse(exchange, SL_CODE_UNAVAILABLE, 503, "too many streams are open");
		return;
	}
	stream->exchange = exchange;
	stream->results = exchange->match.route->action == SL_ACTION_RESULT_STREAM;
	if (stream->results && !gateway->settings->streams.results) {
		refuse(exchange, SL_CODE_UNAVAILABLE, 503, "streams of results are switched off");
		return;
	}
	if (!read_filter(stream->assignment_id, exchange, "assignment_id") ||
	    !read_filter(stream->provider_id, exchange, "provider_id") ||
	    !read_heartbeat(&stream->heartbeat_ns, exchange)) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "the query cannot be read");
		return;
	}
	open_stream(SL_TAKE_PTR(stream));
}

/* ---- the end, and while nothing happens
 * ------------------------------------------------------------------- */

void sl_stream_free(struct sl_stream *stream)
{
	struct sl_gateway *gateway = stream->exchange->gateway;
	struct sl_stream **at = &gateway->streams;

	while (*at && *at != stream)
		at = &(*at)->next;
	if (*at) {
		*at = stream->next;
		gateway->stream_count--;
	}
	sl_bus_unsubscribe(stream->events);
	free(stream);
	if (!gateway->streams && gateway->results) {
		sl_bus_unsubscribe(gateway->results);
		gateway->results = NULL;
	}
}

void sl_streams_tick(struct sl_gateway *gateway, uint64_t now_ns)
{
	for (struct sl_stream *stream = gateway->streams, *next; stream; stream = next) {
		next = stream->next;
		if (now_ns - stream->spoke_ns + 500000000 >= stream->heartbeat_ns)
			(void)say(stream, SL_SPAN(": heartbeat\n\n"));
	}
}

void sl_streams_close(struct sl_gateway *gateway)
{
	for (struct sl_stream *stream = gateway->streams, *next; stream; stream = next) {
		next = stream->next;
		/* One that is being opened is refused when it comes to that. */
		if (stream->open)
			close_stream(stream);
	}
}
