// SPDX-License-Identifier: Apache-2.0
/* One stored message, as the API gives it: JSON with base64 in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream_private.h"

#define COUNT(of) (sizeof(of) / sizeof(*(of)))

struct got {
	struct sl_bus *bus;
	sl_js_got *done;
	void *context;
};

/* Decoded into new memory with a NUL after it. An absent value is empty. */
static int decode(char **ret, size_t *ret_length, struct sl_json_value value)
{
	struct sl_span text = { "", 0 };
	sl_autofree char *made = NULL;
	size_t length;
	int error = 0;

	if (value.type != SL_JSON_ABSENT && value.type != SL_JSON_NULL)
		error = sl_json_plain(&text, value);
	if (error)
		return -EPROTO;
	length = text.length / 4 * 3;
	made = malloc(length + 1);
	if (!made)
		return -ENOMEM;
	if (sl_js_base64((uint8_t *)made, &length, text) != 0)
		return -EPROTO;
	made[length] = '\0';
	*ret = SL_TAKE_PTR(made);
	*ret_length = length;
	return 0;
}

static int add_headers(natsMsg *message, struct sl_span block)
{
	struct sl_span name, value;
	size_t state = 0, count = 0;
	int more;

	if (!block.length)
		return 0;
	while ((more = sl_js_next_header(&name, &value, &state, block)) == 1) {
		sl_autofree char *key = strndup(name.at, name.length);
		sl_autofree char *text = strndup(value.at, value.length);

		if (!key || !text)
			return -ENOMEM;
		if (count++ == SL_JS_MESSAGE_HEADERS ||
		    natsMsgHeader_Add(message, key, text) != NATS_OK)
			return -EPROTO;
	}
	return more ? -EPROTO : 0;
}

static int rebuild(natsMsg **ret, uint64_t *ret_sequence, struct sl_span text)
{
	static const char *const wanted[] = { "message.subject", "message.seq", "message.data",
					      "message.hdrs" };
	struct sl_json_value found[COUNT(wanted)];
	char subject[SL_BUS_SUBJECT_MAX];
	sl_autofree char *data = NULL, *headers = NULL;
	size_t subject_length, data_length, headers_length;
	natsMsg *message = NULL;
	int64_t sequence;
	int error;

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0 ||
	    sl_json_text(subject, sizeof(subject), &subject_length, found[0]) != 0 ||
	    sl_json_integer(&sequence, found[1]) != 0 || sequence <= 0)
		return -EPROTO;
	error = decode(&data, &data_length, found[2]);
	if (!error)
		error = decode(&headers, &headers_length, found[3]);
	if (error)
		return error;
	if (natsMsg_Create(&message, subject, NULL, data, (int)data_length) != NATS_OK)
		return -EPROTO;
	error = add_headers(message, (struct sl_span){ headers, headers_length });
	if (error) {
		natsMsg_Destroy(message);
		return error;
	}
	*ret = message;
	*ret_sequence = (uint64_t)sequence;
	return 0;
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct got *got = context;
	struct sl_bus_message message = { .nats = NULL };
	struct sl_js_reply answer;
	uint64_t sequence = 0;

	status = sl_js_status(got->bus, status, reply, &answer);
	if (answer.error_code == SL_JS_MISSING)
		status = -ENOENT;
	if (!status)
		status = rebuild(&message.nats, &sequence, sl_bus_payload(reply));
	got->done(got->context, status, status ? NULL : &message, sequence);
	natsMsg_Destroy(message.nats);
}

int sl_js_get(struct sl_bus *bus, const char *stream, const char *subject, uint64_t sequence,
	      uint32_t timeout_ms, sl_js_got *done, void *context)
{
	struct sl_json_out json = SL_JSON_OUT(SL_JS_JSON_MAX);
	char api[SL_BUS_SUBJECT_MAX];
	sl_autofree struct got *got = NULL;
	int ret;

	if (!sl_js_name_valid(stream) || (subject && !sl_bus_subject_valid(subject)))
		return -EINVAL;
	got = malloc(sizeof(*got));
	if (!got)
		return -ENOMEM;
	*got = (struct got){ bus, done, context };
	sl_json_open(&json, '{');
	sl_json_key(&json, subject ? "last_by_subj" : "seq");
	if (subject)
		sl_json_put_text(&json, sl_span_of(subject));
	else
		sl_json_put_integer(&json, (int64_t)sequence);
	sl_json_close(&json, '}');
	sl_js_subject(api, "STREAM.MSG.GET", stream, NULL);
	ret = sl_js_call(bus, api, &json, timeout_ms, answered, got);
	if (!ret)
		got = NULL;
	return ret;
}
