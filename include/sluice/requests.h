/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Limits of requests as they stand in shared memory: one word of state for each
 * bucket, the time at which it will be full again (see bpf/lib/bucket.h). Who
 * enforces gets pointers to a limit and to a word, wherever those live.
 *
 * Units: nanoseconds of CLOCK_MONOTONIC.
 */
#pragma once

#include <linux/types.h>

/*
 * @period_ns 0: unlimited. @burst_ns 0 with a period: blocked. Else @burst_ns is a
 * multiple of @period_ns: that many requests at once, one more each period.
 */
struct sl_request_limit {
	__u64 period_ns;
	__u64 burst_ns;
};

/* Charged by compare-and-swap from any number of processes. 0: full since ever. */
struct sl_request_word {
	__u64 tat_ns;
};
