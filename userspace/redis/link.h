/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of hiredis in an event loop. Private to this folder.
 *
 * Owner: hiredis frees it when the connection is gone; the owner's pointer is good until
 *        down() or sl_redis_link_close().
 * Every ticket that was sent is done exactly once: with an answer, or with NULL when the
 * connection goes, before down() comes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/loop.h"
#include "userspace/redis/address.h"
#include "userspace/redis/reply.h"

struct sl_redis_link;

struct sl_redis_ticket {
	void (*done)(struct sl_redis_ticket *ticket, const struct sl_redis_reply *reply);
};

/* None of them may close the link, but answered(). */
struct sl_redis_link_events {
	void (*up)(void *owner); /* connected */
	/* To what was sent without a ticket, in that order. */
	void (*answered)(void *owner, const struct sl_redis_reply *reply);
	/* It broke; @hostile: by what the server sent. */
	void (*down)(void *owner, const char *reason, bool hostile);
};

/* @address: in digits. 0, or -errno: nothing comes then. */
int sl_redis_link_open(struct sl_redis_link **ret, struct sl_loop *loop,
		       const struct sl_redis_address *address,
		       const struct sl_redis_link_events *events, void *owner);
/* What waits is done with NULL, now or when the callback that runs is over. No down(). */
void sl_redis_link_close(struct sl_redis_link *link);
/* @wire: a NUL follows it, which hiredis looks for. @ticket NULL: the owner's own. -ENOTCONN: it is
 * going down. */
int sl_redis_link_send(struct sl_redis_link *link, const char *wire, size_t length,
		       struct sl_redis_ticket *ticket);
/* Sends a command whose answer nobody wants. */
int sl_redis_link_send_unheard(struct sl_redis_link *link, const char *wire, size_t length);
