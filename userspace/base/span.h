/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that somebody else owns: not terminated, valid as long as the owner says.
 * { NULL, 0 } is the empty span and means "not there" where that can be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sl_span {
	const char *at;
	size_t length;
};

/* Of a string literal. */
#define SL_SPAN(literal) ((struct sl_span){ "" literal, sizeof(literal) - 1 })

/* Of a NUL-terminated string; NULL gives the empty span. */
static inline struct sl_span sl_span_of(const char *text)
{
	return (struct sl_span){ text, text ? strlen(text) : 0 };
}

static inline bool sl_span_equal(struct sl_span a, struct sl_span b)
{
	return a.length == b.length && (!a.length || !memcmp(a.at, b.at, a.length));
}

static inline bool sl_span_is(struct sl_span span, const char *text)
{
	return sl_span_equal(span, sl_span_of(text));
}

/* Is it one of the characters of @set? NUL never is. */
static inline bool sl_byte_in(char byte, const char *set)
{
	return byte && strchr(set, byte);
}
