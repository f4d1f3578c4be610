// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/libbpf_log.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#include "userspace/base/cleanup.h"

#define KEPT_BYTES 4096
#define TAIL_LINES 4
#define EXTACK	   "Kernel error message: "

/* The callbacks have no context argument: a buffer of the thread is all they can reach. */
static _Thread_local struct {
	char text[KEPT_BYTES];
	size_t used;
} kept;

static void keep(const char *text, size_t bytes)
{
	size_t limit = sizeof(kept.text) - 1;

	if (bytes > limit) {
		text += bytes - limit;
		bytes = limit;
	}
	if (kept.used + bytes > limit) {
		size_t drop = kept.used + bytes - limit;

		memmove(kept.text, kept.text + drop, kept.used - drop);
		kept.used -= drop;
	}
	memcpy(kept.text + kept.used, text, bytes);
	kept.used += bytes;
	kept.text[kept.used] = '\0';
}

__attribute__((format(printf, 1, 0))) static void capture(const char *format, va_list args)
{
	sl_autofree char *line = NULL;
	int bytes = vasprintf(&line, format, args);

	if (bytes < 0) {
		line = NULL;
		return;
	}
	keep(line, (size_t)bytes);
}

__attribute__((format(printf, 2, 0))) static int from_libbpf(enum libbpf_print_level level,
							     const char *format, va_list args)
{
	if (level != LIBBPF_DEBUG)
		capture(format, args);
	return 0;
}

__attribute__((format(printf, 2, 0))) static int from_libxdp(enum libxdp_print_level level,
							     const char *format, va_list args)
{
	if (level == LIBXDP_WARN)
		capture(format, args);
	return 0;
}

void sl_libbpf_log_begin(void)
{
	kept.used = 0;
	kept.text[0] = '\0';
	(void)libbpf_set_print(from_libbpf);
	(void)libxdp_set_print(from_libxdp);
}

static bool is_noise(const char *line)
{
	static const char *const noise[] = { "-- BEGIN PROG LOAD", "-- END PROG LOAD",
					     "failed to load object",
					     "failed to load: ", "processed " };

	if (!*line)
		return true;
	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++) {
		if (strstr(line, noise[i]))
			return true;
	}
	return false;
}

const char *sl_libbpf_log_tail(char *text, size_t size)
{
	char *lines[TAIL_LINES];
	char copy[KEPT_BYTES];
	char *rest = copy;
	size_t count = 0;
	char *line;

	memcpy(copy, kept.text, sizeof(copy));
	while ((line = strsep(&rest, "\n"))) {
		if (is_noise(line))
			continue;
		if (count == TAIL_LINES) {
			memmove(lines, lines + 1, sizeof(lines) - sizeof(*lines));
			count--;
		}
		lines[count++] = line;
	}
	*text = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, size - used, "%s%.200s", i ? "; " : "", lines[i]);
	}
	return text;
}

const char *sl_libbpf_log_extack(char *text, size_t size)
{
	const char *at = strstr(kept.text, EXTACK);

	size_t length;

	*text = '\0';
	if (!at)
		return text;
	at += strlen(EXTACK);
	length = strcspn(at, "\n");
	if (length >= size)
		length = size - 1;
	memcpy(text, at, length);
	text[length] = '\0';
	return text;
}

int sl_libbpf_fail(struct sl_dp_error *error, int code, const char *format, ...)
{
	char tail[TAIL_LINES * 210];
	va_list args;
	size_t used;

	if (!error)
		return code;
	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	if (!*sl_libbpf_log_tail(tail, sizeof(tail)))
		return code;
	used = strlen(error->message);
	/* The cause stands at the end of the log: when it is too long, keep the end. */
	if (strlen(tail) > sizeof(error->message) - used - 3)
		memmove(tail, tail + strlen(tail) - (sizeof(error->message) - used - 3),
			sizeof(error->message) - used - 2);
	(void)snprintf(error->message + used, sizeof(error->message) - used, ": %s", tail);
	return code;
}
