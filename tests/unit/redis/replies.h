/* SPDX-License-Identifier: Apache-2.0 */
/* Answers written down: INTEGER(3), STRING("a"), ARRAY(INTEGER(1), STRING("b")). */
#pragma once

#include "userspace/redis/reply.h"

#define NIL	       ((struct sl_redis_reply){ .type = SL_REDIS_NIL })
#define INTEGER(value) ((struct sl_redis_reply){ .type = SL_REDIS_INTEGER, .integer = (value) })
#define STRING(value)                                                                              \
	((struct sl_redis_reply){ .type = SL_REDIS_STRING, .text = sl_span_of(value) })
#define ERROR(value) ((struct sl_redis_reply){ .type = SL_REDIS_ERROR, .text = sl_span_of(value) })
#define ARRAY(...)                                                                                 \
	((struct sl_redis_reply){                                                                  \
		.type = SL_REDIS_ARRAY,                                                            \
		.items = (const struct sl_redis_reply[]){ __VA_ARGS__ },                           \
		.count = sizeof((const struct sl_redis_reply[]){ __VA_ARGS__ }) /                  \
			 sizeof(struct sl_redis_reply),                                            \
	})
