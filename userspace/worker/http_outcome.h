/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a try to post a job means: its code, and whether another try is safe.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/worker.h"

enum sl_http_trouble {
	SL_HTTP_ANSWERED = 0, /* with a status */
	SL_HTTP_NOT_SENT,     /* name or connection: the provider saw nothing */
	SL_HTTP_TOO_SLOW,     /* sent, perhaps done */
	SL_HTTP_BROKEN,	      /* the same: reset, cut off */
	SL_HTTP_TOO_LARGE,    /* the answer */
	SL_HTTP_MISCONFIGURED,
};

enum sl_http_again {
	SL_HTTP_NEVER,	       /* it would not help, or all is done */
	SL_HTTP_SAFE,	       /* the provider did nothing */
	SL_HTTP_IF_IDEMPOTENT, /* it may have done it */
};

struct sl_http_outcome {
	enum sl_worker_code code; /* NO_CODE: a success */
	enum sl_http_again again;
};

struct sl_http_outcome sl_http_outcome_of(enum sl_http_trouble trouble, long status);

/* Backoff before try @attempt (1: the first repetition): doubled each time, with up to a
 * fifth more by @random, at most a minute. */
uint64_t sl_http_backoff_ms(uint32_t backoff_ms, unsigned int attempt, uint32_t random);
