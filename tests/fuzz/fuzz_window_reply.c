// SPDX-License-Identifier: Apache-2.0
/* The bytes of a server through hiredis into our values, and from there as the answer to a
 * question about windows. What is accepted keeps the bounds that the gateway computes with. */
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

#include "userspace/gateway/window.h"
#include "userspace/redis/reader.h"

#define WINDOW_S 60u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static bool is_awaited(void *context)
{
	(void)context;
	return true;
}

static void check(const struct sl_window_verdict *verdict, size_t count)
{
	require(verdict->reset_ms >= 1 && verdict->reset_ms <= WINDOW_S * 1000u);
	require(verdict->level < count);
	for (size_t i = 0; i < count; i++)
		require(verdict->counts[i] <= SL_WINDOW_COUNT_MAX);
}

static void use(const struct sl_redis_reply *reply)
{
	struct sl_window_verdict verdict;

	for (size_t count = 1; count <= SL_WINDOW_KEYS_MAX; count++) {
		if (sl_window_read(&verdict, reply, count, WINDOW_S) == 0)
			check(&verdict, count);
		if (sl_window_read_look(&verdict, reply, count, WINDOW_S) == 0) {
			require(verdict.admitted);
			check(&verdict, count);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_redis_reader state = { .is_awaited = is_awaited };
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	require(reader != NULL);
	sl_redis_reader_attach(reader, &state);
	(void)redisReaderFeed(reader, (const char *)data, size);
	while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
		use(reply);
		reader->fn->freeObject(reply);
		reply = NULL;
	}
	redisReaderFree(reader);
	return 0;
}
