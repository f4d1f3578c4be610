/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of cost through a bucket of one word (sluice/requests.h): a request reserves what
 * it may cost, and when it is known what it did cost the difference is given back or
 * charged. Amounts are nanoseconds of the bucket: units times the limit's period.
 *
 * What is charged too late is a debt of one full bucket at most: a bucket that is further
 * ahead counts as just empty.
 *
 * Thread: any number of processes on the same word; time is a parameter.
 */
#pragma once

#include <stdint.h>

#include "sluice/requests.h"

/* @units in nanoseconds of the bucket, at most a full one. Negative and NaN: 0. */
uint64_t sl_cost_ns(const struct sl_request_limit *limit, double units);

/*
 * 0: taken. Else nothing was, and so many nanoseconds until it would be; UINT64_MAX:
 * never. At most half a bucket is to be asked for, or it may wait for ever beside others.
 */
uint64_t sl_cost_reserve(const struct sl_request_limit *limit, struct sl_request_word *word,
			 uint64_t amount_ns, uint64_t now_ns);

/* It was @reserved_ns, and came to @used_ns. */
void sl_cost_settle(struct sl_request_word *word, uint64_t reserved_ns, uint64_t used_ns);
