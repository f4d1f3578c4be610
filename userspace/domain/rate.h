/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates as a person means them: a burst where none was given, and the bounds
 * that the data plane can enforce.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

#define SL_RATE_BURST_BYTES_MIN	    2048u  /* below it the largest packet never passes */
#define SL_RATE_BURST_BYTES_DEFAULT 16384u /* the least burst we choose ourselves */
#define SL_RATE_BURST_MS_DEFAULT    100u
/* Longer than TCP's least retransmission timer, 200 ms: a bucket that is full again
 * before TCP sends again has lost what it could not hold, and a policed connection
 * gets 40 to 49 % of its limit. With 250 ms it gets 97 % (tests/integration). */
#define SL_RATE_BURST_BYTES_MS_DEFAULT 250u

/* What @per_s admits in 100 ms (bytes: 250), at least one packet or connection, or 16 KiB. */
uint64_t sl_rate_default_burst(uint64_t per_s, enum sl_unit unit);

/*
 * Completes a rate whose unlimited and per_s are set. @burst 0: the default.
 * An unlimited or a zero rate has no burst: -EINVAL when one is given.
 * -ERANGE: below a packet, or longer than SL_BURST_NS_MAX at this rate.
 * On failure @rate is untouched and @error (may be NULL) says why.
 */
int sl_rate_set_burst(struct sl_rate_spec *rate, uint64_t burst, enum sl_unit unit,
		      struct sl_text_error *error);
