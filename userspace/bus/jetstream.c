// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/jetstream.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream_private.h"

#define BACKOFF_MAX 64u

bool sl_js_name_valid(const char *name)
{
	size_t length = 0;

	for (; name[length]; length++)
		if ((!isalnum((unsigned char)name[length]) && name[length] != '_' &&
		     name[length] != '-') ||
		    length >= SL_JS_NAME_MAX - 1)
			return false;
	return length > 0;
}

void sl_js_subject(char ret[SL_BUS_SUBJECT_MAX], const char *verb, const char *one, const char *two)
{
	(void)snprintf(ret, SL_BUS_SUBJECT_MAX, "$JS.API.%s.%s%s%s", verb, one, two ? "." : "",
		       two ? two : "");
}

const char *sl_js_error(const struct sl_bus *bus)
{
	return bus->js_error;
}

void sl_js_set_error(struct sl_bus *bus, const char *text)
{
	(void)snprintf(bus->js_error, sizeof(bus->js_error), "%s", text);
}

int sl_js_status(struct sl_bus *bus, int status, const struct sl_bus_message *reply,
		 struct sl_js_reply *ret)
{
	bus->js_error[0] = '\0';
	*ret = (struct sl_js_reply){ .failed = false };
	if (status == -EHOSTUNREACH)
		sl_js_set_error(bus, "no JetStream, or no stream takes this subject");
	if (status)
		return status;
	if (sl_js_parse_reply(ret, sl_bus_payload(reply)) != 0) {
		sl_js_set_error(bus, "an answer that is not JetStream's");
		return -EPROTO;
	}
	if (!ret->failed)
		return 0;
	sl_js_set_error(bus, ret->text);
	return -EREMOTEIO;
}

int sl_js_call(struct sl_bus *bus, const char *subject, struct sl_json_out *json,
	       uint32_t timeout_ms, sl_bus_done *done, void *context)
{
	struct sl_span text;
	int ret = sl_json_done(&text, json);

	if (!ret)
		ret = sl_bus_request(NULL, bus, subject, NULL, 0, text, timeout_ms, done, context);
	sl_json_out_free(json);
	return ret;
}

void sl_js_put_number(struct sl_json_out *json, const char *key, uint64_t value)
{
	sl_json_key(json, key);
	sl_json_put_integer(json, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void sl_js_put_text(struct sl_json_out *json, const char *key, const char *value)
{
	sl_json_key(json, key);
	sl_json_put_text(json, sl_span_of(value));
}

void sl_js_put_true(struct sl_json_out *json, const char *key)
{
	sl_json_key(json, key);
	sl_json_put_bool(json, true);
}

void sl_js_put_or_endless(struct sl_json_out *json, const char *key, uint64_t value)
{
	sl_json_key(json, key);
	sl_json_put_integer(json, value ? (int64_t)value : -1);
}

/* ---- consumers ------------------------------------------------------------------------- */

struct called {
	struct sl_bus *bus;
	sl_js_done *done;
	void *context;
};

static void call_answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct called *called = context;
	struct sl_js_reply answer;

	called->done(called->context, sl_js_status(called->bus, status, reply, &answer));
}

static void write_consumer(struct sl_json_out *json, const struct sl_js_consumer *consumer)
{
	sl_json_open(json, '{');
	sl_js_put_text(json, "stream_name", consumer->stream);
	sl_json_key(json, "config");
	sl_json_open(json, '{');
	sl_js_put_text(json, "durable_name", consumer->durable);
	sl_js_put_text(json, "ack_policy", "explicit");
	sl_js_put_text(json, "deliver_policy", "all");
	sl_js_put_text(json, "replay_policy", "instant");
	if (consumer->filter_subject)
		sl_js_put_text(json, "filter_subject", consumer->filter_subject);
	if (consumer->ack_wait_ms)
		sl_js_put_number(json, "ack_wait", consumer->ack_wait_ms * SL_NS_PER_MS);
	sl_js_put_or_endless(json, "max_deliver", consumer->max_deliver);
	if (consumer->max_ack_pending)
		sl_js_put_number(json, "max_ack_pending", consumer->max_ack_pending);
	if (consumer->backoff_count) {
		sl_json_key(json, "backoff");
		sl_json_open(json, '[');
		for (size_t i = 0; i < consumer->backoff_count; i++)
			sl_json_put_integer(json,
					    (int64_t)(consumer->backoff_ms[i] * SL_NS_PER_MS));
		sl_json_close(json, ']');
	}
	sl_json_close(json, '}');
	sl_json_close(json, '}');
}

int sl_js_ensure_consumer(struct sl_bus *bus, const struct sl_js_consumer *consumer,
			  sl_js_done *done, void *context)
{
	struct sl_json_out json = SL_JSON_OUT(SL_JS_JSON_MAX);
	char subject[SL_BUS_SUBJECT_MAX];
	sl_autofree struct called *called = NULL;
	int ret;

	if (!sl_js_name_valid(consumer->stream) || !sl_js_name_valid(consumer->durable) ||
	    consumer->backoff_count > BACKOFF_MAX)
		return -EINVAL;
	called = malloc(sizeof(*called));
	if (!called)
		return -ENOMEM;
	*called = (struct called){ bus, done, context };
	sl_js_subject(subject, "CONSUMER.DURABLE.CREATE", consumer->stream, consumer->durable);
	write_consumer(&json, consumer);
	ret = sl_js_call(bus, subject, &json, SL_JS_API_MS, call_answered, called);
	if (!ret)
		called = NULL;
	return ret;
}
