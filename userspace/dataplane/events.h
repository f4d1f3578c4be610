/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumer of sampled drop events. A ring buffer has one consumer: the agent;
 * sluicectl only when the agent is dead.
 *
 * Owner:  sl_events_close().
 * Thread: one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"

struct sl_events;

/* @event is valid only during the call. */
typedef void sl_event_fn(const struct sl_event *event, void *context);

/* @maps must be open for writing (the consumer's position is written) and outlive it. */
int sl_events_open(struct sl_events **ret, const struct sl_maps *maps, sl_event_fn *function,
		   void *context, struct sl_dp_error *error);

/* NULL is fine. */
void sl_events_close(struct sl_events *events);

static inline void sl_events_closep(struct sl_events **events)
{
	sl_events_close(*events);
}

/*
 * Hands at most @max events to the function; their number in @ret_count. The
 * programs wake nobody: call it on a timer. A record of another size is skipped.
 */
int sl_events_poll(size_t *ret_count, struct sl_events *events, size_t max,
		   struct sl_dp_error *error);
