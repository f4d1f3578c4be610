/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adaptive throttling at the client: who asks counts how many of its requests were
 * accepted, and stops asking the more, the fewer were. What is refused here costs
 * the one that is overloaded nothing.
 *
 *	p(refuse) = max(0, (requests - K x accepts) / (requests + 1)), K = 2
 *
 * over the last two minutes. Requests are those that had an outcome and those that
 * were refused here. With few requests nothing is refused, and never all are: the
 * rest finds out when it is better: what was counted before five seconds in which nearly
 * all that was sent was accepted says nothing any more. Who is told that all is well need
 * not wait for them: sl_throttle_forget().
 *
 * Owner:  plain data, zeroed at first.
 * Thread: one at a time; time and randomness are the caller's.
 * Source: Beyer et al., "Site Reliability Engineering", chapter 21.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SL_THROTTLE_WINDOW_NS	 120000000000ull
#define SL_THROTTLE_SLICES	 24u
#define SL_THROTTLE_REQUESTS_MIN 20u
#define SL_THROTTLE_REFUSE_MAX	 0.9

struct sl_throttle {
	uint64_t slice; /* number of the newest one */
	uint32_t requests[SL_THROTTLE_SLICES];
	uint32_t accepts[SL_THROTTLE_SLICES];
	uint32_t refusals[SL_THROTTLE_SLICES]; /* by the other side */
};

/* The share that is refused now, 0..SL_THROTTLE_REFUSE_MAX. @ratio is K, at least 1. */
double sl_throttle_refuses(struct sl_throttle *throttle, double ratio, uint64_t now_ns);

/* Enough requests were counted to judge by. */
bool sl_throttle_is_known(struct sl_throttle *throttle, uint64_t now_ns);

/* May this request go out? False counts it as one that was refused here. */
bool sl_throttle_admits(struct sl_throttle *throttle, double ratio, uint64_t now_ns,
			uint64_t random);

/* The same, where @share is refused. */
bool sl_throttle_draws(struct sl_throttle *throttle, double share, uint64_t now_ns,
		       uint64_t random);

/* A request that went out was accepted, or not: refused as too much, or without an answer. */
void sl_throttle_report(struct sl_throttle *throttle, bool accepted, uint64_t now_ns);

/* It said that all is well: what was counted says nothing any more. */
void sl_throttle_forget(struct sl_throttle *throttle);
