/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run handlers. The loop starts a run only when a thread is free, so
 * nothing waits in here; what is done comes back in the loop's thread.
 *
 * Owner:  a run belongs to the pool from start to @done.
 * Thread: the loop's.
 */
#pragma once

#include "userspace/base/loop.h"
#include "userspace/worker/run.h"

struct sl_pool;

/* -ENOMEM, -EAGAIN (no more threads), or why an eventfd could not be made. */
int sl_pool_new(struct sl_pool **ret, struct sl_loop *loop, unsigned int threads,
		void (*done)(void *context, struct sl_run *run), void *context);
/* Waits for every run: stop them before. NULL is fine. */
void sl_pool_free(struct sl_pool *pool);

unsigned int sl_pool_idle(const struct sl_pool *pool);
unsigned int sl_pool_busy(const struct sl_pool *pool);
/* -EBUSY: no thread is free. */
int sl_pool_start(struct sl_pool *pool, struct sl_run *run);
