// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/fields.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_MAX (INT64_C(1) << 53) /* what every JSON reader keeps exactly */

int sl_fields_refuse(struct sl_fields_error *error, const char *format, ...)
{
	va_list args;

	if (!error)
		return -EINVAL;
	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

static bool has_only(const char *text, size_t length, bool ascii)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (is_control(byte) || (ascii && (byte == ' ' || byte > 0x7f)))
			return false;
	}
	return true;
}

static int read_text(char *at, const struct sl_field *field, struct sl_json_value value,
		     struct sl_fields_error *error)
{
	bool ascii = field->kind == SL_FIELD_IDENTIFIER;
	size_t length = 0;
	int err = sl_json_text(at, field->size, &length, value);

	if (value.type != SL_JSON_STRING)
		return sl_fields_refuse(error, "%s must be a string", field->name);
	if (err == -ENOBUFS || (!err && !length))
		return sl_fields_refuse(error, "%s must have 1 to %zu bytes", field->name,
					field->size - 1);
	if (err || !has_only(at, length, ascii))
		return sl_fields_refuse(error, "%s must be %s", field->name,
					ascii ? "printable ASCII without space"
					      : "text without control characters");
	return 0;
}

/* Foreign prose is for people: too long or odd is no reason to lose a message. */
static int read_prose(char *at, const struct sl_field *field, struct sl_json_value value)
{
	size_t length = 0;

	if (sl_json_text(at, field->size, &length, value) != 0)
		at[0] = '\0';
	return 0;
}

static int read_amount(double *at, const struct sl_field *field, struct sl_json_value value,
		       struct sl_fields_error *error)
{
	double number = 0;

	if (sl_json_real(&number, value) != 0 || !(number >= 0 && number <= SL_FIELD_AMOUNT_MAX))
		return sl_fields_refuse(error, "%s must be a number from 0 to %g", field->name,
					SL_FIELD_AMOUNT_MAX);
	*at = number;
	return 0;
}

static int read_integer(int64_t *ret, const struct sl_field *field, int64_t min,
			struct sl_json_value value, struct sl_fields_error *error)
{
	int64_t number = 0;

	if (sl_json_integer(&number, value) != 0 || number < min || number > WHOLE_MAX)
		return sl_fields_refuse(error, "%s must be a whole number%s", field->name,
					min < 0 ? "" : ", 0 or more");
	*ret = number;
	return 0;
}

static int read_value(char *at, const struct sl_field *field, struct sl_json_value value,
		      struct sl_fields_error *error)
{
	int64_t number = 0;
	double amount = 0;
	int err = 0;

	switch (field->kind) {
	case SL_FIELD_IDENTIFIER:
	case SL_FIELD_TEXT:
		return read_text(at, field, value, error);
	case SL_FIELD_PROSE:
		return read_prose(at, field, value);
	case SL_FIELD_AMOUNT:
		err = read_amount(&amount, field, value, error);
		memcpy(at, &amount, sizeof(amount));
		return err;
	case SL_FIELD_WHOLE: /* the bits of a number that is not negative are the same */
	case SL_FIELD_INTEGER:
		err = read_integer(&number, field, field->kind == SL_FIELD_WHOLE ? 0 : -WHOLE_MAX,
				   value, error);
		memcpy(at, &number, sizeof(number));
		return err;
	case SL_FIELD_OBJECT:
		if (value.type != SL_JSON_OBJECT)
			return sl_fields_refuse(error, "%s must be an object", field->name);
		memcpy(at, &value.raw, sizeof(value.raw));
		return 0;
	case SL_FIELD_RAW:
		memcpy(at, &value.raw, sizeof(value.raw));
		return 0;
	}
	return -EINVAL;
}

static int pick(struct sl_json_value *values, const struct sl_field *fields, size_t count,
		struct sl_span text, struct sl_fields_error *error)
{
	const char *wanted[SL_FIELDS_MAX];
	struct sl_json_error why = { .message = "" };
	int err;

	if (count > SL_FIELDS_MAX)
		return sl_fields_refuse(error, "too many members are wanted");
	for (size_t i = 0; i < count; i++)
		wanted[i] = fields[i].name;
	err = sl_json_pick(values, wanted, count, text, &why);
	if (err == -EPROTO)
		return sl_fields_refuse(error, "not a JSON object");
	if (err)
		return sl_fields_refuse(error, "byte %zu: %s", why.offset, why.message);
	return 0;
}

static int refuse_missing(struct sl_fields_error *error, const char *name)
{
	if (error)
		error->missing = true;
	return sl_fields_refuse(error, "%s is missing", name);
}

int sl_fields_read(void *at, const struct sl_field *fields, size_t count, struct sl_span text,
		   struct sl_fields_error *error)
{
	struct sl_json_value values[SL_FIELDS_MAX] = { 0 };
	int err = pick(values, fields, count, text, error);

	for (size_t i = 0; i < count && !err; i++) {
		bool absent = values[i].type == SL_JSON_ABSENT || values[i].type == SL_JSON_NULL;

		if (!absent)
			err = read_value((char *)at + fields[i].offset, &fields[i], values[i],
					 error);
		else if (fields[i].flags & SL_FIELD_REQUIRED)
			err = refuse_missing(error, fields[i].name);
	}
	return err;
}

int sl_fields_version(const char *version, struct sl_fields_error *error)
{
	if (!version[0] || strcmp(version, "1") == 0 || strcmp(version, "v1") == 0)
		return 0;
	return sl_fields_refuse(error, "version must be \"1\"");
}

void sl_fields_put_text(struct sl_json_out *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	sl_json_key(out, name);
	sl_json_put_text(out, sl_span_of(text));
}

void sl_fields_put_raw(struct sl_json_out *out, const char *name, struct sl_span json)
{
	if (!json.length)
		return;
	sl_json_key(out, name);
	sl_json_put_raw(out, json);
}
