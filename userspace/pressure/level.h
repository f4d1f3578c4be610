/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How hard a pool of workers is pressed, in one number, and what follows from it.
 *
 *	p = max(queue delay / target, in flight / limit, queue depth / (drain rate x target),
 *	        min(3, refused share / 0.05), unacked / (0.9 x most that may be unacked))
 *
 * where the depth is without what free slots take, and the delay that of the last second or
 * more counts only while no slot is free: else it is over. It is smoothed by an EWMA of 0.3 a
 * signal. 1 is what is wanted: all are busy and nobody waits longer than the target. The
 * state follows p with hysteresis and dwell:
 *
 *	OK     p > 1.0 for 400 ms -> WARN; p > 1.5 for 100 ms, or a drop -> SHED
 *	WARN   p < 0.7 for 5 s -> OK; p > 1.5 for 100 ms, or a drop -> SHED
 *	SHED   p < 0.8 for 10 s -> WARN; p > 4 for 2 s, on the way up or since STOP or STALE
 *	       ended, or no worker -> STOP
 *	STOP   p < 1.0 for 10 s, with a worker -> SHED; at once when one is back after none was left
 *	STALE  from any, when no signal came for 3 s; the next fresh one leads back
 *
 * To warn and to shed, the signals themselves must say as much for that time on end, at two
 * of them the smoothed p as well. What stood still for a moment (a router, a worker or the
 * machine) has its burst worked off by then, and the smoothed p would not know: one signal of
 * 10 is enough for it to be over 1.5 for three.
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
	uint64_t over_ns, hard_ns; /* since when signals themselves are over 1; over 1.5 */
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
