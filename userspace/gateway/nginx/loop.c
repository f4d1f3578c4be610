/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/clock.h"
#include "userspace/gateway/nginx/glue.h"

#include <errno.h>

struct timer {
	ngx_connection_t dummy;
	ngx_event_t event;
	struct sl_loop_timer *timer;
};

static void fd_event(ngx_event_t *event)
{
	ngx_connection_t *connection = event->data;
	struct sl_loop_fd *fd = connection->data;

	fd->ready(fd, event->write ? SL_LOOP_WRITE : SL_LOOP_READ);
}

/* Level triggered, as the bus expects; nginx's own connections are edge triggered. */
static int watch(ngx_event_t *event, ngx_int_t which, bool wanted)
{
	if (wanted == (bool)event->active)
		return 0;
	if (wanted)
		return ngx_add_event(event, which, NGX_LEVEL_EVENT) == NGX_OK ? 0 : -EIO;
	return ngx_del_event(event, which, 0) == NGX_OK ? 0 : -EIO;
}

static int set_events(ngx_connection_t *connection, unsigned int events)
{
	int r = watch(connection->read, NGX_READ_EVENT, events & SL_LOOP_READ);

	return r ? r : watch(connection->write, NGX_WRITE_EVENT, events & SL_LOOP_WRITE);
}

static int fd_set_(struct sl_loop *loop, struct sl_loop_fd *fd)
{
	ngx_connection_t *connection = fd->backend;

	(void)loop;
	if (!connection) {
		connection = ngx_get_connection(fd->fd, ngx_cycle->log);
		if (!connection)
			return -EMFILE;
		connection->data = fd;
		connection->log = ngx_cycle->log;
		connection->read->log = ngx_cycle->log;
		connection->write->log = ngx_cycle->log;
		connection->read->handler = fd_event;
		connection->write->handler = fd_event;
		/* A worker that ends does not wait for it, nor complain of it. */
		connection->read->channel = 1;
		connection->write->channel = 1;
		fd->backend = connection;
	}
	return set_events(connection, fd->events);
}

static void fd_clear(struct sl_loop *loop, struct sl_loop_fd *fd)
{
	ngx_connection_t *connection = fd->backend;

	(void)loop;
	if (!connection)
		return;
	(void)set_events(connection, 0);
	connection->read->channel = 0;
	connection->write->channel = 0;
	ngx_free_connection(connection);
	connection->fd = (ngx_socket_t)-1;
	fd->backend = NULL;
}

static void timer_event(ngx_event_t *event)
{
	struct timer *own = (struct timer *)event->data;

	own->timer->fire(own->timer);
}

static int timer_set(struct sl_loop *loop, struct sl_loop_timer *timer, uint64_t delay_ms)
{
	struct timer *own = timer->backend;

	(void)loop;
	if (!own) {
		own = calloc(1, sizeof(*own));
		if (!own)
			return -ENOMEM;
		own->dummy.fd = (ngx_socket_t)-1;
		own->timer = timer;
		own->event.data = own;
		own->event.log = ngx_cycle->log;
		own->event.handler = timer_event;
		own->event.cancelable = 1;
		timer->backend = own;
	}
	if (own->event.timer_set)
		ngx_del_timer(&own->event);
	ngx_add_timer(&own->event, (ngx_msec_t)delay_ms);
	return 0;
}

static void timer_clear(struct sl_loop *loop, struct sl_loop_timer *timer)
{
	struct timer *own = timer->backend;

	(void)loop;
	if (!own)
		return;
	if (own->event.timer_set)
		ngx_del_timer(&own->event);
	free(own);
	timer->backend = NULL;
}

static uint64_t now_ns(struct sl_loop *loop)
{
	(void)loop;
	return sl_monotonic_ns();
}

void sl_glue_loop_init(struct sl_loop *loop)
{
	*loop = (struct sl_loop){
		.fd_set = fd_set_,
		.fd_clear = fd_clear,
		.timer_set = timer_set,
		.timer_clear = timer_clear,
		.now_ns = now_ns,
	};
}
