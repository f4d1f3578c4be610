/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How hard a pool of workers is pressed, in one number, and what follows from it.
 *
 *	p = max(queue delay / target, in flight / limit, queue depth / (drain rate x target),
 *	        min(3, refused share / 0.05), unacked / (0.9 x most that may be unacked))
 *
 * where the depth is without what free slots take. It is smoothed by an EWMA of 0.3 a
 * signal. 1 is what is wanted: all are busy and nobody waits longer than the target. The
 * state follows p with hysteresis and dwell:
 *
 *	OK     p > 1.0 on two signals -> WARN; p > 1.5 on two, or a drop -> SHED
 *	WARN   p < 0.7 for 5 s -> OK; p > 1.5 on two signals, or a drop -> SHED
 *	SHED   p < 0.8 for 10 s -> WARN; p > 4 for 2 s, or no worker -> STOP
 *	STOP   p < 1.0 for 10 s, with a worker -> SHED; at once when one is back after none was left
 *	STALE  from any, when no signal came for 3 s; the next fresh one leads back
 *
 * A signal stands for the 250 ms before it: two in a row for the 500 ms that the scheme
 * asks for. Who is hard pressed speaks sooner (gauge.h).
 *
 * Owner:  plain data, zeroed at first.
 * Thread: one at a time; time is the caller's.
 * Source: design of backpressure, section 4; DAGOR (Zhou et al., SoCC 2018) for the queue
 *         delay as the signal, Google's SRE book for the states' meaning.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_PRESSURE_MAX	      10.0 /* of one term: what is above says nothing more */
#define SL_PRESSURE_STALE_NS  3000000000ull
#define SL_PRESSURE_PERIOD_NS 250000000ull

enum sl_pressure_state {
	SL_PRESSURE_OK = 0,
	SL_PRESSURE_WARN,
	SL_PRESSURE_SHED,
	SL_PRESSURE_STOP,
	SL_PRESSURE_STALE,
};
#define SL_PRESSURE_STATES 5u

const char *sl_pressure_state_name(enum sl_pressure_state state); /* "ok", "warn", ... */
/* -ENOENT: no such word. */
int sl_pressure_state_of(enum sl_pressure_state *ret, struct sl_span name);

struct sl_pressure_inputs {
	double queue_delay_s;
	double target_s; /* above 0 */
	double inflight, limit;
	double queue_depth;
	double drain_per_s;	     /* jobs that end */
	double offered_per_s;	     /* done and refused together, or more */
	double refused_per_s;	     /* for want of room; what shedding refuses does not count */
	double unacked, unacked_max; /* 0: unknown */
};

/* 0..SL_PRESSURE_MAX, not smoothed. */
double sl_pressure_of(const struct sl_pressure_inputs *inputs);

struct sl_level {
	enum sl_pressure_state state, before_stale;
	double pressure; /* smoothed */
	uint64_t signal_ns;
	unsigned int over_warn, over_shed;	      /* signals in a row */
	uint64_t calm_ns, still_ns, easy_ns, high_ns; /* since when p is under .7, .8, 1; over 4 */
	bool begun;
	bool was_deserted; /* at the last signal */
};

struct sl_level_signal {
	double pressure; /* sl_pressure_of() */
	bool dropped;	 /* a slow consumer, a message that was dropped: since the last one */
	bool deserted;	 /* no worker is left */
};

/* A fresh signal, one each 250 ms or so. True: the state changed. */
bool sl_level_signal(struct sl_level *level, const struct sl_level_signal *signal, uint64_t now_ns);
/* No signal, but time goes on: STALE. True: the state changed. */
bool sl_level_tick(struct sl_level *level, uint64_t now_ns);
