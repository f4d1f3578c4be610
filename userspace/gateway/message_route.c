/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recent messages of a tenant, kept in the store by <tenant>.<message>, both hashed:
 * identifiers hold characters that keys may not.
 */
#include "userspace/base/clock.h"
#include "userspace/gateway/store.h"

#include <errno.h>
#include <stdio.h>

#define LIST_MAX 100

static void refuse(struct sl_exchange *exchange, enum sl_code code, int status, const char *message)
{
	sl_answer_error(exchange, code, status, SL_INTAKE_NONE, message);
}

static void key_of(char key[SL_STORE_KEY_MAX], const struct sl_exchange *exchange,
		   struct sl_span message_id)
{
	char tenant[SL_KEY_MAX], message[SL_KEY_MAX];

	sl_token(tenant, sl_span_of(exchange->who.tenant));
	sl_token(message, message_id);
	snprintf(key, SL_STORE_KEY_MAX, "%s.%s", tenant, message);
}

static void put_member(struct sl_json_out *out, const char *name, struct sl_span text)
{
	sl_json_key(out, name);
	sl_json_put_text(out, text);
}

/* ---- made by a decision --------------------------------------------------------------------- */

/* The message's own id, else the request's. */
static struct sl_span id_of(const struct sl_exchange *exchange)
{
	static const char *const names[] = { "message_id" };
	const struct sl_decide *decide = &exchange->decide;
	struct sl_json_value found = { 0 };
	struct sl_span id;

	if (decide->message.type == SL_JSON_OBJECT)
		(void)sl_json_pick(&found, names, 1, decide->message.raw, NULL);
	if (!sl_json_plain(&id, found) && sl_is_identifier(id, SL_IDENTIFIER_MAX))
		return id;
	if (!sl_json_plain(&id, decide->message_id) && sl_is_identifier(id, SL_IDENTIFIER_MAX))
		return id;
	return sl_span_of(exchange->request_id);
}

static int describe(struct sl_span *ret, struct sl_exchange *exchange, struct sl_span id,
		    struct sl_span reply)
{
	static const char *const names[] = { "decision" };
	struct sl_json_out *wire = &exchange->gateway->wire;
	struct sl_json_value decision = { 0 };
	char ts[32];

	(void)sl_json_pick(&decision, names, 1, reply, NULL);
	sl_json_out_reset(wire);
	sl_json_open(wire, '{');
	put_member(wire, "message_id", id);
	put_member(wire, "tenant_id", sl_span_of(exchange->who.tenant));
	put_member(wire, "request_id", sl_span_of(exchange->request_id));
	put_member(wire, "trace_id", sl_span_of(exchange->trace.trace_id));
	put_member(wire, "status", SL_SPAN("accepted"));
	if (exchange->decide.message.type == SL_JSON_OBJECT) {
		sl_json_key(wire, "message");
		sl_json_put_raw(wire, exchange->decide.message.raw);
	}
	if (decision.type == SL_JSON_OBJECT) {
		sl_json_key(wire, "decision");
		sl_json_put_raw(wire, decision.raw);
	}
	put_member(wire, "ts", sl_timestamp(ts, sl_unix_ms()));
	sl_json_close(wire, '}');
	return sl_json_done(ret, wire);
}

static void kept(void *context, int status, const struct sl_js_published *ack)
{
	(void)context;
	(void)status; /* the decision was made; the list of recent ones may lack it */
	(void)ack;
}

void sl_message_accepted(struct sl_exchange *exchange, struct sl_span reply)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_span id = id_of(exchange), value;
	char key[SL_STORE_KEY_MAX];

	if (describe(&value, exchange, id, reply))
		return;
	key_of(key, exchange, id);
	if (gateway->store_ready[SL_STORE_MESSAGES])
		(void)sl_kv_put(gateway->bus, SL_BUCKET_MESSAGES, key, value, SL_STORE_TIMEOUT_MS,
				kept, NULL);
	sl_event_publish(exchange, "message_created", value);
}

/* ---- get, put, delete --------------------------------------------------------------------------
 */

static void got(struct sl_exchange *exchange, int status, struct sl_span value, uint64_t revision)
{
	(void)revision;
	if (status && status != -ENOENT)
		sl_store_answer_lost(exchange, status);
	else if (status)
		refuse(exchange, SL_CODE_NOT_FOUND, 404, "no such message");
	else
		sl_answer_json(exchange, 200, value);
}

static void put(struct sl_exchange *exchange, int status, struct sl_span value, uint64_t revision)
{
	(void)status; /* the contract asks for the echo and the event alone */
	(void)value;
	(void)revision;
	sl_event_publish(exchange, "message_updated", exchange->body);
	sl_answer_json(exchange, 200, exchange->body);
}

static void put_deleted(struct sl_json_out *out, const struct sl_exchange *exchange)
{
	sl_json_out_reset(out);
	sl_json_open(out, '{');
	put_member(out, "status", SL_SPAN("deleted"));
	put_member(out, "message_id", exchange->match.parameters[0]);
	sl_json_close(out, '}');
}

static void deleted(struct sl_exchange *exchange, int status, struct sl_span value,
		    uint64_t revision)
{
	struct sl_json_out *wire = &exchange->gateway->wire;
	struct sl_span event;

	(void)status; /* gone is gone, and without a store nothing is kept */
	(void)value;
	(void)revision;
	put_deleted(wire, exchange);
	if (!sl_json_done(&event, wire))
		sl_event_publish(exchange, "message_deleted", event);
	put_deleted(&exchange->gateway->out, exchange);
	sl_answer_out(exchange, 200);
}

/* True: the body may be stored under the path's id. */
static bool judge_put(struct sl_exchange *exchange)
{
	static const char *const names[] = { "message_id" };
	struct sl_json_value named = { 0 };
	char id[SL_TEXT_MAX];
	size_t length;

	if (sl_json_pick(&named, names, 1, exchange->body, NULL)) {
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_JSON_FAILED], 1);
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "the body is not a JSON object");
		return false;
	}
	if (named.type == SL_JSON_ABSENT)
		return true;
	if (sl_json_text(id, sizeof(id), &length, named) ||
	    !sl_span_equal((struct sl_span){ id, length }, exchange->match.parameters[0])) {
		refuse(exchange, SL_CODE_CONFLICT, 409, "message_id is not the path's");
		return false;
	}
	return true;
}

void sl_do_message(struct sl_exchange *exchange)
{
	struct sl_span id = exchange->match.parameters[0];
	enum sl_action action = exchange->match.route->action;
	char key[SL_STORE_KEY_MAX];

	if (!exchange->who.tenant[0]) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "X-Tenant-ID is wanted");
		return;
	}
	if (action == SL_ACTION_MESSAGE_LIST) {
		sl_token(key, sl_span_of(exchange->who.tenant));
		memcpy(key + SL_KEY_MAX - 1, ".*", sizeof(".*"));
		sl_store_list(exchange, SL_BUCKET_MESSAGES, key, "messages", LIST_MAX);
		return;
	}
	if (!sl_is_identifier(id, SL_IDENTIFIER_MAX)) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400,
		       "message_id: 1 to 128 printable characters are wanted");
		return;
	}
	key_of(key, exchange, id);
	if (action == SL_ACTION_MESSAGE_GET)
		sl_store_get(exchange, SL_BUCKET_MESSAGES, key, got);
	else if (action == SL_ACTION_MESSAGE_DELETE)
		sl_store_delete(exchange, SL_BUCKET_MESSAGES, key, deleted);
	else if (judge_put(exchange))
		sl_store_put(exchange, SL_BUCKET_MESSAGES, key, exchange->body, put);
}
