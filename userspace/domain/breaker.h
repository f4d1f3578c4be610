/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circuit breakers, one for each tenant and provider: a provider that fails one
 * tenant's jobs is left alone for a while, and others' jobs still go there.
 *
 * Closed: calls pass. It opens after so many failures in a row, or when of the calls
 * of the last window a share failed. Open: none pass. After open_ns it is half open:
 * a few calls pass, and their results close it or open it again. A success that took
 * longer than latency_ns is a failure.
 *
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/table.h"

#define SL_BREAKER_SLICES 6 /* of the window */
#define SL_BREAKER_NAME	  129

enum sl_breaker_state {
	SL_BREAKER_CLOSED = 0,
	SL_BREAKER_OPEN,
	SL_BREAKER_HALF_OPEN,
};

/* The contract's: 5, 2, 60 s, 3, 0.5 over 60 s, 5000 ms. */
struct sl_breaker_limits {
	uint32_t failures;
	uint32_t successes;
	uint64_t open_ns;
	uint32_t half_open_calls;
	double error_rate;
	uint32_t calls_min; /* in the window before its error rate says anything */
	uint64_t window_ns;
	uint64_t latency_ns;
};

extern const struct sl_breaker_limits sl_breaker_limits_default;

struct sl_breaker {
	char tenant[SL_BREAKER_NAME]; /* cut when longer: to be shown */
	char provider[SL_BREAKER_NAME];
	enum sl_breaker_state state;
	uint32_t failures;  /* in a row */
	uint32_t successes; /* in a row, half open */
	uint32_t trials;    /* let through half open */
	uint64_t since_ns;  /* of the state */
	uint64_t trial_ns;  /* of the last one let through */
	uint64_t slice;	    /* number of the newest slice */
	uint32_t calls[SL_BREAKER_SLICES], errors[SL_BREAKER_SLICES];
	uint64_t opened_total;
};

const char *sl_breaker_state_name(enum sl_breaker_state state); /* "half_open" */

/* May a call pass now? Changes nothing. NULL: no breaker, so yes. */
bool sl_breaker_admits(const struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		       uint64_t now_ns);
/* A call passes: half open counts it. True: the state changed. */
bool sl_breaker_take(struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		     uint64_t now_ns);
/* A call ended. True: the state changed. */
bool sl_breaker_report(struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		       bool success, uint64_t latency_ns, uint64_t now_ns);
/* Of the window, 0..1; *ret_calls may be NULL. */
double sl_breaker_error_rate(const struct sl_breaker *breaker,
			     const struct sl_breaker_limits *limits, uint64_t now_ns,
			     uint32_t *ret_calls);

/* In a table of values of sizeof(struct sl_breaker): NULL when it has had no call. */
struct sl_breaker *sl_breaker_find(struct sl_table *breakers, struct sl_span tenant,
				   struct sl_span provider, uint64_t now_ns);
/* The same, made when there is none. */
struct sl_breaker *sl_breaker_get(struct sl_table *breakers, struct sl_span tenant,
				  struct sl_span provider, uint64_t now_ns);
