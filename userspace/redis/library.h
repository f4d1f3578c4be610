/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library of functions for a Redis server, as we have it and as a server has it.
 *
 * Two versions of us may run side by side, each with its own code: so code says its
 * version, in a line "-- version: N", and only what is missing, older, or of our
 * version but different is replaced. A newer one must serve what older ones call.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/redis/reply.h"

#define SL_REDIS_LIBRARY_NAME_BYTES 65
#define SL_REDIS_LIBRARY_BYTES_MAX  (256u << 10)

enum sl_redis_library_state {
	SL_REDIS_LIBRARY_MISSING = 0,
	SL_REDIS_LIBRARY_OLDER,
	SL_REDIS_LIBRARY_SAME,
	SL_REDIS_LIBRARY_NEWER,
};

/* Of the first 16 lines. -ENOENT: no such line, -EINVAL: not a number of 1..2^32-1. */
int sl_redis_library_version(uint32_t *ret, struct sl_span code);

/* 1..64 of A-Z a-z 0-9 _, and @code begins with "#!lua name=NAME" and a line's end. */
int sl_redis_library_valid(const char *name, struct sl_span code);

/*
 * Reads the answer to FUNCTION LIST LIBRARYNAME name WITHCODE. -EINVAL: it is not such
 * an answer.
 */
int sl_redis_library_compare(enum sl_redis_library_state *ret, const struct sl_redis_reply *reply,
			     const char *name, struct sl_span code);
