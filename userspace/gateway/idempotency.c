/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same key twice: the first makes a record in the store, later ones read it.
 *
 *   {"digest": of the body, "status": 0}               under way
 *   {"digest": ..., "status": 200, "body": the answer}  done
 *
 * Who finds one under way looks again until it is done, and asks the router, which
 * knows the key as well, when that takes too long. Without the store everybody does.
 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>

#define LOOK_AGAIN_MS 100

static void count_up(struct sl_exchange *exchange, enum sl_gateway_count which)
{
	sl_count_up(&exchange->gateway->counters->counts[which], 1);
}

static void name_record(struct sl_exchange *exchange, struct sl_span key)
{
	char tenant[SL_KEY_MAX], hashed[SL_KEY_MAX];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct sl_idempotent *idempotent = &exchange->idempotent;

	sl_token(tenant, sl_span_of(exchange->who.tenant));
	sl_token(hashed, key);
	snprintf(idempotent->key, sizeof(idempotent->key), "%s.%s", tenant, hashed);
	SHA256((const uint8_t *)exchange->body.at, exchange->body.length, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(idempotent->digest + 2 * i, 3, "%02x", digest[i]);
}

static int write_record(struct sl_span *ret, struct sl_exchange *exchange, int status,
			struct sl_span body)
{
	struct sl_json_out *wire = &exchange->gateway->wire;

	sl_json_out_reset(wire);
	sl_json_open(wire, '{');
	sl_json_key(wire, "digest");
	sl_json_put_text(wire, sl_span_of(exchange->idempotent.digest));
	sl_json_key(wire, "status");
	sl_json_put_integer(wire, status);
	if (status) {
		sl_json_key(wire, "body");
		sl_json_put_raw(wire, body);
	}
	sl_json_close(wire, '}');
	return sl_json_done(ret, wire);
}

/* The store is no help: the router still knows what it answered before. */
static void go_without(struct sl_exchange *exchange)
{
	exchange->idempotent.active = false;
	count_up(exchange, SL_COUNT_IDEMPOTENCY_LOST);
	sl_decide_send(exchange);
}

static void look(struct sl_exchange *exchange);

static void look_again(struct sl_loop_timer *timer)
{
	struct sl_exchange *exchange = timer->context;

	sl_idempotency_stop(exchange);
	look(exchange);
}

static void found(struct sl_exchange *exchange, struct sl_span record)
{
	static const char *const names[] = { "digest", "status", "body" };
	struct sl_json_value values[3];
	struct sl_loop *loop = exchange->gateway->loop;
	struct sl_span digest;
	int64_t status;

	if (sl_json_pick(values, names, 3, record, NULL) || sl_json_plain(&digest, values[0]) ||
	    sl_json_integer(&status, values[1])) {
		go_without(exchange);
		return;
	}
	if (!sl_span_is(digest, exchange->idempotent.digest)) {
		sl_answer_error(exchange, SL_CODE_CONFLICT, 409, SL_INTAKE_NONE,
				"the idempotency key was used with another body");
		return;
	}
	if (status == 200 && values[2].type == SL_JSON_OBJECT) {
		count_up(exchange, SL_COUNT_IDEMPOTENCY_HIT);
		sl_answer_json(exchange, 200, values[2].raw);
		return;
	}
	if (sl_gateway_now_ns(exchange->gateway) >= exchange->idempotent.until_ns ||
	    loop->timer_set(loop, &exchange->idempotent.again, LOOK_AGAIN_MS))
		go_without(exchange);
}

static void got(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct sl_exchange *exchange = sl_ticket_end(context);

	(void)sequence;
	if (!exchange)
		return;
	if (status)
		go_without(exchange);
	else
		found(exchange, sl_bus_payload(message));
}

static void look(struct sl_exchange *exchange)
{
	struct sl_ticket *ticket = sl_ticket_take(exchange);

	if (!ticket) {
		go_without(exchange);
		return;
	}
	if (sl_kv_get(exchange->gateway->bus, SL_BUCKET_IDEMPOTENCY, exchange->idempotent.key,
		      SL_STORE_TIMEOUT_MS, got, ticket)) {
		sl_ticket_end(ticket);
		go_without(exchange);
	}
}

static void made(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_exchange *exchange = sl_ticket_end(context);

	(void)ack;
	if (!exchange)
		return;
	if (status == -EEXIST) {
		look(exchange);
	} else if (status) {
		go_without(exchange);
	} else {
		exchange->idempotent.active = true;
		count_up(exchange, SL_COUNT_IDEMPOTENCY_MISS);
		sl_decide_send(exchange);
	}
}

void sl_idempotency_begin(struct sl_exchange *exchange, struct sl_span key)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_span record;
	struct sl_ticket *ticket;

	name_record(exchange, key);
	exchange->idempotent.until_ns =
		sl_gateway_now_ns(gateway) + gateway->settings->router.timeout_ns;
	exchange->idempotent.again =
		(struct sl_loop_timer){ .fire = look_again, .context = exchange };
	ticket = gateway->store_ready[SL_STORE_IDEMPOTENCY] ? sl_ticket_take(exchange) : NULL;
	if (!ticket) {
		go_without(exchange);
		return;
	}
	if (write_record(&record, exchange, 0, (struct sl_span){ 0 }) ||
	    sl_kv_update(gateway->bus, SL_BUCKET_IDEMPOTENCY, exchange->idempotent.key, record, 0,
			 SL_STORE_TIMEOUT_MS, made, ticket)) {
		sl_ticket_end(ticket);
		go_without(exchange);
	}
}

static void stored(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_worker_counters *counters = context;

	(void)ack;
	if (status)
		sl_count_up(&counters->counts[SL_COUNT_IDEMPOTENCY_LOST], 1);
}

/* Nobody waits for these: a record that is not written is asked of the router. */
void sl_idempotency_end(struct sl_exchange *exchange, int status, struct sl_span reply)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_span record;

	if (!exchange->idempotent.active)
		return;
	exchange->idempotent.active = false;
	if (status == 200 && !write_record(&record, exchange, status, reply))
		(void)sl_kv_put(gateway->bus, SL_BUCKET_IDEMPOTENCY, exchange->idempotent.key,
				record, SL_STORE_TIMEOUT_MS, stored, gateway->counters);
	else
		(void)sl_kv_delete(gateway->bus, SL_BUCKET_IDEMPOTENCY, exchange->idempotent.key,
				   SL_STORE_TIMEOUT_MS, stored, gateway->counters);
}

void sl_idempotency_stop(struct sl_exchange *exchange)
{
	struct sl_loop *loop = exchange->gateway->loop;

	if (exchange->idempotent.again.backend)
		loop->timer_clear(loop, &exchange->idempotent.again);
}
