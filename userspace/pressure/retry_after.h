/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When somebody who was shed should come back: not all of them at once.
 *
 * Thread: pure functions; randomness is a parameter.
 * Source: "full jitter" around a base, as Brooker, "Exponential Backoff And Jitter".
 */
#pragma once

#include <stdint.h>

#define SL_RETRY_AFTER_MAX_S 3600u

/*
 * @base_s x U(0.5, 1.5), from @random's 64 even bits; never below 1 s, never above
 * SL_RETRY_AFTER_MAX_S.
 */
uint32_t sl_retry_after_s(uint32_t base_s, uint64_t random);
