/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Redis server answered, as a tree of values.
 *
 * Owner: the client; valid during the callback that got it.
 * Bounds: SL_REDIS_REPLY_DEPTH_MAX levels, SL_REDIS_REPLY_VALUES_MAX values and
 *         SL_REDIS_REPLY_BYTES_MAX bytes of text; a server that says more loses its
 *         connection before it is stored.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_REDIS_REPLY_DEPTH_MAX  8u
#define SL_REDIS_REPLY_VALUES_MAX 65536u
#define SL_REDIS_REPLY_BYTES_MAX  (4u << 20)

enum sl_redis_type {
	SL_REDIS_NIL = 0,
	SL_REDIS_INTEGER,
	SL_REDIS_STRING, /* any bytes */
	SL_REDIS_STATUS, /* a word, as OK */
	SL_REDIS_ERROR,	 /* "ERR what is wrong" */
	SL_REDIS_ARRAY,
};

struct sl_redis_reply {
	enum sl_redis_type type;
	int64_t integer;
	struct sl_span text; /* of a string, status or error */
	const struct sl_redis_reply *items;
	size_t count; /* of the items */
};

/* The item number @at of an array, or a nil when there is none. */
static inline const struct sl_redis_reply *sl_redis_item(const struct sl_redis_reply *reply,
							 size_t at)
{
	static const struct sl_redis_reply nothing = { .type = SL_REDIS_NIL };

	return reply->type == SL_REDIS_ARRAY && at < reply->count ? &reply->items[at] : &nothing;
}
