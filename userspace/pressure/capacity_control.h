/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C, the requests a second that a pool is given: raised by addition while all is well,
 * cut by multiplication while it is not (AIMD), one step a second:
 *
 *	OK     C += max(1, 1 % of C), and up to 10 % more of that, by luck: not all routers
 *	       at once
 *	WARN   C *= max(.95, 1 - .05 (p - 1))
 *	SHED   C *= max(.70, 1 - .10 (p - 1)), STOP as well
 *	STALE  stays for 10 s; then C *= .8 each 10 s, down to half; after 60 s it fails
 *
 * What workers finish while all of them are busy is what they can; while a part of their
 * slots is free, as much more. So C is cut to no less than a fifth above it, the rest is the
 * credits' to refuse; it begins there when SHED does, and is held within a half above it while
 * p > 1.5. In SHED it is never below what
 * they finish, whatever it was cut to while there were none.
 * While there is room (p < 1 in WARN or SHED) C doubles each second while less than half
 * of it is used (p < .5), up to half of what it was when all was well; else it grows by
 * four fifths of the share that is free (all of it would be the limit): fast at first, slow at the
 *end, so that it does not swing. Credits bound what waits meanwhile.
 *
 * Owner:  plain data; sl_capacity_control_init() first.
 * Thread: one at a time; time and randomness are the caller's.
 * Source: DAGOR (5 % and 1 %), Netflix concurrency-limits (0.9), Breakwater (Cho et al.,
 *         OSDI 2020) for the proportional part.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/pressure/level.h"

#define SL_CAPACITY_STEP_NS 1000000000ull
#define SL_CAPACITY_MIN	    1.0 /* a second */
#define SL_CAPACITY_MAX	    1e9

struct sl_capacity_control {
	double per_s;
	double good_per_s; /* what was used of it while all was well; it fades by a tenth a second
			    */
	double stale_per_s;
	uint64_t stepped_ns, stale_ns, stale_cut_ns;
	enum sl_pressure_state state; /* of the last step */
	bool failed;		      /* stale for too long: the caller's fail mode decides */
};

struct sl_capacity_step {
	enum sl_pressure_state state;
	double pressure;
	double done_per_s;     /* what the workers finish */
	double busy;	       /* 0..1, of their slots; 0: not known, as 1 */
	double admitted_per_s; /* what was let through */
	double jitter;	       /* 0..1, of a random number */
};

void sl_capacity_control_init(struct sl_capacity_control *control, double per_s, uint64_t now_ns);
/* Once a second, and at once when the state changed; between, nothing happens. True: a step. */
bool sl_capacity_control_step(struct sl_capacity_control *control,
			      const struct sl_capacity_step *step, uint64_t now_ns);
