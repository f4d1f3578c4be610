/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personal data and secrets out of what is logged, traced or dead-lettered: by the
 * name of the member, and by what a text looks like (contract, section 4).
 *
 * A look is a guess. It is meant to leave alone what pipelines are full of: UUIDs,
 * ULIDs, hex ids, timestamps, numbers with a point, addresses of hosts. So a phone
 * number needs a +, a bracket or its dashes: ten bare digits are a time as well.
 *
 * Thread: pure functions. Time is linear in the text.
 */
#pragma once

#include "userspace/domain/json.h"

#define SL_MASKED "[REDACTED]"

/* password, api_key, secret, token, authorization, ...: compared without case, and
 * without the - and _ in them. */
bool sl_mask_is_secret(struct sl_span name);

/*
 * The first part of @text at or behind @from that is to be masked: e-mail addresses,
 * phone and card numbers (Luhn), bearer tokens, keys, name=secret, passwords in URLs,
 * national ids. False: there is none.
 */
bool sl_mask_find(struct sl_span *ret, struct sl_span text, size_t from);

/* A JSON string of @text, masked: instead of sl_json_put_text(). What sl_json_done() says. */
int sl_mask_text(struct sl_json_out *out, struct sl_span text);

/*
 * A JSON text, masked at any depth, in arrays and names too; what is not masked stays
 * as it is written. -EINVAL, -EMSGSIZE: not JSON by the rules of json.h, nothing was
 * added. Else what sl_json_done() says.
 */
int sl_mask_json(struct sl_json_out *out, struct sl_span json);
