/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts windows (window.h): this worker's connection to Redis, and what became of its
 * questions.
 *
 * Owner:  part of the gateway of one worker; sl_window_free() ends what waits, silently.
 * Thread: the loop's. No call blocks but sl_window_new(), which asks for names.
 */
#pragma once

#include "userspace/base/loop.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/shared.h"
#include "userspace/gateway/window.h"

struct sl_log;
struct sl_window;

struct sl_window_options {
	struct sl_loop *loop;
	const struct sl_settings *settings;
	struct sl_worker_counters *counters;
	struct sl_log *log; /* may be NULL */
	uint64_t seed;
};

/* 0 with *ret NULL when nothing is counted in Redis. -ENOMEM. Settings that Redis' client
 * refuses: logged, and every question then fails. */
int sl_window_new(struct sl_window **ret, const struct sl_window_options *options);
void sl_window_free(struct sl_window *window);

/* What sl_window_new() would stumble over, for people. 0 or -EINVAL. */
int sl_window_check(const struct sl_settings *settings, char *ret_why, size_t size);

enum sl_window_mode sl_window_mode(const struct sl_window *window);
/* Redis answers, as far as this worker knows. */
bool sl_window_is_up(const struct sl_window *window);

/* @verdict NULL: none came. SL_WINDOW_OUTCOMES: the gateway ends, let go what @context is. */
typedef void sl_window_done(void *context, enum sl_window_outcome outcome,
			    const struct sl_window_verdict *verdict);

/*
 * Counts a request of @tenant in @count levels. On 0 @done comes exactly once, from the loop.
 * Else it does not come, and *ret_outcome says why. Either is counted, and logged when it
 * changes whether Redis can be asked.
 */
int sl_window_take(struct sl_window *window, struct sl_span tenant,
		   const struct sl_window_level *levels, size_t count, sl_window_done *done,
		   void *context, enum sl_window_outcome *ret_outcome);

/* Where they stand, for who wants to know; neither counted nor logged. */
int sl_window_look(struct sl_window *window, struct sl_span tenant,
		   const struct sl_window_level *levels, size_t count, sl_window_done *done,
		   void *context);
