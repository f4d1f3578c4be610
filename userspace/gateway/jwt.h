/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON Web Token (RFC 7519, 8725): signed by a key of the set, in time, by and for
 * whom we want; whose it is stands in `tenant_id`, `roles` (a list or one word) and
 * `plan`.
 *
 * Thread: pure functions.
 * Time:   seconds of CLOCK_REALTIME, a parameter.
 */
#pragma once

#include "userspace/gateway/auth.h"
#include "userspace/gateway/jwks.h"

struct sl_jwt_rules {
	const char *issuer;   /* "": any */
	const char *audience; /* "": any */
	int64_t leeway_s;
};

/* -EACCES: worth nothing, whatever the reason. @ret_until_s: when it ends. */
int sl_jwt_check(struct sl_identity *ret, int64_t *ret_until_s, struct sl_span token,
		 const struct sl_jwks *jwks, const struct sl_jwt_rules *rules, int64_t now_s);
