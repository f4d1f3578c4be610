// SPDX-License-Identifier: Apache-2.0
/* A line leaves in one write, so that lines never mix. */
#include "userspace/obs/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/obs/log_private.h"

#define NS_PER_S      1000000000ull
#define TIMESTAMP_LEN 40

struct pace {
	uint64_t full_at_ns; /* when the bucket is full again */
	uint64_t suppressed;
};

struct sl_log {
	int fd;
	enum sl_log_format format;
	enum sl_log_level level;
	const char *component;
	uint64_t (*now_ns)(void);
	const char *timestamp;
	struct sl_json_out out; /* of the size of a line from the beginning */
	struct pace paces[SL_LOG_CLASSES];
};

/* Coarse: a few milliseconds are nothing to a class that has a line each second, and the
 * clock is most of what a line costs that does not go out. */
static uint64_t monotonic_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Twice a line: a member is written before it is known not to fit. */
static int make_room(struct sl_json_out *out)
{
	size_t size = 2 * SL_LOG_LINE_BYTES;

	*out = SL_JSON_OUT(size);
	out->at = malloc(size);
	if (!out->at)
		return -ENOMEM;
	out->size = size;
	return 0;
}

int sl_log_new(struct sl_log **ret, int fd, enum sl_log_format format, enum sl_log_level level)
{
	struct sl_log *log = calloc(1, sizeof(*log));

	if (!log || (format == SL_LOG_JSON && make_room(&log->out) != 0)) {
		free(log);
		return -ENOMEM;
	}
	log->fd = fd;
	log->format = format;
	log->level = level;
	log->component = "agent";
	log->now_ns = monotonic_ns;
	*ret = log;
	return 0;
}

void sl_log_free(struct sl_log *log)
{
	if (!log)
		return;
	sl_json_out_free(&log->out);
	free(log);
}

void sl_log_freep(struct sl_log **log)
{
	sl_log_free(*log);
}

void sl_log_set_component(struct sl_log *log, const char *component)
{
	log->component = component;
}

void sl_log_set_clock(struct sl_log *log, uint64_t (*now_ns)(void), const char *timestamp)
{
	log->now_ns = now_ns ? now_ns : monotonic_ns;
	log->timestamp = timestamp;
}

/* People read milliseconds; the contract wants microseconds. */
static const char *stamp(char text[TIMESTAMP_LEN], enum sl_log_format format)
{
	struct timespec now = { 0 };
	struct tm utc = { 0 };
	size_t length;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &utc))
		return "";
	length = strftime(text, TIMESTAMP_LEN, "%Y-%m-%dT%H:%M:%S", &utc);
	if (format == SL_LOG_JSON)
		(void)snprintf(text + length, TIMESTAMP_LEN - length, ".%06dZ",
			       (int)(now.tv_nsec / 1000) % 1000000);
	else
		(void)snprintf(text + length, TIMESTAMP_LEN - length, ".%03dZ",
			       (int)(now.tv_nsec / 1000000) % 1000);
	return text;
}

/* A line that cannot be written is lost: blocking or failing would be worse. */
static void send_line(const struct sl_log *log, const char *line, size_t length)
{
	if (write(log->fd, line, length) < 0)
		return;
}

static void write_line(struct sl_log *log, const struct sl_log_record *record)
{
	char line[SL_LOG_LINE_BYTES];
	struct sl_span whole;

	if (log->format == SL_LOG_TEXT) {
		send_line(log, line, sl_log_write_text(line, record));
		return;
	}
	sl_json_out_reset(&log->out);
	sl_log_write_json(&log->out, record);
	if (sl_json_done(&whole, &log->out) == 0)
		send_line(log, whole.at, whole.length);
}

static void write_now(struct sl_log *log, enum sl_log_level level, const char *message,
		      const struct sl_log_field *fields, size_t count, uint64_t suppressed)
{
	char text[TIMESTAMP_LEN];
	const struct sl_log_record record = {
		.level = level,
		.timestamp = log->timestamp ? log->timestamp : stamp(text, log->format),
		.component = log->component,
		.message = message,
		.fields = fields,
		.count = count,
		.suppressed = suppressed,
	};

	write_line(log, &record);
}

void sl_log_write(struct sl_log *log, enum sl_log_level level, const char *message,
		  const struct sl_log_field *fields, size_t count)
{
	if (!log || level > log->level)
		return;
	write_now(log, level, message, fields, count, 0);
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
	write_now(log, level, message, fields, count, suppressed);
}
