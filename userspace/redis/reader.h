/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers as hiredis reads them, built in memory of ours and within its bounds.
 *
 * Owner: an answer is one tree, made and freed by hiredis through these functions.
 * Bounds: those of reply.h. What goes beyond is an error of the reader, which ends the
 *         connection.
 */
#pragma once

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "userspace/redis/reply.h"

struct sl_redis_reader {
	size_t values, bytes; /* of the answer that is being read */
	/* Does anybody wait for an answer? hiredis asserts it, so we ask before. */
	bool (*is_awaited)(void *context);
	void *context;
	bool hostile;	   /* it stopped for its own bounds */
	char unasked[128]; /* an error that came unasked: "ERR max number of clients ..." */
};

/* @state outlives @reader. */
void sl_redis_reader_attach(redisReader *reader, struct sl_redis_reader *state);
