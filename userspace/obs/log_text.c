// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/log_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/mask.h"

#define ESCAPE_ROOM 8u /* the longest escape, \u001f, and its neighbours */

struct line {
	char *bytes;
	size_t used;
};

static const char *level_name(enum sl_log_level level)
{
	static const char *const names[] = {
		[SL_LOG_ERROR] = "error",
		[SL_LOG_WARN] = "warn",
		[SL_LOG_INFO] = "info",
		[SL_LOG_DEBUG] = "debug",
	};

	return names[level];
}

static void put(struct line *line, const char *text)
{
	size_t length = strlen(text), room = SL_LOG_LINE_BYTES - ESCAPE_ROOM - line->used;

	if (length > room)
		length = room;
	memcpy(line->bytes + line->used, text, length);
	line->used += length;
}

static void put_escaped(struct line *line, unsigned char byte)
{
	char escape[8];

	if (byte == '"' || byte == '\\')
		(void)snprintf(escape, sizeof(escape), "\\%c", byte);
	else if (byte == '\n')
		(void)snprintf(escape, sizeof(escape), "\\n");
	else if (byte < 0x20 || byte >= 0x7f)
		(void)snprintf(escape, sizeof(escape), "\\u00%02x", byte);
	else
		(void)snprintf(escape, sizeof(escape), "%c", byte);
	put(line, escape);
}

/* Room is kept for the closing quote: a cut line stays well formed. */
static void add_part(void *context, struct sl_span part)
{
	struct line *line = context;

	for (size_t i = 0; i < part.length; i++)
		if (line->used < SL_LOG_LINE_BYTES - 2 * ESCAPE_ROOM - 4)
			put_escaped(line, (unsigned char)part.at[i]);
}

static bool is_bare(const char *text)
{
	struct sl_span found;

	return *text && !text[strcspn(text, " =\"\\{}[],")] &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "._-+:/@%") == strlen(text) &&
	       !sl_mask_find(&found, sl_span_of(text), 0);
}

static void put_text(struct line *line, const char *text)
{
	if (strlen(text) <= SL_LOG_TEXT_BYTES && is_bare(text)) {
		put(line, text);
		return;
	}
	put(line, "\"");
	sl_log_mask(text, add_part, line);
	put(line, "\"");
}

static void put_key(struct line *line, const char *key)
{
	put(line, line->used ? " " : "");
	put(line, key);
	put(line, "=");
}

static void put_field(struct line *line, const struct sl_log_field *field)
{
	char digits[40];

	if (line->used + strlen(field->key) + 64 > SL_LOG_LINE_BYTES)
		return;
	put_key(line, field->key);
	if (sl_mask_is_secret(sl_span_of(field->key))) {
		put(line, "\"" SL_MASKED "\"");
		return;
	}
	if (field->is_text) {
		put_text(line, field->text ? field->text : "");
		return;
	}
	if (field->is_real)
		(void)snprintf(digits, sizeof(digits), "%.6g", field->real);
	else
		(void)snprintf(digits, sizeof(digits), "%" PRId64, field->number);
	put(line, digits);
}

size_t sl_log_write_text(char bytes[SL_LOG_LINE_BYTES], const struct sl_log_record *record)
{
	struct line line = { .bytes = bytes };

	put_field(&line, &SL_STR("ts", record->timestamp));
	put_field(&line, &SL_STR("level", level_name(record->level)));
	put_field(&line, &SL_STR("msg", record->message));
	for (size_t i = 0; i < record->count; i++)
		put_field(&line, &record->fields[i]);
	if (record->suppressed)
		put_field(&line, &SL_NUM("suppressed", record->suppressed));
	bytes[line.used++] = '\n';
	return line.used;
}
