/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests through buckets of one word (sluice/requests.h): the Generic Cell Rate
 * Algorithm, ITU-T I.371, as bpf/lib/bucket.h has it, for several levels at once.
 *
 * Thread: any number of threads and processes on the same words; time is a
 *         parameter. A refusal does not write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/requests.h"

#define SL_GCRA_LEVELS_MAX 8
#define SL_GCRA_BURST_MAX  (1ull << 53) /* ns: 104 days */

/* @requests in each @window_ns, all of them at once at most; 0 requests: blocked. */
struct sl_request_limit sl_gcra_limit(uint64_t requests, uint64_t window_ns);

/* One limit and its word; what a request must pass, all of them or none. */
struct sl_gcra_level {
	struct sl_request_limit limit;
	struct sl_request_word *word;
};

struct sl_gcra_verdict {
	bool admitted;
	size_t level;	  /* that refused; when admitted: with the least left */
	uint64_t wait_ns; /* refused: until a request would be admitted; UINT64_MAX: never */
};

/* Looks at every level, then charges each, or none. @count at most SL_GCRA_LEVELS_MAX. */
void sl_gcra_take(struct sl_gcra_verdict *ret, const struct sl_gcra_level *levels, size_t count,
		  uint64_t now_ns);

/* The same without a charge. */
void sl_gcra_look(struct sl_gcra_verdict *ret, const struct sl_gcra_level *levels, size_t count,
		  uint64_t now_ns);

/* Whole requests that are left; UINT64_MAX: unlimited. */
uint64_t sl_gcra_left(const struct sl_gcra_level *level, uint64_t now_ns);
/* How many the bucket holds when full; UINT64_MAX: unlimited. */
uint64_t sl_gcra_size(const struct sl_request_limit *limit);
/* Until the bucket is full again. */
uint64_t sl_gcra_reset_ns(const struct sl_gcra_level *level, uint64_t now_ns);
