/* SPDX-License-Identifier: Apache-2.0 */
/* The loop on libevent, for the daemons. */
#pragma once

#include "userspace/base/loop.h"

struct event_base;

/* 0 or -ENOMEM. @base outlives it. */
int sl_loop_event_new(struct sl_loop **ret, struct event_base *base);
/* After everything set in it was cleared. NULL is fine. */
void sl_loop_event_free(struct sl_loop *loop);
