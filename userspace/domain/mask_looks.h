/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What personal data and secrets look like. Private to mask.c.
 *
 * Each function gets a text and a place in it where something begins, and returns how
 * many bytes of it are to be masked, 0 for none. It looks at a bounded number of bytes
 * unless it finds something.
 */
#pragma once

#include "userspace/base/span.h"

static inline bool sl_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static inline bool sl_is_alnum(char byte)
{
	return sl_is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Numbers: @at is a digit, a + or an opening bracket. */
size_t sl_looks_like_card(struct sl_span text, size_t at);
size_t sl_looks_like_phone(struct sl_span text, size_t at);
size_t sl_looks_like_ssn(struct sl_span text, size_t at);
/* Words: @at is a letter with none before it. */
size_t sl_looks_like_insurance(struct sl_span text, size_t at);
size_t sl_looks_like_key(struct sl_span text, size_t at);
/* @at is a dash. */
size_t sl_looks_like_pem(struct sl_span text, size_t at);

/* Nothing of the same number or word goes on at @end. */
bool sl_ends_there(struct sl_span text, size_t end);
