/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers: what the contract allows, and new ones out of the caller's randomness. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_UUID_BYTES 37 /* text, with the final NUL */

bool sl_is_uuid4(struct sl_span text); /* 8-4-4-4-12 hex of any case, version 4, variant 10 */
bool sl_is_ulid(struct sl_span text);  /* 26 Crockford characters of any case, first 0..7 */
bool sl_is_hex(struct sl_span text, size_t length); /* lower or upper case, exactly @length */
/* 1..@max printable ASCII characters without space; what may stand in a header or a subject's
 * payload. */
bool sl_is_identifier(struct sl_span text, size_t max);

void sl_uuid4(char ret[SL_UUID_BYTES], const uint8_t random[16]);
