/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop for those who do one thing after the other and wait for each: commands.
 *
 * Owner:  sl_loop_wait_free(), after everything set in its loop was cleared.
 * Thread: one.
 */
#pragma once

#include <stdbool.h>

#include "userspace/base/loop.h"

struct sl_loop_wait;

/* -ENOMEM. */
int sl_loop_wait_new(struct sl_loop_wait **ret);
void sl_loop_wait_free(struct sl_loop_wait *wait); /* NULL is fine */

struct sl_loop *sl_loop_wait_loop(struct sl_loop_wait *wait);

/* Runs the loop until a callback made @done true. */
void sl_loop_wait_until(struct sl_loop_wait *wait, const bool *done);
