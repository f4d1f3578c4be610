/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/pressure_board.h"

#include "userspace/domain/gcra.h"

#define MS_NS 1000000ull

/* The word: milliseconds, then 12 bits of Retry-After, then 4 of the level. */
#define LEVEL_BITS 4u
#define RETRY_BITS 12u
#define TIME_SHIFT (LEVEL_BITS + RETRY_BITS)

static uint64_t pack(const struct sl_pressure_status *status, uint64_t asked_ns)
{
	/* One later, so that no time makes the word 0. */
	return (asked_ns / MS_NS + 1) << TIME_SHIFT |
	       (uint64_t)(status->retry_after_s & ((1u << RETRY_BITS) - 1)) << LEVEL_BITS |
	       (uint64_t)status->level;
}

bool sl_pressure_claim(struct sl_pressure_board *board, uint64_t interval_ns, uint64_t now_ns)
{
	uint64_t asked_ns = __atomic_load_n(&board->asked_ns, __ATOMIC_RELAXED);

	/* Timers are a little early or late: an eighth of it does not cost a whole one. */
	if (asked_ns && (int64_t)(now_ns - asked_ns) < (int64_t)(interval_ns - interval_ns / 8))
		return false;
	return __atomic_compare_exchange_n(&board->asked_ns, &asked_ns, now_ns, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void sl_pressure_note(struct sl_pressure_board *board, const struct sl_pressure_status *status,
		      uint64_t asked_ns)
{
	uint64_t word = pack(status, asked_ns);
	uint64_t before = __atomic_load_n(&board->said, __ATOMIC_RELAXED);

	while (before >> TIME_SHIFT <= word >> TIME_SHIFT &&
	       !__atomic_compare_exchange_n(&board->said, &before, word, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

struct sl_pressure_view sl_pressure_look(const struct sl_pressure_board *board, uint64_t stale_ns,
					 uint64_t now_ns)
{
	uint64_t word = __atomic_load_n(&board->said, __ATOMIC_RELAXED);
	int64_t age_ms = (int64_t)(now_ns / MS_NS + 1 - (word >> TIME_SHIFT));

	if (!word || age_ms > (int64_t)(stale_ns / MS_NS))
		return (struct sl_pressure_view){ .stale = true };
	return (struct sl_pressure_view){
		.level = (enum sl_pressure_level)(word & ((1u << LEVEL_BITS) - 1)),
		.retry_after_s = (uint32_t)(word >> LEVEL_BITS) & ((1u << RETRY_BITS) - 1),
	};
}

struct sl_request_limit sl_pressure_tighten(struct sl_request_limit limit, double factor,
					    uint64_t floor)
{
	uint64_t requests, tight;

	if (!limit.period_ns)
		return limit;
	requests = sl_gcra_size(&limit);
	tight = (uint64_t)((double)requests * factor);
	if (tight < floor)
		tight = floor;
	if (tight >= requests) /* blocked, too */
		return limit;
	/* In the same time, which is what the bucket holds. */
	return sl_gcra_limit(tight ? tight : 1, limit.burst_ns);
}
