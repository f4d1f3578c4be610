/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of a program and the signals that steer it. SIGPIPE is ignored: a peer
 * that hangs up is an error of write().
 *
 * Owner:  sl_program_loop_free(), after all that is in the loop. The base and the bus's
 *         loop are borrowed by their users.
 * Thread: one, which runs it.
 */
#pragma once

#include "userspace/base/loop.h"

struct event_base;
struct sl_program_loop;

/* Called from the loop; a signal that comes before it runs waits for it. */
struct sl_program_signals {
	void (*reload)(void *context); /* SIGHUP */
	void (*end)(void *context);    /* SIGTERM, SIGINT: each time */
};

/* @signals is copied. 0 or -errno. */
int sl_program_loop_new(struct sl_program_loop **ret, const struct sl_program_signals *signals,
			void *context);
struct event_base *sl_program_loop_base(const struct sl_program_loop *loop);
struct sl_loop *sl_program_loop_bus(const struct sl_program_loop *loop);
/* NULL is fine. */
void sl_program_loop_free(struct sl_program_loop *loop);
