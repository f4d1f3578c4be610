// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/trace.h"

#include <string.h>

#include "userspace/base/hex.h"
#include "userspace/domain/ident.h"
#include "userspace/domain/trace_state.h"

#define KNOWN_FLAGS (SL_TRACE_SAMPLED | SL_TRACE_RANDOM)

/* Where the parts of "00-<trace>-<span>-<flags>" are. */
enum {
	TRACE_AT = 3,
	SPAN_AT = TRACE_AT + SL_TRACE_ID_CHARS + 1,
	FLAGS_AT = SPAN_AT + SL_SPAN_ID_CHARS + 1,
};

_Static_assert(FLAGS_AT + 2 == SL_TRACEPARENT_CHARS, "the parts fill a traceparent");

static const char hex[] = "0123456789abcdef";

static bool is_lower_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!sl_byte_in(text[i], hex))
			return false;
	return true;
}

static bool is_zero(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != '0')
			return false;
	return true;
}

/* An id of zeros is invalid: should the randomness be that, the last digit is 1. */
static void write_id(char *ret, const uint8_t *random, size_t bytes)
{
	sl_hex(ret, random, bytes);
	ret[2 * bytes] = '\0';
	if (is_zero(ret, 2 * bytes))
		ret[2 * bytes - 1] = '1';
}

static struct sl_span trim(struct sl_span text)
{
	while (text.length && (*text.at == ' ' || *text.at == '\t')) {
		text.at++;
		text.length--;
	}
	while (text.length && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
		text.length--;
	return text;
}

/* A version that we do not know is read by the fields that we do. */
static bool has_parent_form(struct sl_span header)
{
	const char *at = header.at;

	if (header.length < SL_TRACEPARENT_CHARS || !is_lower_hex(at, 2) ||
	    memcmp(at, "ff", 2) == 0)
		return false;
	if (header.length > SL_TRACEPARENT_CHARS &&
	    (memcmp(at, "00", 2) == 0 || at[SL_TRACEPARENT_CHARS] != '-'))
		return false;
	return at[TRACE_AT - 1] == '-' && at[SPAN_AT - 1] == '-' && at[FLAGS_AT - 1] == '-';
}

static bool read_parent(struct sl_trace *trace, struct sl_span header)
{
	const char *at;

	header = trim(header);
	if (!has_parent_form(header))
		return false;
	at = header.at;
	if (!is_lower_hex(at + TRACE_AT, SL_TRACE_ID_CHARS) ||
	    !is_lower_hex(at + SPAN_AT, SL_SPAN_ID_CHARS) || !is_lower_hex(at + FLAGS_AT, 2) ||
	    is_zero(at + TRACE_AT, SL_TRACE_ID_CHARS) || is_zero(at + SPAN_AT, SL_SPAN_ID_CHARS))
		return false;
	memcpy(trace->trace_id, at + TRACE_AT, SL_TRACE_ID_CHARS);
	memcpy(trace->parent_id, at + SPAN_AT, SL_SPAN_ID_CHARS);
	trace->flags = (uint8_t)((strchr(hex, at[FLAGS_AT + 1]) - hex) & (int)KNOWN_FLAGS);
	return true;
}

static char to_lower(char byte)
{
	return byte >= 'A' && byte <= 'F' ? (char)(byte | 0x20) : byte;
}

/* 32 hex digits, or a UUIDv4 without its dashes. */
static bool read_id(struct sl_trace *trace, struct sl_span id)
{
	char digits[SL_TRACE_ID_CHARS] = "";
	size_t count = 0;

	id = trim(id);
	if (!sl_is_hex(id, SL_TRACE_ID_CHARS) && !sl_is_uuid4(id))
		return false;
	for (size_t i = 0; i < id.length; i++)
		if (id.at[i] != '-')
			digits[count++] = to_lower(id.at[i]);
	if (is_zero(digits, sizeof(digits)))
		return false;
	memcpy(trace->trace_id, digits, sizeof(digits));
	trace->flags = SL_TRACE_SAMPLED;
	return true;
}

void sl_trace_start(struct sl_trace *ret, struct sl_span traceparent, struct sl_span tracestate,
		    struct sl_span trace_id, const uint8_t random[24])
{
	memset(ret, 0, sizeof(*ret));
	if (read_parent(ret, traceparent)) {
		sl_trace_state(ret->tracestate, tracestate);
	} else if (!read_id(ret, trace_id)) {
		write_id(ret->trace_id, random, 16);
		ret->flags = KNOWN_FLAGS;
	}
	write_id(ret->span_id, random + 16, 8);
}

void sl_trace_next(struct sl_trace *trace, const uint8_t random[8])
{
	memcpy(trace->parent_id, trace->span_id, sizeof(trace->parent_id));
	write_id(trace->span_id, random, 8);
}

void sl_trace_parent(char ret[SL_TRACEPARENT_CHARS + 1], const struct sl_trace *trace)
{
	memcpy(ret, "00-", TRACE_AT);
	memcpy(ret + TRACE_AT, trace->trace_id, SL_TRACE_ID_CHARS);
	ret[SPAN_AT - 1] = '-';
	memcpy(ret + SPAN_AT, trace->span_id, SL_SPAN_ID_CHARS);
	ret[FLAGS_AT - 1] = '-';
	ret[FLAGS_AT] = '0';
	ret[FLAGS_AT + 1] = hex[trace->flags & KNOWN_FLAGS];
	ret[SL_TRACEPARENT_CHARS] = '\0';
}
