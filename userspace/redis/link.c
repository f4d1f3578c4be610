// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/link.h"

#include <errno.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/redis/reader.h"

/* hiredis keeps a string until it is whole: what may wait for its end. */
#define UNREAD_BYTES_MAX (SL_REDIS_REPLY_BYTES_MAX + (64u << 10))

struct sl_redis_link {
	redisAsyncContext *context;
	const struct sl_redis_link_events *events;
	void *owner; /* NULL: closed by it */
	struct sl_loop *loop;
	struct sl_loop_fd fd;
	struct sl_redis_reader reader;
	struct sl_redis_ticket own, unheard;
	bool *gone; /* set when the link is freed */
};

/* ---- the loop for hiredis ----------------------------------------------------------------- */

/* What the loop refuses ends by a deadline: the connection's or a call's. */
static void watch(struct sl_redis_link *link, unsigned int events)
{
	if (link->fd.events == events)
		return;
	link->fd.events = events;
	(void)link->loop->fd_set(link->loop, &link->fd);
}

static void add_read(void *data)
{
	struct sl_redis_link *link = data;

	watch(link, link->fd.events | SL_LOOP_READ);
}

static void del_read(void *data)
{
	struct sl_redis_link *link = data;

	watch(link, link->fd.events & ~SL_LOOP_READ);
}

static void add_write(void *data)
{
	struct sl_redis_link *link = data;

	watch(link, link->fd.events | SL_LOOP_WRITE);
}

static void del_write(void *data)
{
	struct sl_redis_link *link = data;

	watch(link, link->fd.events & ~SL_LOOP_WRITE);
}

static void free_link(struct sl_redis_link *link)
{
	link->loop->fd_clear(link->loop, &link->fd);
	if (link->gone)
		*link->gone = true;
	free(link);
}

static const char *reason_of(const struct sl_redis_link *link)
{
	if (link->reader.unasked[0])
		return link->reader.unasked;
	if (link->reader.hostile)
		return "an answer that nobody asked, or that is too large";
	return link->context->c.errstr[0] ? link->context->c.errstr : "closed";
}

/* hiredis frees the context right after this. */
static void cleanup(void *data)
{
	struct sl_redis_link *link = data;

	if (link->owner)
		link->events->down(link->owner, reason_of(link),
				   link->reader.hostile && !link->reader.unasked[0]);
	free_link(link);
}

static void ready(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_redis_link *link = fd->context;
	bool gone = false;

	link->gone = &gone;
	if (events & SL_LOOP_READ)
		redisAsyncHandleRead(link->context);
	if (!gone && link->context->c.reader->len > UNREAD_BYTES_MAX) {
		link->reader.hostile = true;
		redisAsyncFree(link->context);
	}
	if (!gone && events & SL_LOOP_WRITE)
		redisAsyncHandleWrite(link->context);
	if (!gone)
		link->gone = NULL;
}

/* ---- events of hiredis -------------------------------------------------------------------- */

static void connected(const redisAsyncContext *context, int status)
{
	const struct sl_redis_link *link = context->data;

	if (status == REDIS_OK && link->owner)
		link->events->up(link->owner);
}

static void answered(redisAsyncContext *context, void *reply, void *data)
{
	struct sl_redis_ticket *ticket = data;

	(void)context;
	ticket->done(ticket, reply);
}

static void own_done(struct sl_redis_ticket *ticket, const struct sl_redis_reply *reply)
{
	const struct sl_redis_link *link =
		(const void *)((const char *)ticket - offsetof(struct sl_redis_link, own));

	if (reply && link->owner)
		link->events->answered(link->owner, reply);
}

static void unheard_done(struct sl_redis_ticket *ticket, const struct sl_redis_reply *reply)
{
	(void)ticket;
	(void)reply;
}

static bool is_awaited(void *context)
{
	const struct sl_redis_link *link = context;

	return link->context->replies.head != NULL;
}

/* ---- the link -------------------------------------------------------------------------------- */

static int attach(struct sl_redis_link *link)
{
	redisAsyncContext *context = link->context;
	int err;

	link->fd = (struct sl_loop_fd){ .fd = context->c.fd, .ready = ready, .context = link };
	err = link->loop->fd_set(link->loop, &link->fd);
	if (err)
		return err;
	link->reader.is_awaited = is_awaited;
	link->reader.context = link;
	sl_redis_reader_attach(context->c.reader, &link->reader);
	context->data = link;
	context->ev.data = link;
	context->ev.addRead = add_read;
	context->ev.delRead = del_read;
	context->ev.addWrite = add_write;
	context->ev.delWrite = del_write;
	context->ev.cleanup = cleanup;
	(void)redisAsyncSetConnectCallback(context, connected);
	return 0;
}

/* Of a connect that failed at once: hiredis keeps a text, errno may be gone. */
static int refuse(redisAsyncContext *context)
{
	if (!context)
		return -ENOMEM;
	redisAsyncFree(context);
	return -ECONNREFUSED;
}

int sl_redis_link_open(struct sl_redis_link **ret, struct sl_loop *loop,
		       const struct sl_redis_address *address,
		       const struct sl_redis_link_events *events, void *owner)
{
	struct sl_redis_link *link = calloc(1, sizeof(*link));
	redisAsyncContext *context;
	int err;

	if (!link)
		return -ENOMEM;
	link->loop = loop;
	link->events = events;
	link->owner = owner;
	link->own.done = own_done;
	link->unheard.done = unheard_done;
	link->context = context = redisAsyncConnect(address->host, address->port);
	if (!context || context->err) {
		free(link);
		return refuse(context);
	}
	err = attach(link);
	if (err) {
		free_link(link); /* before the descriptor is closed */
		redisAsyncFree(context);
		return err;
	}
	*ret = link;
	return 0;
}

void sl_redis_link_close(struct sl_redis_link *link)
{
	link->owner = NULL;
	redisAsyncFree(link->context);
}

int sl_redis_link_send(struct sl_redis_link *link, const char *wire, size_t length,
		       struct sl_redis_ticket *ticket)
{
	const int ret = redisAsyncFormattedCommand(link->context, answered,
						   ticket ? ticket : &link->own, wire, length);

	return ret == REDIS_OK ? 0 : -ENOTCONN;
}

int sl_redis_link_send_unheard(struct sl_redis_link *link, const char *wire, size_t length)
{
	return sl_redis_link_send(link, wire, length, &link->unheard);
}
