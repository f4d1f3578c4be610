// SPDX-License-Identifier: Apache-2.0
#include "userspace/service/program_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "userspace/bus/loop_event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };

struct sl_program_loop {
	struct event_base *base;
	struct sl_loop *bus;
	struct event *events[COUNT(numbers)];
	struct sl_program_signals signals;
	void *context;
};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct sl_program_loop *loop = arg;

	(void)what;
	if (number == SIGHUP)
		loop->signals.reload(loop->context);
	else
		loop->signals.end(loop->context);
}

static int make(struct sl_program_loop *loop)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	loop->base = event_base_new();
	if (!loop->base)
		return -ENOMEM;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		loop->events[i] = evsignal_new(loop->base, numbers[i], on_signal, loop);
		if (!loop->events[i] || event_add(loop->events[i], NULL) != 0)
			return -ENOMEM;
	}
	return sl_loop_event_new(&loop->bus, loop->base);
}

int sl_program_loop_new(struct sl_program_loop **ret, const struct sl_program_signals *signals,
			void *context)
{
	struct sl_program_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->signals = *signals;
	loop->context = context;
	err = make(loop);
	if (err) {
		sl_program_loop_free(loop);
		return err;
	}
	*ret = loop;
	return 0;
}

struct event_base *sl_program_loop_base(const struct sl_program_loop *loop)
{
	return loop->base;
}

struct sl_loop *sl_program_loop_bus(const struct sl_program_loop *loop)
{
	return loop->bus;
}

void sl_program_loop_free(struct sl_program_loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (loop->events[i])
			event_free(loop->events[i]);
	sl_loop_event_free(loop->bus);
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}
