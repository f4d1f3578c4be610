/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a message that could not be handled waits before it is delivered again
 * (contract 1.8, NATS_BACKOFF_MS; 2.9): one delay for each delivery, the last of them
 * for all further ones, and up to a fifth more at random, so that they spread.
 *
 * Thread: pure functions; randomness is a parameter.
 */
#pragma once

#include <stdint.h>

#include "userspace/domain/text.h"

#define SL_BACKOFF_MAX	  8u
#define SL_BACKOFF_MS_MAX 3600000u

struct sl_backoff {
	uint32_t count; /* 0: none was given */
	uint32_t delay_ms[SL_BACKOFF_MAX];
};

/*
 * "1000,2000,4000" or "1s,2s,4s": 1 to SL_BACKOFF_MAX delays of 1 ms to an hour, in
 * milliseconds where no unit is given. -EINVAL with @error (may be NULL).
 */
int sl_backoff_parse(struct sl_backoff *ret, const char *text, struct sl_text_error *error);

/* @first_ms (1..SL_BACKOFF_MS_MAX / 4), then twice, then four times as long. */
struct sl_backoff sl_backoff_doubling(uint32_t first_ms);

/* After delivery number @deliveries (1: the first). @backoff has one delay or more. */
uint64_t sl_backoff_ms(const struct sl_backoff *backoff, uint64_t deliveries, uint32_t random);
