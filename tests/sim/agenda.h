/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What will happen, by time: a binary heap. Of two events of one time the one that was
 * put in first comes first, so that a run is the same every time.
 *
 * Owner:  the events are copied; what moment.data points to is the caller's.
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_moment {
	uint64_t at_ns;
	uint64_t order; /* set by sl_agenda_put */
	uint32_t kind;
	uint32_t subject;
	void *data;
};

struct sl_agenda {
	struct sl_moment *heap;
	size_t count;
	size_t room;
	uint64_t order;
};

/* Ends the program when there is no memory: a simulation that lost an event is worthless. */
void sl_agenda_put(struct sl_agenda *agenda, struct sl_moment moment);

/* False: nothing will happen any more. */
bool sl_agenda_take(struct sl_agenda *agenda, struct sl_moment *ret);

void sl_agenda_release(struct sl_agenda *agenda); /* the heap; not what .data points to */
