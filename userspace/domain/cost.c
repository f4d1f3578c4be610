/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/cost.h"

#include <stdbool.h>

#define TRIES 16

uint64_t sl_cost_ns(const struct sl_request_limit *limit, double units)
{
	double amount_ns = units * (double)limit->period_ns;

	if (!(amount_ns > 0))
		return 0;
	return amount_ns < (double)limit->burst_ns ? (uint64_t)amount_ns : limit->burst_ns;
}

/* Further ahead than a full burst an older, slower limit left it: it counts as just empty. */
static uint64_t ahead(uint64_t tat_ns, uint64_t burst_ns, uint64_t now_ns)
{
	int64_t ahead_ns = (int64_t)(tat_ns - now_ns);

	if (ahead_ns <= 0)
		return 0;
	return (uint64_t)ahead_ns < burst_ns ? (uint64_t)ahead_ns : burst_ns;
}

uint64_t sl_cost_reserve(const struct sl_request_limit *limit, struct sl_request_word *word,
			 uint64_t amount_ns, uint64_t now_ns)
{
	__u64 tat_ns = __atomic_load_n(&word->tat_ns, __ATOMIC_RELAXED);

	if (!limit->period_ns)
		return 0;
	if (!limit->burst_ns || amount_ns > limit->burst_ns)
		return UINT64_MAX;
	for (int i = 0; i < TRIES; i++) {
		uint64_t after_ns = ahead(tat_ns, limit->burst_ns, now_ns) + amount_ns;

		if (after_ns > limit->burst_ns)
			return after_ns - limit->burst_ns;
		if (__atomic_compare_exchange_n(&word->tat_ns, &tat_ns, now_ns + after_ns, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return 0;
	}
	/* Others won every time, so the word moved on: add without the check. */
	__atomic_fetch_add(&word->tat_ns, amount_ns, __ATOMIC_RELAXED);
	return 0;
}

void sl_cost_settle(struct sl_request_word *word, uint64_t reserved_ns, uint64_t used_ns)
{
	if (used_ns > reserved_ns)
		__atomic_fetch_add(&word->tat_ns, used_ns - reserved_ns, __ATOMIC_RELAXED);
	else if (used_ns < reserved_ns)
		__atomic_fetch_sub(&word->tat_ns, reserved_ns - used_ns, __ATOMIC_RELAXED);
}
