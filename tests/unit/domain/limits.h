/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of limit.h share. */
#pragma once

#include "tests/harness/test.h"

#include "userspace/domain/limit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S_NS	     1000000000ull
#define TICK_NS	     4000000ull
#define UNLIMITED                                                                                  \
	{                                                                                          \
		.unlimited = true                                                                  \
	}

static inline struct sl_rate count_rate(uint64_t per_s, uint64_t burst)
{
	const struct sl_rate_spec spec = { .per_s = per_s, .burst = burst };

	return sl_rate_cost(&spec, SL_UNIT_COUNT);
}

static inline struct sl_rate byte_rate(uint64_t per_s, uint64_t burst)
{
	const struct sl_rate_spec spec = { .per_s = per_s, .burst = burst };

	return sl_rate_cost(&spec, SL_UNIT_BYTES);
}
