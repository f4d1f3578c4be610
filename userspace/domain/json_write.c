// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 512u
#define WHOLE_MAX   1e15 /* whole numbers up to here are written without exponent */
#define REPLACEMENT "\xef\xbf\xbd"

void sl_json_out_free(struct sl_json_out *out)
{
	free(out->at);
	*out = (struct sl_json_out){ .bytes_max = out->bytes_max };
}

void sl_json_out_reset(struct sl_json_out *out)
{
	out->length = 0;
	out->error = 0;
	out->comma = false;
}

bool sl_json_reserve(struct sl_json_out *out, size_t more)
{
	size_t size = out->size ? out->size : FIRST_BYTES;
	char *at;

	if (out->error)
		return false;
	if (more <= out->size - out->length)
		return true;
	if (more > out->bytes_max || out->length > out->bytes_max - more) {
		out->error = -EFBIG;
		return false;
	}
	while (size < out->length + more)
		size *= 2;
	if (size > out->bytes_max)
		size = out->bytes_max;
	at = realloc(out->at, size);
	if (!at) {
		out->error = -ENOMEM;
		return false;
	}
	out->at = at;
	out->size = size;
	return true;
}

static void append_byte(struct sl_json_out *out, char byte)
{
	sl_json_append(out, &byte, 1);
}

/* Before a value or a name. */
static void separate(struct sl_json_out *out)
{
	if (out->comma)
		append_byte(out, ',');
	out->comma = false;
}

static void append_escape(struct sl_json_out *out, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *found = memchr(named, byte, sizeof(named) - 1);
	char escape[6] = { '\\', 'u', '0', '0' };

	if (found) {
		escape[1] = names[found - named];
		sl_json_append(out, escape, 2);
		return;
	}
	escape[4] = hex[byte >> 4];
	escape[5] = hex[byte & 0xf];
	sl_json_append(out, escape, sizeof(escape));
}

void sl_json_add_text(struct sl_json_out *out, struct sl_span text)
{
	const char *at = text.length ? text.at : "", *end = at + text.length, *part = at;

	while ((at = sl_json_skip_plain(at, end)) < end) {
		size_t length = (unsigned char)*at < 0x80 ? 0 : sl_utf8_length(at, end);

		if (length) {
			at += length;
			continue;
		}
		sl_json_append(out, part, (size_t)(at - part));
		if ((unsigned char)*at < 0x80)
			append_escape(out, (unsigned char)*at);
		else
			sl_json_append(out, REPLACEMENT, sizeof(REPLACEMENT) - 1);
		part = ++at;
	}
	sl_json_append(out, part, (size_t)(at - part));
}

void sl_json_open(struct sl_json_out *out, char bracket)
{
	separate(out);
	append_byte(out, bracket);
}

void sl_json_close(struct sl_json_out *out, char bracket)
{
	append_byte(out, bracket);
	out->comma = true;
}

void sl_json_key(struct sl_json_out *out, const char *name)
{
	separate(out);
	append_byte(out, '"');
	sl_json_add_text(out, sl_span_of(name));
	sl_json_append(out, "\":", 2);
}

void sl_json_begin_text(struct sl_json_out *out)
{
	separate(out);
	append_byte(out, '"');
}

void sl_json_end_text(struct sl_json_out *out)
{
	append_byte(out, '"');
	out->comma = true;
}

void sl_json_put_text(struct sl_json_out *out, struct sl_span text)
{
	sl_json_begin_text(out);
	sl_json_add_text(out, text);
	sl_json_end_text(out);
}

void sl_json_put_raw(struct sl_json_out *out, struct sl_span json)
{
	separate(out);
	sl_json_append(out, json.at, json.length);
	out->comma = true;
}

void sl_json_put_integer(struct sl_json_out *out, int64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	sl_json_put_raw(out, (struct sl_span){ digits + at, sizeof(digits) - at });
}

void sl_json_put_real(struct sl_json_out *out, double value)
{
	char digits[40];
	int length = 0;

	if (!isfinite(value)) { /* JSON has no word for it */
		sl_json_put_null(out);
		return;
	}
	if (value == trunc(value) && fabs(value) < WHOLE_MAX) {
		sl_json_put_integer(out, (int64_t)value);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		length = snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	sl_json_put_raw(out, (struct sl_span){ digits, (size_t)length });
}

void sl_json_put_bool(struct sl_json_out *out, bool value)
{
	sl_json_put_raw(out, value ? SL_SPAN("true") : SL_SPAN("false"));
}

void sl_json_put_null(struct sl_json_out *out)
{
	sl_json_put_raw(out, SL_SPAN("null"));
}

int sl_json_done(struct sl_span *ret, const struct sl_json_out *out)
{
	if (out->error)
		return out->error;
	*ret = (struct sl_span){ out->at, out->length };
	return 0;
}
