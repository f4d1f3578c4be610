/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clients of NATS and Redis ask of an event loop. Two give it: libevent
 * (bus/loop_event.h) in the daemons, nginx in the gateway.
 *
 * Thread: only the loop's own. Callbacks come from the loop, never from inside a
 *         call of this interface.
 */
#pragma once

#include <stdint.h>

#define SL_LOOP_READ  0x1u
#define SL_LOOP_WRITE 0x2u

struct sl_loop;

struct sl_loop_fd {
	int fd;
	unsigned int events; /* wanted; level triggered */
	void (*ready)(struct sl_loop_fd *fd, unsigned int events);
	void *context; /* the owner's */
	void *backend; /* the loop's; NULL before the first set and after clear */
};

struct sl_loop_timer {
	void (*fire)(struct sl_loop_timer *timer);
	void *context;
	void *backend;
};

/* The owner keeps the fd and timer structures until they are cleared. */
struct sl_loop {
	void *context;
	/* Watches fd->fd for fd->events (0: none, but stay registered). 0 or -errno. */
	int (*fd_set)(struct sl_loop *loop, struct sl_loop_fd *fd);
	/* Before the descriptor is closed. Fine when it was never set, and from ready(). */
	void (*fd_clear)(struct sl_loop *loop, struct sl_loop_fd *fd);
	/* Once, after @delay_ms; set again to move it. 0: after the callback that runs, in
	 * this turn or the next without waiting. 0 or -errno. */
	int (*timer_set)(struct sl_loop *loop, struct sl_loop_timer *timer, uint64_t delay_ms);
	void (*timer_clear)(struct sl_loop *loop, struct sl_loop_timer *timer);
	/* CLOCK_MONOTONIC, as old as this turn of the loop at most. */
	uint64_t (*now_ns)(struct sl_loop *loop);
};
