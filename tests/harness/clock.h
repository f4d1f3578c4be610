/* SPDX-License-Identifier: Apache-2.0 */
/* Time for the tools of tests, bench and demo. */
#pragma once

#include <stdint.h>
#include <time.h>

#define SL_NS_PER_S  1000000000ull
#define SL_NS_PER_US 1000ull

/* CLOCK_PROCESS_CPUTIME_ID, and the like; 0: there is no such clock (any more). */
static inline uint64_t sl_clock_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t sl_now_ns(void)
{
	return sl_clock_ns(CLOCK_MONOTONIC);
}

static inline void sl_sleep_until(uint64_t at_ns)
{
	struct timespec at = { .tv_sec = (time_t)(at_ns / SL_NS_PER_S),
			       .tv_nsec = (long)(at_ns % SL_NS_PER_S) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* floor(@ns * @per_s / 1 s), exact while the result is below 2^64. */
static inline uint64_t sl_due(uint64_t ns, uint64_t per_s)
{
	return ns / SL_NS_PER_S * per_s + ns % SL_NS_PER_S * per_s / SL_NS_PER_S;
}
