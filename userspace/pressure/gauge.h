/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's side of backpressure: what it measured (meter.h) becomes pressure and state
 * (level.h), credits (credits.h), and the signal that says so (signal.h).
 *
 * A signal is due each 250 ms +-20 %, 100 ms after the last when the pressure has risen over
 * what is wanted, then each 50 ms while it is over 1.5 and until 300 ms after our own state
 * became SHED: the states of who listens follow from signals, and a quarter of a second is long
 * for who waits.
 *
 * Owner:  plain data; sl_gauge_init() first.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include "userspace/pressure/credits.h"
#include "userspace/pressure/meter.h"

struct sl_gauge_options {
	const char *pool, *source; /* sl_signal_is_name() */
	enum sl_work_class work;
	uint64_t epoch; /* wall clock at the start */
	uint32_t slots; /* jobs at once */
};

struct sl_gauge {
	struct sl_meter meter;
	struct sl_level level;
	struct sl_signal last; /* as it was sent */
	uint32_t slots;
	uint64_t sent_ns, next_ns;
	uint64_t changed_ns; /* when the state did last */
	uint64_t drops_judged;
	bool was_over; /* what was wanted, at the last signal */
};

struct sl_gauge_now {
	uint32_t busy;			 /* slots */
	struct sl_meter_waiting waiting; /* here */
	uint64_t backlog;		 /* in the stream behind it */
	uint64_t drops;			 /* since the start: slow consumer and the like */
	double unacked, unacked_max;	 /* 0: unknown */
	uint32_t routers;		 /* that share the credits */
	uint64_t wall_ms;
};

void sl_gauge_init(struct sl_gauge *gauge, const struct sl_gauge_options *options, uint64_t now_ns);
bool sl_gauge_is_due(struct sl_gauge *gauge, const struct sl_gauge_now *now, uint64_t now_ns);
/* The signal to send now. True: the state changed. */
bool sl_gauge_signal(struct sl_gauge *gauge, const struct sl_gauge_now *now, uint64_t random,
		     uint64_t now_ns);
