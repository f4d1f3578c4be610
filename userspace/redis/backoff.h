/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before the next try: doubled each time, half of it by chance, so
 * that many nodes that lost the same server do not come back in step.
 *
 * Source: "equal jitter" of Brooker, "Exponential Backoff And Jitter"; the random
 *         numbers are splitmix64 of Steele, Lea and Flood.
 * Thread: pure functions; *random is the caller's.
 */
#pragma once

#include <stdint.h>

struct sl_redis_backoff {
	uint64_t min_ns, max_ns; /* 0 < min_ns <= max_ns */
};

/* Between d/2 and d, d = min(min_ns * 2^@attempt, max_ns); the first attempt is 0. */
uint64_t sl_redis_backoff_ns(const struct sl_redis_backoff *backoff, uint32_t attempt,
			     uint64_t *random);

uint64_t sl_redis_random(uint64_t *random);
