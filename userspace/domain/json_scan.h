/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner under json.h and mask.h: a position in a text that moves over what is
 * valid and stops at what is not. Private to domain/.
 *
 * Each function returns 0 and leaves the position behind what it read, or fills
 * scan->error and returns -EINVAL or -EMSGSIZE as json.h says. None reads at or past
 * scan->end.
 */
#pragma once

#include <string.h>

#include "userspace/domain/json.h"

/* What a string holds beyond plain text. */
#define SL_JSON_ESCAPES 0x1u
#define SL_JSON_NUL	0x2u /* one of the escapes is \u0000 */

struct sl_json_scan {
	const char *at;
	const char *end;
	const char *start;
	unsigned int depth; /* containers open around the position */
	struct sl_json_error error;
};

static inline void sl_json_skip_space(struct sl_json_scan *scan)
{
	const char *at = scan->at, *end = scan->end;

	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	scan->at = at;
}

static inline bool sl_json_at(const struct sl_json_scan *scan, char byte)
{
	return scan->at < scan->end && *scan->at == byte;
}

void sl_json_scan_start(struct sl_json_scan *ret, struct sl_span text);

/* Notes the fault and returns @err. */
int sl_json_fail(struct sl_json_scan *scan, const char *at, int err, const char *message);

/* At a quote. */
int sl_json_scan_string(struct sl_json_scan *scan, unsigned int *ret_flags);
/* At a minus or a digit. */
int sl_json_scan_number(struct sl_json_scan *scan);
/* A member's name with its colon and the space behind: *ret_raw is the name with quotes. */
int sl_json_scan_key(struct sl_json_scan *scan, struct sl_span *ret_raw, unsigned int *ret_flags);
/* Any value, with all that is in it. */
int sl_json_scan_value(struct sl_json_scan *scan);
/* Only space may follow. */
int sl_json_scan_end(struct sl_json_scan *scan);

/* By the first byte of a valid value. */
enum sl_json_type sl_json_type_of(char first);

/* From @at to the first byte that is not plain ASCII text: a quote, a backslash, a control
 * character or a part of UTF-8; else @end. */
const char *sl_json_skip_plain(const char *at, const char *end);

/* Bytes of the UTF-8 character at @at < @end, 0 when it is none (RFC 3629). */
size_t sl_utf8_length(const char *at, const char *end);

/* Room for @more bytes behind what is there; false: out->error says why not. */
bool sl_json_reserve(struct sl_json_out *out, size_t more);

/* As it is, without comma or quotes: for those that copy parts of a text. */
static inline void sl_json_append(struct sl_json_out *out, const char *at, size_t length)
{
	if (!length ||
	    ((out->error || length > out->size - out->length) && !sl_json_reserve(out, length)))
		return;
	memcpy(out->at + out->length, at, length);
	out->length += length;
}
