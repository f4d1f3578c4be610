/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scale of the programs' coarse clock, measured: jiffies64 * tick + offset reads
 * as CLOCK_MONOTONIC, at most a tick behind and never ahead.
 *
 * With high-resolution timers (every kernel with NO_HZ) jiffies advance by exactly
 * a tick of CLOCK_MONOTONIC, so the two do not drift apart. On a kernel with a
 * periodic tick they do, by what NTP slews (at most 500 ppm, 43 s a day); a
 * restart of the agent measures again.
 */
#pragma once

#include <stdint.h>

#include "userspace/dataplane/error.h"

struct sl_clock {
	uint64_t tick_ns;
	uint64_t offset_ns; /* wraps modulo 2^64 */
};

/* A step of jiffies: a time just before @jiffies were first read, or later. */
struct sl_clock_step {
	uint64_t now_ns;
	uint64_t jiffies;
};

/*
 * The scale that @count steps, in order, show. Pure.
 * -ERANGE: their ticks are not within 1 % of a known length (or there are no two steps).
 */
int sl_clock_fit(struct sl_clock *ret, const struct sl_clock_step *steps, unsigned count);

/*
 * Takes some ticks (30 to 100 ms) of one CPU; where steps come late, up to seconds.
 * Runs a program of a few instructions.
 * -EPERM: needs CAP_BPF. -ERANGE: no known length of a tick fits.
 */
int sl_clock_measure(struct sl_clock *ret, struct sl_dp_error *error);

/*
 * The clock to use: @kept as long as it is within a tick of @measured, so that
 * a restart moves no bucket; else @measured. @kept->tick_ns 0: there is none.
 */
struct sl_clock sl_clock_choose(const struct sl_clock *kept, const struct sl_clock *measured);
