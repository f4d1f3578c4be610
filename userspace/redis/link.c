// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/link.h"

#include <errno.h>
#include <event2/event.h>
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
	struct event *read, *write;
	struct sl_redis_reader reader;
	struct sl_redis_ticket own, unheard;
	bool *gone; /* set when the link is freed */
};

/* ---- libevent for hiredis --------------------------------------------------------------- */

static void add_read(void *data)
{
	struct sl_redis_link *link = data;

	(void)event_add(link->read, NULL);
}

static void del_read(void *data)
{
	struct sl_redis_link *link = data;

	(void)event_del(link->read);
}

static void add_write(void *data)
{
	struct sl_redis_link *link = data;

	(void)event_add(link->write, NULL);
}

static void del_write(void *data)
{
	struct sl_redis_link *link = data;

	(void)event_del(link->write);
}

static void free_link(struct sl_redis_link *link)
{
	if (link->read)
		event_free(link->read);
	if (link->write)
		event_free(link->write);
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

static void can_write(evutil_socket_t fd, short events, void *data)
{
	const struct sl_redis_link *link = data;

	(void)fd;
	(void)events;
	redisAsyncHandleWrite(link->context);
}

static void can_read(evutil_socket_t fd, short events, void *data)
{
	struct sl_redis_link *link = data;
	bool gone = false;

	(void)fd;
	(void)events;
	link->gone = &gone;
	redisAsyncHandleRead(link->context);
	if (gone)
		return;
	link->gone = NULL;
	if (link->context->c.reader->len > UNREAD_BYTES_MAX) {
		link->reader.hostile = true;
		redisAsyncFree(link->context);
	}
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

static int attach(struct sl_redis_link *link, struct event_base *base)
{
	redisAsyncContext *context = link->context;

	link->read = event_new(base, context->c.fd, EV_READ | EV_PERSIST, can_read, link);
	link->write = event_new(base, context->c.fd, EV_WRITE | EV_PERSIST, can_write, link);
	if (!link->read || !link->write)
		return -ENOMEM;
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

int sl_redis_link_open(struct sl_redis_link **ret, struct event_base *base,
		       const struct sl_redis_address *address,
		       const struct sl_redis_link_events *events, void *owner)
{
	struct sl_redis_link *link = calloc(1, sizeof(*link));
	int err;

	if (!link)
		return -ENOMEM;
	link->events = events;
	link->owner = owner;
	link->own.done = own_done;
	link->unheard.done = unheard_done;
	link->context = redisAsyncConnect(address->host, address->port);
	if (!link->context || link->context->err) {
		err = refuse(link->context);
		free(link);
		return err;
	}
	err = attach(link, base);
	if (err) {
		redisAsyncFree(link->context);
		free_link(link);
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
