/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker measures of its queue: how long jobs waited, how many a second were done,
 * refused and expired. Rates and delays are of the last four slices, each as long as the
 * class of work asks for: 250 ms for interactive work, so that a change shows at once, up
 * to 15 s for long jobs, so that there is something to count.
 *
 * The delay of what still waits counts as well: else a worker that is stuck would look
 * as if nobody waited.
 *
 * Owner:  plain data; sl_meter_init() first.
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include "userspace/pressure/signal.h"

#define SL_METER_SLICES	 4u
#define SL_METER_SAMPLES 512u

enum sl_meter_event {
	SL_METER_DONE = 0,
	SL_METER_REFUSED, /* for want of room: not what shedding refuses */
	SL_METER_EXPIRED, /* dropped from the queue: by its deadline, or it waited too long */
	SL_METER_ADMITTED,
};
#define SL_METER_EVENTS 4u

struct sl_meter {
	uint64_t begun_ns, slice_ns;
	uint64_t slice; /* number of the newest one */
	uint32_t counts[SL_METER_EVENTS][SL_METER_SLICES];
	struct {
		uint64_t at_ns, waited_ns;
	} samples[SL_METER_SAMPLES];
	size_t next;
};

void sl_meter_init(struct sl_meter *meter, uint64_t target_ns, uint64_t now_ns);
void sl_meter_count(struct sl_meter *meter, enum sl_meter_event event, uint64_t now_ns);
/* A job waited so long, until now. */
void sl_meter_waited(struct sl_meter *meter, uint64_t waited_ns, uint64_t now_ns);
double sl_meter_per_s(struct sl_meter *meter, enum sl_meter_event event, uint64_t now_ns);

/* Since when each of those that wait does; what is over SL_METER_SAMPLES is left out. */
struct sl_meter_waiting {
	const uint64_t *since_ns;
	size_t count;
};
/* The delays and rates of @signal; the rest is left alone. */
void sl_meter_read(struct sl_signal *signal, struct sl_meter *meter,
		   const struct sl_meter_waiting *waiting, uint64_t now_ns);
