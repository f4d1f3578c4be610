/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of the servers' names, asked for without holding up the loop, and again when
 * the ones that are known lead nowhere: behind a name there may be another server by then.
 * Private to this folder.
 *
 * getaddrinfo() blocks for as long as name servers are silent and cannot be stopped. So each
 * question has a thread of its own, one at a time; what it asks and finds is shared, and
 * belongs to who lets go of it last: to free the asker does not wait for the thread.
 *
 * Thread: the loop's. Callbacks come from the loop.
 */
#pragma once

#include <stddef.h>

#include "userspace/base/loop.h"
#include "userspace/redis/redis.h"

struct sl_redis_names;

/*
 * All that was found, at most SL_REDIS_ADDRESSES_MAX, in the order of the names; addresses in
 * digits are among them. None: @why says it of the last name, and it is asked again by itself.
 */
typedef void sl_redis_names_found(void *owner, const struct sl_redis_address *addresses,
				  size_t count, const char *why);

/* Asks at once. @names: host and port of each, in digits or not; copied. 0 or -errno. */
int sl_redis_names_new(struct sl_redis_names **ret, struct sl_loop *loop,
		       const struct sl_redis_address *names, size_t count,
		       sl_redis_names_found *found, void *owner);
/* Not from its callback. NULL is fine. */
void sl_redis_names_free(struct sl_redis_names *names);
/* What was found may be old: asks again, once a second at most. NULL is fine. */
void sl_redis_names_ask(struct sl_redis_names *names);
