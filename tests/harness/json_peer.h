/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain/json.h beside jansson: does one of them accept what the other refuses?
 *
 * They differ on purpose: ours bounds the depth at 32 (jansson: 2048) and a number at 64
 * bytes, takes whole numbers over 64 bits (who reads one is told), and refuses a second
 * member only of a wanted name. jansson refuses any second one, which is not compared. And
 * jansson 2.14 does not see a NUL behind a number or a word: "55\0" is 55 to it.
 */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "userspace/domain/json.h"

#define SL_JANSSON_FLAGS                                                                           \
	(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* True: the same. *ret_accepted (may be NULL): what both said, false when not comparable. */
static inline bool sl_json_agrees(struct sl_span text, bool *ret_accepted)
{
	enum sl_json_type type = SL_JSON_ABSENT;
	int err = sl_json_check(&type, text, NULL);
	json_error_t error;
	json_t *peer = json_loadb(text.at ? text.at : "", text.length, SL_JANSSON_FLAGS, &error);
	bool accepted = peer != NULL;

	json_decref(peer);
	if (ret_accepted)
		*ret_accepted = accepted && !err;
	if (err == -EMSGSIZE)
		return true;
	if (!accepted && json_error_code(&error) == json_error_duplicate_key)
		return true;
	if (err && text.length && memchr(text.at, '\0', text.length))
		return true;
	return accepted == !err;
}
