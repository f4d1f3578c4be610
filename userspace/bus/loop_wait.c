// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/loop_wait.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "userspace/bus/loop_event.h"

struct sl_loop_wait {
	struct event_base *base;
	struct sl_loop *loop;
};

int sl_loop_wait_new(struct sl_loop_wait **ret)
{
	struct sl_loop_wait *wait = calloc(1, sizeof(*wait));
	int err = -ENOMEM;

	if (wait)
		wait->base = event_base_new();
	if (wait && wait->base)
		err = sl_loop_event_new(&wait->loop, wait->base);
	if (err) {
		sl_loop_wait_free(wait);
		return err;
	}
	*ret = wait;
	return 0;
}

void sl_loop_wait_free(struct sl_loop_wait *wait)
{
	if (!wait)
		return;
	sl_loop_event_free(wait->loop);
	if (wait->base)
		event_base_free(wait->base);
	free(wait);
}

struct sl_loop *sl_loop_wait_loop(struct sl_loop_wait *wait)
{
	return wait->loop;
}

void sl_loop_wait_until(struct sl_loop_wait *wait, const bool *done)
{
	while (!*done)
		(void)event_base_loop(wait->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}
