/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a server, through hiredis into our values. */
#pragma once

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "userspace/redis/reader.h"

static inline void require(int truth)
{
	if (!truth)
		abort();
}

static inline bool redis_is_awaited(void *context)
{
	(void)context;
	return true;
}

static inline void redis_take(redisReader *reader, void (*use)(const struct sl_redis_reply *reply))
{
	void *reply = NULL;

	while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
		use(reply);
		reader->fn->freeObject(reply);
		reply = NULL;
	}
}

/* Each whole reply goes to @use. In two parts, as a network may cut it. */
static inline void redis_bytes(const uint8_t *data, size_t size,
			       void (*use)(const struct sl_redis_reply *reply))
{
	struct sl_redis_reader state = { .is_awaited = redis_is_awaited };
	redisReader *reader = redisReaderCreate();

	require(reader != NULL);
	sl_redis_reader_attach(reader, &state);
	(void)redisReaderFeed(reader, (const char *)data, size / 2);
	redis_take(reader, use);
	(void)redisReaderFeed(reader, (const char *)data + size / 2, size - size / 2);
	redis_take(reader, use);
	redisReaderFree(reader);
}
