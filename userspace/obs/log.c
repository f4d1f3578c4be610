// SPDX-License-Identifier: Apache-2.0
/* A line is built on the stack and leaves in one write, so that lines never mix. */
#include "userspace/obs/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES    4096u
#define NS_PER_S      1000000000ull
#define ESCAPE_ROOM   8u /* the longest escape, \u001f, and its neighbours */
#define TIMESTAMP_LEN 32

struct pace {
	uint64_t full_at_ns; /* when the bucket is full again */
	uint64_t suppressed;
};

struct sl_log {
	int fd;
	enum sl_log_format format;
	enum sl_log_level level;
	uint64_t (*now_ns)(void);
	const char *timestamp;
	struct pace paces[SL_LOG_CLASSES];
};

struct line {
	char bytes[LINE_BYTES];
	size_t used;
	bool json;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int sl_log_new(struct sl_log **ret, int fd, enum sl_log_format format, enum sl_log_level level)
{
	struct sl_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->fd = fd;
	log->format = format;
	log->level = level;
	log->now_ns = monotonic_ns;
	*ret = log;
	return 0;
}

void sl_log_free(struct sl_log *log)
{
	free(log);
}

void sl_log_freep(struct sl_log **log)
{
	sl_log_free(*log);
}

void sl_log_set_clock(struct sl_log *log, uint64_t (*now_ns)(void), const char *timestamp)
{
	log->now_ns = now_ns ? now_ns : monotonic_ns;
	log->timestamp = timestamp;
}

static void put(struct line *line, const char *text)
{
	size_t length = strlen(text), room = sizeof(line->bytes) - ESCAPE_ROOM - line->used;

	if (length > room)
		length = room;
	memcpy(line->bytes + line->used, text, length);
	line->used += length;
}

/* One byte inside quotes, as both logfmt and JSON read it. */
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

static bool is_bare(const char *text)
{
	return *text && !text[strcspn(text, " =\"\\{}[],")] &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "._-+:/@%") == strlen(text);
}

static void put_text(struct line *line, const char *text)
{
	if (!line->json && is_bare(text)) {
		put(line, text);
		return;
	}
	put(line, "\"");
	/* Room is kept for the closing quote and brace: a cut line stays well formed. */
	for (; *text && line->used < LINE_BYTES - 2 * ESCAPE_ROOM - 4; text++)
		put_escaped(line, (unsigned char)*text);
	put(line, "\"");
}

static void put_key(struct line *line, const char *key)
{
	if (!line->json) {
		put(line, line->used ? " " : "");
		put(line, key);
		put(line, "=");
		return;
	}
	put(line, line->used > 1 ? ",\"" : "\"");
	put(line, key);
	put(line, "\":");
}

static void put_field(struct line *line, const struct sl_log_field *field)
{
	char digits[24];

	if (line->used + strlen(field->key) + 64 > LINE_BYTES)
		return;
	put_key(line, field->key);
	if (field->is_text) {
		put_text(line, field->text ? field->text : "");
		return;
	}
	(void)snprintf(digits, sizeof(digits), "%" PRId64, field->number);
	put(line, digits);
}

static void put_timestamp(struct line *line, const char *fixed)
{
	char text[TIMESTAMP_LEN], whole[TIMESTAMP_LEN + 8];
	struct timespec now = { 0 };
	struct tm utc = { 0 };

	put_key(line, "ts");
	if (fixed) {
		put_text(line, fixed);
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &utc))
		return;
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(whole, sizeof(whole), "%s.%03dZ", text, (int)(now.tv_nsec / 1000000) % 1000);
	put_text(line, whole);
}

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

static void write_line(struct sl_log *log, enum sl_log_level level, const char *message,
		       const struct sl_log_field *fields, size_t count, uint64_t suppressed)
{
	struct line line = { .used = 0, .json = log->format == SL_LOG_JSON };
	const struct sl_log_field missing = SL_NUM("suppressed", suppressed);

	put(&line, line.json ? "{" : "");
	put_timestamp(&line, log->timestamp);
	put_key(&line, "level");
	put_text(&line, level_name(level));
	put_key(&line, "msg");
	put_text(&line, message);
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i]);
	if (suppressed)
		put_field(&line, &missing);
	put(&line, line.json ? "}" : "");
	line.bytes[line.used++] = '\n';
	/* A line that cannot be written is lost: blocking or failing would be worse. */
	if (write(log->fd, line.bytes, line.used) < 0)
		return;
}

void sl_log_write(struct sl_log *log, enum sl_log_level level, const char *message,
		  const struct sl_log_field *fields, size_t count)
{
	if (!log || level > log->level)
		return;
	write_line(log, level, message, fields, count, 0);
}

void sl_log_write_limited(struct sl_log *log, enum sl_log_class which, enum sl_log_level level,
			  const char *message, const struct sl_log_field *fields, size_t count)
{
	uint64_t now, base, suppressed;
	struct pace *pace;

	if (!log || level > log->level)
		return;
	pace = &log->paces[which];
	now = log->now_ns();
	base = pace->full_at_ns > now ? pace->full_at_ns : now;
	if (base + NS_PER_S > now + SL_LOG_BURST * NS_PER_S) {
		pace->suppressed++;
		return;
	}
	pace->full_at_ns = base + NS_PER_S;
	suppressed = pace->suppressed;
	pace->suppressed = 0;
	write_line(log, level, message, fields, count, suppressed);
}
