/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/store.h"

#include <errno.h>
#include <stdlib.h>

#define LIST_BYTES_MAX (4u << 20)

/* A call under way. It outlives an exchange that is cancelled. */
struct call {
	struct sl_ticket *ticket;
	sl_store_got *done;
};

void sl_store_answer_lost(struct sl_exchange *exchange, int status)
{
	const char *message = "the store is not there";

	if (status == -ETIMEDOUT)
		message = "the store did not answer in time";
	else if (status == -EMSGSIZE || status == -EFBIG)
		message = "too large for the store";
	sl_answer_failure(exchange, &(struct sl_failure){ .code = SL_CODE_UNAVAILABLE,
							  .status = 503,
							  .message = message,
							  .retry_after_s = 1 });
}

static struct call *begin(struct sl_exchange *exchange, sl_store_got *done)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->done = done;
	call->ticket = sl_ticket_take(exchange);
	if (call->ticket)
		return call;
	free(call);
	return NULL;
}

static void end(struct call *call, int status, struct sl_span value, uint64_t revision)
{
	struct sl_exchange *exchange = sl_ticket_end(call->ticket);
	sl_store_got *done = call->done;

	free(call);
	if (exchange)
		done(exchange, status, value, revision);
}

static void got(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct sl_span value = { 0 };

	if (!status)
		value = sl_bus_payload(message);
	end(context, status, value, sequence);
}

static void published(void *context, int status, const struct sl_js_published *ack)
{
	end(context, status, (struct sl_span){ 0 }, ack ? ack->sequence : 0);
}

/* Of a call that was not even made. */
static void check(struct sl_exchange *exchange, struct call *call, int r)
{
	if (call && r)
		end(call, r, (struct sl_span){ 0 }, 0);
	else if (!call)
		sl_store_answer_lost(exchange, -ENOMEM);
}

void sl_store_get(struct sl_exchange *exchange, const char *bucket, const char *key,
		  sl_store_got *done)
{
	struct call *call = begin(exchange, done);

	check(exchange, call,
	      call ? sl_kv_get(exchange->gateway->bus, bucket, key, SL_STORE_TIMEOUT_MS, got, call)
		   : 0);
}

void sl_store_put(struct sl_exchange *exchange, const char *bucket, const char *key,
		  struct sl_span value, sl_store_got *done)
{
	struct call *call = begin(exchange, done);

	check(exchange, call,
	      call ? sl_kv_put(exchange->gateway->bus, bucket, key, value, SL_STORE_TIMEOUT_MS,
			       published, call)
		   : 0);
}

void sl_store_update(struct sl_exchange *exchange, const char *bucket, const char *key,
		     struct sl_span value, uint64_t revision, sl_store_got *done)
{
	struct call *call = begin(exchange, done);

	check(exchange, call,
	      call ? sl_kv_update(exchange->gateway->bus, bucket, key, value, revision,
				  SL_STORE_TIMEOUT_MS, published, call)
		   : 0);
}

void sl_store_delete(struct sl_exchange *exchange, const char *bucket, const char *key,
		     sl_store_got *done)
{
	struct call *call = begin(exchange, done);

	check(exchange, call,
	      call ? sl_kv_delete(exchange->gateway->bus, bucket, key, SL_STORE_TIMEOUT_MS,
				  published, call)
		   : 0);
}

/* ---- lists ------------------------------------------------------------------------------ */

struct list {
	struct sl_ticket *ticket;
	struct sl_json_out out;
	int64_t count;
};

static void list_free(struct list *list)
{
	sl_json_out_free(&list->out);
	free(list);
}

static void each(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct list *list = context;
	enum sl_json_type type;

	(void)sequence;
	if (status || !list->ticket->exchange ||
	    sl_json_check(&type, sl_bus_payload(message), NULL) || type != SL_JSON_OBJECT)
		return;
	sl_json_put_raw(&list->out, sl_bus_payload(message));
	list->count++;
}

static void listed(void *context, int status)
{
	struct list *list = context;
	struct sl_exchange *exchange = sl_ticket_end(list->ticket);
	struct sl_span body;

	sl_json_close(&list->out, ']');
	sl_json_key(&list->out, "count");
	sl_json_put_integer(&list->out, list->count);
	sl_json_close(&list->out, '}');
	if (exchange && status)
		sl_store_answer_lost(exchange, status);
	else if (exchange && sl_json_done(&body, &list->out))
		sl_store_answer_lost(exchange, -EFBIG);
	else if (exchange)
		sl_answer_json(exchange, 200, body);
	list_free(list);
}

void sl_store_list(struct sl_exchange *exchange, const char *bucket, const char *filter,
		   const char *items, uint32_t max)
{
	struct list *list = calloc(1, sizeof(*list));
	int r;

	if (!list || !(list->ticket = sl_ticket_take(exchange))) {
		free(list);
		sl_store_answer_lost(exchange, -ENOMEM);
		return;
	}
	list->out = SL_JSON_OUT(LIST_BYTES_MAX);
	sl_json_open(&list->out, '{');
	sl_json_key(&list->out, items);
	sl_json_open(&list->out, '[');
	r = sl_kv_list(exchange->gateway->bus, bucket, filter, max, SL_STORE_TIMEOUT_MS, each,
		       listed, list);
	if (!r)
		return;
	sl_ticket_end(list->ticket);
	list_free(list);
	sl_store_answer_lost(exchange, r);
}
