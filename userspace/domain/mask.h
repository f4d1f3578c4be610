/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personal data and secrets out of what is logged, traced or dead-lettered: by the
 * name of the member, and by what a text looks like (contract, section 4).
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/json.h"

#define SL_MASKED "[REDACTED]"

/* Names compared without case: password, api_key, secret, token, authorization, ... */
bool sl_mask_is_secret(struct sl_span name);

/* @text with e-mail addresses, phone and card numbers (Luhn), bearer tokens, keys and
 * national ids replaced, appended as a JSON string's contents would be: use with put_text. */
int sl_mask_text(struct sl_json_out *out, struct sl_span text);

/* A valid JSON text, masked at any depth, in arrays too. */
int sl_mask_json(struct sl_json_out *out, struct sl_span json);
