/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs cost, while they go on: the sum of their events until nothing came for a
 * while. So many are kept open; one more closes the one that was quiet longest.
 *
 * Thread: one at a time. Time is CLOCK_MONOTONIC, the caller's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sl_runs;

/* A run is over: @label is that of its first event. */
typedef void sl_runs_closed(void *context, size_t label, double cost);

/* -ENOMEM. */
int sl_runs_new(struct sl_runs **ret, uint32_t open_max, sl_runs_closed *closed, void *context);
void sl_runs_free(struct sl_runs *runs); /* closes none */

void sl_runs_add(struct sl_runs *runs, const char *run, size_t label, double cost, uint64_t now_ns);
/* Closes those that nothing came for since @before_ns. */
void sl_runs_close_quiet(struct sl_runs *runs, uint64_t before_ns);
size_t sl_runs_open(const struct sl_runs *runs);
