/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Redis is in one word: redis://[[USER]:PASS@]HOST[:PORT][/DATABASE].
 *
 * Source: the "redis" scheme of the IANA registry of URI schemes; RFC 3986 for what is
 *         escaped by %XX. A query and a fragment are refused, as nothing would heed them.
 * Owner:  texts are copied; who reads one with a password overwrites it.
 * Thread: pure functions.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/redis/address.h"

#define SL_REDIS_URI_USER_BYTES	    65
#define SL_REDIS_URI_PASSWORD_BYTES 257
#define SL_REDIS_DATABASE_MAX	    1023u

struct sl_redis_uri {
	char address[SL_REDIS_ADDRESS_TEXT_BYTES]; /* "host", "host:port", "[::1]:port" */
	char user[SL_REDIS_URI_USER_BYTES];	   /* "": none said */
	char password[SL_REDIS_URI_PASSWORD_BYTES];
	uint32_t database;
};

/*
 * 0; -EPROTONOSUPPORT: rediss, which wants TLS; -EINVAL: no such URI. *ret_why: what is
 * wrong, a literal that says nothing of what stands in it. @ret only on 0.
 */
int sl_redis_uri_parse(struct sl_redis_uri *ret, struct sl_span text, const char **ret_why);
