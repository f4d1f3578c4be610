// SPDX-License-Identifier: Apache-2.0
/* Publish with an answer, and acks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream_private.h"

#define ID_HEADER    "Nats-Msg-Id"
#define DELAY_MS_MAX 86400000u

struct stored {
	struct sl_bus *bus;
	sl_js_published_fn *done;
	void *context;
};

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct stored *stored = context;
	struct sl_js_published published;
	struct sl_js_reply answer;

	status = sl_js_status(stored->bus, status, reply, &answer);
	if (answer.error_code == SL_JS_WRONG_SEQUENCE)
		status = -EEXIST;
	if (!status)
		status = sl_js_parse_published(&published, sl_bus_payload(reply));
	stored->done(stored->context, status, status ? NULL : &published);
}

int sl_js_store(struct sl_bus *bus, const char *subject, const struct sl_bus_header *more,
		size_t more_count, const struct sl_bus_header *headers, size_t count,
		struct sl_span payload, uint32_t timeout_ms, sl_js_published_fn *done,
		void *context)
{
	struct sl_bus_header all[SL_JS_HEADERS_MAX];
	sl_autofree struct stored *stored = NULL;
	int ret;

	if (more_count + count > SL_JS_HEADERS_MAX)
		return -E2BIG;
	stored = malloc(sizeof(*stored));
	if (!stored)
		return -ENOMEM;
	*stored = (struct stored){ bus, done, context };
	if (more_count)
		memcpy(all, more, more_count * sizeof(*all));
	if (count)
		memcpy(all + more_count, headers, count * sizeof(*all));
	ret = sl_bus_request(NULL, bus, subject, all, more_count + count, payload, timeout_ms,
			     answered, stored);
	if (!ret)
		stored = NULL;
	return ret;
}

int sl_js_publish(struct sl_bus *bus, const char *subject, const char *id,
		  const struct sl_bus_header *headers, size_t count, struct sl_span payload,
		  uint32_t timeout_ms, sl_js_published_fn *done, void *context)
{
	const struct sl_bus_header with_id = { ID_HEADER, sl_span_of(id) };

	return sl_js_store(bus, subject, &with_id, id ? 1 : 0, headers, count, payload, timeout_ms,
			   done, context);
}

/* ---- acks ------------------------------------------------------------------------------ */

static int acknowledge(struct sl_bus *bus, const struct sl_js_token *token, const char *what)
{
	return sl_bus_publish(bus, token->subject, NULL, NULL, 0, sl_span_of(what));
}

int sl_js_ack(struct sl_bus *bus, const struct sl_js_token *token)
{
	return acknowledge(bus, token, "+ACK");
}

int sl_js_in_progress(struct sl_bus *bus, const struct sl_js_token *token)
{
	return acknowledge(bus, token, "+WPI");
}

int sl_js_term(struct sl_bus *bus, const struct sl_js_token *token)
{
	return acknowledge(bus, token, "+TERM");
}

int sl_js_nak(struct sl_bus *bus, const struct sl_js_token *token, uint64_t delay_ms)
{
	char text[64];

	if (!delay_ms)
		return acknowledge(bus, token, "-NAK");
	if (delay_ms > DELAY_MS_MAX)
		delay_ms = DELAY_MS_MAX;
	(void)snprintf(text, sizeof(text), "-NAK {\"delay\": %llu}",
		       (unsigned long long)(delay_ms * SL_NS_PER_MS));
	return acknowledge(bus, token, text);
}

struct acked {
	sl_js_done *done;
	void *context;
};

/* The server answers with an empty message. */
static void ack_answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct acked *acked = context;

	(void)reply;
	acked->done(acked->context, status);
}

int sl_js_ack_sync(struct sl_bus *bus, const struct sl_js_token *token, uint32_t timeout_ms,
		   sl_js_done *done, void *context)
{
	sl_autofree struct acked *acked = malloc(sizeof(*acked));
	int ret;

	if (!acked)
		return -ENOMEM;
	*acked = (struct acked){ done, context };
	ret = sl_bus_request(NULL, bus, token->subject, NULL, 0, SL_SPAN("+ACK"), timeout_ms,
			     ack_answered, acked);
	if (!ret)
		acked = NULL;
	return ret;
}
