/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks that a program reads: one that only counts, for durations and
 * deadlines, and the one of the wall, for what is shown or leaves the machine.
 * Pure code takes the time as a parameter and does not include this.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t sl_clock_read_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now); /* can fail for a clock that does not exist only */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC: the same for all programs of the machine, and for bpf_ktime_get_ns(). */
static inline uint64_t sl_monotonic_ns(void)
{
	return sl_clock_read_ns(CLOCK_MONOTONIC);
}

/* CLOCK_REALTIME: since 1970, UTC; steps when somebody sets it. */
static inline uint64_t sl_wall_ns(void)
{
	return sl_clock_read_ns(CLOCK_REALTIME);
}

static inline uint64_t sl_wall_ms(void)
{
	return sl_wall_ns() / 1000000u;
}

/* The same with a sign, for times that may be long ago or are subtracted from each other. */
static inline int64_t sl_unix_ms(void)
{
	return (int64_t)sl_wall_ms();
}
