// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/human.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static void put(char *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Cut to SL_HUMAN_BYTES: the compiler cannot know that a double here is small. */
static void put(char *buffer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(buffer, SL_HUMAN_BYTES, format, args);
	va_end(args);
}

static const char *scaled(char *buffer, double value, double base, const char *const *units,
			  size_t count)
{
	const char *sign = value < 0.0 ? "-" : "";
	size_t unit = 0;

	value = isnan(value) ? 0.0 : fabs(value);
	/* 999.5 would print as 1000: it belongs to the next unit already. */
	while (unit + 1 < count && value >= base - 0.5) {
		value /= base;
		unit++;
	}
	if (unit == 0 && (value >= 9.95 || value == floor(value)))
		put(buffer, "%s%.0f%s", sign, value, units[0]);
	else
		put(buffer, "%s%.*f%s", sign,
		    unit == 0	    ? 1
		    : value < 9.995 ? 2
		    : value < 99.95 ? 1
				    : 0,
		    value, units[unit]);
	return buffer;
}

const char *sl_human_count(char *buffer, double value)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

	return scaled(buffer, value, 1000.0, units, sizeof(units) / sizeof(units[0]));
}

const char *sl_human_bytes(char *buffer, double value)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB", " EB" };

	return scaled(buffer, value, 1000.0, units, sizeof(units) / sizeof(units[0]));
}

const char *sl_human_memory(char *buffer, uint64_t bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB" };

	return scaled(buffer, (double)bytes, 1024.0, units, sizeof(units) / sizeof(units[0]));
}

const char *sl_human_exact(char *buffer, uint64_t value)
{
	char digits[SL_HUMAN_BYTES];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	size_t at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[at++] = ',';
		buffer[at++] = digits[i];
	}
	buffer[at] = '\0';
	return buffer;
}

static const char *two_units(char *buffer, uint64_t seconds, uint64_t big, char big_name,
			     uint64_t small, char small_name)
{
	put(buffer, "%llu%c%02llu%c", (unsigned long long)(seconds / big), big_name,
	    (unsigned long long)(seconds % big / small), small_name);
	return buffer;
}

const char *sl_human_duration(char *buffer, uint64_t ns)
{
	uint64_t seconds = ns / 1000000000u;

	if (ns < 1000)
		put(buffer, ns ? "%uns" : "%us", (unsigned)ns);
	else if (ns < 1000000)
		put(buffer, "%uus", (unsigned)(ns / 1000));
	else if (ns < 100000000)
		put(buffer, "%.1fms", floor((double)ns / 1e5) / 10);
	else if (ns < 1000000000)
		put(buffer, "%ums", (unsigned)(ns / 1000000));
	else if (seconds < 60)
		put(buffer, "%.1fs", floor((double)ns / 1e8) / 10);
	else if (seconds < 3600)
		return two_units(buffer, seconds, 60, 'm', 1, 's');
	else if (seconds < 86400)
		return two_units(buffer, seconds, 3600, 'h', 60, 'm');
	else
		return two_units(buffer, seconds, 86400, 'd', 3600, 'h');
	return buffer;
}

const char *sl_human_percent(char *buffer, double part)
{
	double percent = part * 100.0;

	put(buffer, percent > 0.0 && percent < 9.95 ? "%.1f%%" : "%.0f%%", percent);
	return buffer;
}
