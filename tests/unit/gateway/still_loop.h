/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of a loop in which nothing happens by itself. */
#pragma once

#include "userspace/base/loop.h"

static inline int no_timer(struct sl_loop *loop, struct sl_loop_timer *timer, uint64_t delay_ms)
{
	(void)loop;
	(void)timer;
	(void)delay_ms;
	return 0;
}

static inline void no_clear(struct sl_loop *loop, struct sl_loop_timer *timer)
{
	(void)loop;
	(void)timer;
}
