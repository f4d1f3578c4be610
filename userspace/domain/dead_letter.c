// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/dead_letter.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/mask.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FIELD(path, kind, member, flags)                                                           \
	{                                                                                          \
		path, kind, SL_FIELD_AT(struct sl_dead_letter, member), flags                      \
	}

static const struct sl_field fields[] = {
	FIELD("original_subject", SL_FIELD_IDENTIFIER, original_subject, SL_FIELD_REQUIRED),
	FIELD("msg_id", SL_FIELD_IDENTIFIER, msg_id, 0),
	FIELD("reason", SL_FIELD_IDENTIFIER, reason, SL_FIELD_REQUIRED),
	FIELD("error_code", SL_FIELD_IDENTIFIER, error_code, 0),
	FIELD("trace_id", SL_FIELD_IDENTIFIER, trace_id, 0),
	FIELD("tenant_id", SL_FIELD_IDENTIFIER, tenant_id, 0),
	FIELD("message", SL_FIELD_RAW, message, 0),
};

/* Milliseconds; others write a text, which is then not known as a time. */
static uint64_t read_timestamp(struct sl_span text)
{
	static const char *const wanted = "timestamp";
	struct sl_json_value value;
	int64_t number;

	if (sl_json_pick(&value, &wanted, 1, text, NULL) != 0 ||
	    sl_json_integer(&number, value) != 0 || number < 0)
		return 0;
	return (uint64_t)number;
}

int sl_dead_letter_read(struct sl_dead_letter *ret, struct sl_span text,
			struct sl_fields_error *error)
{
	static const char *const wanted[] = { "kind", "data" };
	struct sl_json_value found[COUNT(wanted)];
	struct sl_dead_letter letter = { .msg_id = "" };
	int err;

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0)
		return sl_fields_refuse(error, "not a JSON object");
	if (found[0].type == SL_JSON_STRING && found[1].type == SL_JSON_OBJECT)
		text = found[1].raw;
	err = sl_fields_read(&letter, fields, COUNT(fields), text, error);
	if (err)
		return err;
	letter.timestamp_ms = read_timestamp(text);
	*ret = letter;
	return 0;
}

static bool is_object(struct sl_span text)
{
	enum sl_json_type type;

	return sl_json_check(&type, text, NULL) == 0 && type == SL_JSON_OBJECT;
}

static void put_message(struct sl_json_out *out, struct sl_span message, enum sl_dead_body body)
{
	const bool json = is_object(message);

	if (body == SL_DEAD_BODY_NONE || !message.length)
		return;
	sl_json_key(out, "message");
	if (body == SL_DEAD_BODY_WHOLE && json)
		sl_json_put_raw(out, message);
	else if (body == SL_DEAD_BODY_WHOLE)
		sl_json_put_text(out, message);
	else if (json)
		(void)sl_mask_json(out, message);
	else
		(void)sl_mask_text(out, message);
}

void sl_dead_letter_write(struct sl_json_out *out, const struct sl_dead_letter *letter,
			  enum sl_dead_body body)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "original_subject", letter->original_subject);
	sl_fields_put_text(out, "msg_id", letter->msg_id);
	sl_fields_put_text(out, "reason", letter->reason);
	sl_fields_put_text(out, "error_code", letter->error_code);
	sl_json_key(out, "timestamp");
	sl_json_put_integer(out, (int64_t)letter->timestamp_ms);
	sl_fields_put_text(out, "trace_id", letter->trace_id);
	sl_fields_put_text(out, "tenant_id", letter->tenant_id);
	put_message(out, letter->message, body);
	sl_json_close(out, '}');
}

int sl_dead_letter_message(struct sl_span *ret, char *buffer, size_t size,
			   const struct sl_dead_letter *letter)
{
	struct sl_json_value value = { .type = SL_JSON_STRING, .raw = letter->message };
	size_t length;
	int err;

	if (!letter->message.length)
		return -ENODATA;
	if (letter->message.at[0] != '"') {
		*ret = letter->message;
		return 0;
	}
	err = sl_json_text(buffer, size, &length, value);
	if (!err)
		*ret = (struct sl_span){ buffer, length };
	return err;
}
