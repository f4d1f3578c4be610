// SPDX-License-Identifier: Apache-2.0
/*
 * Decisions asked for again: from memory; from the shared bucket; from the other
 * routers, since not every decision is shared.
 */
#include <errno.h>
#include <string.h>

#include "userspace/router/router_private.h"

#define REPLY_BYTES	256
#define QUERY_BYTES_MAX 4096u
#define SHARED_MS	1000u
#define PEERS_MS	250u

struct query {
	struct sl_router *router;
	char reply[REPLY_BYTES];
	char tenant[SL_IDENTIFIER_MAX + 1];
	char name[SL_IDENTIFIER_MAX + 1];
	struct sl_trace trace;
	bool by_request; /* the bucket was asked by message id before */
};

static struct sl_span look(struct sl_router *router, const char *tenant, const char *name)
{
	struct sl_idempotency *decisions = router->core->decisions;
	static const char kinds[] = { 'm', 'r' };
	struct sl_span answer = { NULL, 0 };

	for (size_t i = 0; i < sizeof(kinds) && !answer.length; i++)
		answer = sl_idempotency_answer(decisions,
					       sl_idempotency_key(decisions, kinds[i],
								  sl_span_of(tenant),
								  sl_span_of(name)),
					       sl_router_now(router));
	return answer;
}

static void copy(char *buffer, size_t size, struct sl_span text)
{
	if (text.length && text.length < size) {
		memcpy(buffer, text.at, text.length);
		buffer[text.length] = '\0';
	}
}

/* {message_id, tenant_id?}; the header's tenant wins. False: not such a query. */
static bool read_query(struct query *ret, struct sl_router *router,
		       const struct sl_bus_message *message)
{
	static const char *const wanted[] = { "message_id", "request_id", "tenant_id" };
	const struct sl_span body = sl_bus_payload(message);
	struct sl_json_value found[3];
	size_t length;

	ret->router = router;
	copy(ret->reply, sizeof(ret->reply), sl_bus_reply(message));
	sl_router_trace(&ret->trace, router, message, "");
	copy(ret->tenant, sizeof(ret->tenant), sl_bus_header(message, SL_HEADER_TENANT_ID));
	if (body.length > QUERY_BYTES_MAX || sl_json_pick(found, wanted, 3, body, NULL) != 0)
		return false;
	if (found[0].type != SL_JSON_STRING)
		found[0] = found[1];
	if (!ret->tenant[0])
		(void)sl_json_text(ret->tenant, sizeof(ret->tenant), &length, found[2]);
	return sl_json_text(ret->name, sizeof(ret->name), &length, found[0]) == 0 && ret->name[0];
}

/* ---- answers -------------------------------------------------------------------------------- */

static void refuse(struct query *query, enum sl_code code, enum sl_intake intake, const char *why)
{
	struct sl_router *router = query->router;
	const struct sl_error_body body = {
		.code = code,
		.intake = intake,
		.message = why,
		.request_id = sl_span_of(query->name),
		.trace_id = sl_span_of(query->trace.trace_id),
		.tenant_id = sl_span_of(query->tenant),
	};
	struct sl_span text;

	router->counts.refused[SL_INTAKE_GET_DECISION]++;
	sl_json_out_reset(&router->answer);
	sl_error_write(&router->answer, &body);
	if (query->reply[0] && sl_json_done(&text, &router->answer) == 0)
		sl_intake_respond(router, query->reply, &query->trace, query->tenant, text);
}

static void give(struct query *query, struct sl_span answer)
{
	query->router->counts.accepted[SL_INTAKE_GET_DECISION]++;
	if (query->reply[0])
		sl_intake_respond(query->router, query->reply, &query->trace, query->tenant,
				  answer);
}

/* ---- the long way ------------------------------------------------------------------------------
 */

static void peer_answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct query *query = context;

	if (status == -ECANCELED)
		return;
	if (status)
		refuse(query, SL_CODE_NOT_FOUND, SL_INTAKE_NONE, "there is no such decision");
	else
		give(query, sl_bus_payload(reply));
}

static void ask_peers(struct query *query)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(QUERY_BYTES_MAX);
	struct sl_router *router = query->router;
	struct sl_out_headers headers;
	struct sl_span text;
	int err;

	sl_json_open(&out, '{');
	sl_fields_put_text(&out, "message_id", query->name);
	sl_json_close(&out, '}');
	sl_out_headers(&headers, &query->trace, query->tenant);
	err = sl_json_done(&text, &out);
	if (!err)
		err = sl_bus_request(NULL, router->bus, SL_SUBJECT_PEERS, headers.at, headers.count,
				     text, PEERS_MS, peer_answered, query);
	if (err)
		peer_answered(query, err, NULL);
}

static void ask_bucket(struct query *query, char kind);

static void bucket_answered(void *context, int status, const struct sl_bus_message *message,
			    uint64_t sequence)
{
	struct query *query = context;
	struct sl_shared_record record;

	(void)sequence;
	if (status == -ECANCELED) {
		free(query);
		return;
	}
	if (status == 0 && sl_shared_read(&record, sl_bus_payload(message)) == 0) {
		give(query, record.answer);
		free(query);
	} else if (!query->by_request) {
		query->by_request = true;
		ask_bucket(query, 'r');
	} else {
		ask_peers(query);
	}
}

static void ask_bucket(struct query *query, char kind)
{
	char key[SL_SHARED_KEY_BYTES];

	(void)sl_shared_key(key, kind, query->tenant, query->name);
	if (sl_kv_get(query->router->bus, SL_BUCKET_DECISIONS, key, SHARED_MS, bucket_answered,
		      query) != 0)
		ask_peers(query);
}

void sl_found_get(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	struct query query = { .router = router };
	const bool good = read_query(&query, router, message);
	const struct sl_span answer =
		good ? look(router, query.tenant, query.name) : (struct sl_span){ NULL, 0 };
	struct query *waiting;

	if (!good) {
		refuse(&query, SL_CODE_INVALID_REQUEST, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
		       "message_id must be a string of 1 to 128 characters");
		return;
	}
	if (answer.length) {
		give(&query, answer);
		return;
	}
	waiting = malloc(sizeof(*waiting));
	if (!waiting) {
		refuse(&query, SL_CODE_INTERNAL, SL_INTAKE_INTERNAL_VALIDATION_ERROR,
		       "out of memory");
		return;
	}
	*waiting = query;
	if (sl_shared_on(router))
		ask_bucket(waiting, 'm');
	else
		ask_peers(waiting);
}

/* Only who knows it answers. */
void sl_found_peer(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	struct query query = { .router = router };
	struct sl_span answer;

	if (!read_query(&query, router, message) || !query.reply[0])
		return;
	answer = look(router, query.tenant, query.name);
	if (answer.length)
		sl_intake_respond(router, query.reply, &query.trace, query.tenant, answer);
}
