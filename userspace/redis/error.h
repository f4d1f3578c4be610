/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the errors of a Redis server mean to a client: by their first word.
 *
 * Source: the error texts of Redis 7.0, and of the Redis Cluster specification.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/base/span.h"
#include "userspace/redis/address.h"

enum sl_redis_error {
	SL_REDIS_ERROR_OTHER = 0, /* the command's own: nobody but the caller knows */
	/* Not executed; worth another try at once or soon. */
	SL_REDIS_ERROR_MOVED,
	SL_REDIS_ERROR_ASK,
	SL_REDIS_ERROR_TRYAGAIN,
	SL_REDIS_ERROR_CLUSTERDOWN,
	SL_REDIS_ERROR_LOADING,
	SL_REDIS_ERROR_READONLY, /* a replica: the master is elsewhere */
	SL_REDIS_ERROR_MASTERDOWN,
	SL_REDIS_ERROR_NOREPLICAS,
	SL_REDIS_ERROR_BUSY,	    /* a script runs for too long */
	SL_REDIS_ERROR_NO_FUNCTION, /* the library is not there (any more) */
	/* Not executed; another try says the same. */
	SL_REDIS_ERROR_DENIED, /* no such user, wrong password, no right */
	SL_REDIS_ERROR_FULL,   /* OOM: maxmemory is reached */
	SL_REDIS_ERROR_CROSSSLOT,
	SL_REDIS_ERROR_MISCONF, /* it cannot write to its disk */
	SL_REDIS_ERROR_KINDS,
};

enum sl_redis_error sl_redis_error_of(struct sl_span text);

/* -errno for who called: the header of the client (redis.h) lists them. */
int sl_redis_error_status(enum sl_redis_error error);

struct sl_redis_redirect {
	uint16_t slot;
	struct sl_redis_address to;
};

/*
 * "MOVED 3999 192.0.2.1:6381", "ASK ..."; a host that is left out is @from. -EINVAL:
 * it is not one, or names a host that cannot be; @ret is untouched then.
 */
int sl_redis_redirect_parse(struct sl_redis_redirect *ret, struct sl_span text, const char *from);
