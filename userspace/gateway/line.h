/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short text put together by hand: a refusal writes eight of them, and snprintf() was a
 * tenth of what one costs. What does not fit is left out whole.
 *
 * Owner: the caller, who sets `length` to 0. No NUL at the end.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/span.h"

#define SL_LINE_BYTES 256

struct sl_line {
	size_t length;
	char at[SL_LINE_BYTES];
};

static inline void sl_line_add(struct sl_line *line, struct sl_span more)
{
	if (more.length > sizeof(line->at) - line->length)
		return;
	memcpy(line->at + line->length, more.at, more.length);
	line->length += more.length;
}

static inline void sl_line_number(struct sl_line *line, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	sl_line_add(line, (struct sl_span){ digits + at, sizeof(digits) - at });
}

static inline struct sl_span sl_line_text(const struct sl_line *line)
{
	return (struct sl_span){ line->at, line->length };
}
