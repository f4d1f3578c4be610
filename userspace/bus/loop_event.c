// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/loop_event.h"

#include "userspace/base/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#define MS_PER_S  1000u
#define US_PER_MS 1000u

static void fd_ready(evutil_socket_t handle, short what, void *context)
{
	struct sl_loop_fd *fd = context;
	unsigned int events = 0;

	(void)handle;
	if (what & EV_READ)
		events |= SL_LOOP_READ;
	if (what & EV_WRITE)
		events |= SL_LOOP_WRITE;
	fd->ready(fd, events);
}

static short wanted(const struct sl_loop_fd *fd)
{
	short events = EV_PERSIST;

	if (fd->events & SL_LOOP_READ)
		events |= EV_READ;
	if (fd->events & SL_LOOP_WRITE)
		events |= EV_WRITE;
	return events;
}

static int fd_set_events(struct sl_loop *loop, struct sl_loop_fd *fd)
{
	struct event *event = fd->backend;

	if (!event) {
		event = event_new(loop->context, fd->fd, wanted(fd), fd_ready, fd);
		if (!event)
			return -ENOMEM;
		fd->backend = event;
	} else if (event_del(event) != 0 ||
		   event_assign(event, loop->context, fd->fd, wanted(fd), fd_ready, fd) != 0) {
		return -EIO;
	}
	if (!fd->events)
		return 0;
	return event_add(event, NULL) == 0 ? 0 : -EIO;
}

static void fd_clear(struct sl_loop *loop, struct sl_loop_fd *fd)
{
	(void)loop;
	if (fd->backend)
		event_free(fd->backend);
	fd->backend = NULL;
}

static void timer_fired(evutil_socket_t handle, short what, void *context)
{
	struct sl_loop_timer *timer = context;

	(void)handle;
	(void)what;
	timer->fire(timer);
}

static int timer_set(struct sl_loop *loop, struct sl_loop_timer *timer, uint64_t delay_ms)
{
	struct timeval delay = { .tv_sec = (time_t)(delay_ms / MS_PER_S),
				 .tv_usec = (suseconds_t)(delay_ms % MS_PER_S * US_PER_MS) };
	struct event *event = timer->backend;

	if (!event) {
		event = evtimer_new(loop->context, timer_fired, timer);
		if (!event)
			return -ENOMEM;
		timer->backend = event;
	}
	return evtimer_add(event, &delay) == 0 ? 0 : -EIO;
}

static void timer_clear(struct sl_loop *loop, struct sl_loop_timer *timer)
{
	(void)loop;
	if (timer->backend)
		event_free(timer->backend);
	timer->backend = NULL;
}

static uint64_t now_ns(struct sl_loop *loop)
{
	(void)loop;
	return sl_monotonic_ns();
}

int sl_loop_event_new(struct sl_loop **ret, struct event_base *base)
{
	struct sl_loop *loop = malloc(sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	*loop = (struct sl_loop){
		.context = base,
		.fd_set = fd_set_events,
		.fd_clear = fd_clear,
		.timer_set = timer_set,
		.timer_clear = timer_clear,
		.now_ns = now_ns,
	};
	*ret = loop;
	return 0;
}

void sl_loop_event_free(struct sl_loop *loop)
{
	free(loop);
}
