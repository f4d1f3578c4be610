// SPDX-License-Identifier: Apache-2.0
/* The bytes of a server through hiredis into our values, and from there as the answer to a
 * question about windows. What is accepted keeps the bounds that the gateway computes with. */
#include <stdint.h>

#include "tests/fuzz/redis_bytes.h"
#include "userspace/gateway/window.h"

#define WINDOW_S 60u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	redis_bytes(data, size, use);
	return 0;
}
