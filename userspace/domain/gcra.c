/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/gcra.h"

#define TRIES 16

struct sl_request_limit sl_gcra_limit(uint64_t requests, uint64_t window_ns)
{
	struct sl_request_limit limit = { .period_ns = 1 };
	uint64_t period_ns;

	if (!requests)
		return limit;
	period_ns = window_ns / requests;
	limit.period_ns = period_ns ? period_ns : 1;
	if (requests > SL_GCRA_BURST_MAX / limit.period_ns)
		requests = SL_GCRA_BURST_MAX / limit.period_ns;
	limit.burst_ns = limit.period_ns * requests;
	return limit;
}

static uint64_t seen(const struct sl_gcra_level *level)
{
	return __atomic_load_n(&level->word->tat_ns, __ATOMIC_RELAXED);
}

/* How far ahead of @now_ns a word is. Further than a full burst it cannot be by its
 * limit: an older, slower one left it there, and it counts as just empty. */
static uint64_t ahead(uint64_t tat_ns, uint64_t burst_ns, uint64_t now_ns)
{
	int64_t ahead_ns = (int64_t)(tat_ns - now_ns);

	if (ahead_ns <= 0)
		return 0;
	return (uint64_t)ahead_ns < burst_ns ? (uint64_t)ahead_ns : burst_ns;
}

static uint64_t wait_ns(const struct sl_request_limit *limit, uint64_t tat_ns, uint64_t now_ns)
{
	uint64_t after_ns;

	if (!limit->period_ns)
		return 0;
	if (!limit->burst_ns)
		return UINT64_MAX;
	after_ns = ahead(tat_ns, limit->burst_ns, now_ns) + limit->period_ns;
	return after_ns > limit->burst_ns ? after_ns - limit->burst_ns : 0;
}

/* Takes one, or says how long it takes until one is there. */
static uint64_t take(const struct sl_gcra_level *level, uint64_t now_ns)
{
	__u64 tat_ns = seen(level);

	for (int i = 0; i < TRIES; i++) {
		uint64_t wait = wait_ns(&level->limit, tat_ns, now_ns);
		uint64_t next = now_ns + ahead(tat_ns, level->limit.burst_ns, now_ns) +
				level->limit.period_ns;

		if (wait || !level->limit.period_ns)
			return wait;
		if (__atomic_compare_exchange_n(&level->word->tat_ns, &tat_ns, next, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return 0;
	}
	/* Others won every time, so the word moved on: add without the check. */
	__atomic_fetch_add(&level->word->tat_ns, level->limit.period_ns, __ATOMIC_RELAXED);
	return 0;
}

static void give_back(const struct sl_gcra_level *level)
{
	if (level->limit.period_ns)
		__atomic_fetch_sub(&level->word->tat_ns, level->limit.period_ns, __ATOMIC_RELAXED);
}

static void refuse(struct sl_gcra_verdict *ret, size_t level, uint64_t wait)
{
	if (!ret->admitted && ret->wait_ns >= wait)
		return;
	*ret = (struct sl_gcra_verdict){ .level = level, .wait_ns = wait };
}

void sl_gcra_look(struct sl_gcra_verdict *ret, const struct sl_gcra_level *levels, size_t count,
		  uint64_t now_ns)
{
	uint64_t least = UINT64_MAX;

	*ret = (struct sl_gcra_verdict){ .admitted = true };
	for (size_t i = 0; i < count; i++) {
		uint64_t wait = wait_ns(&levels[i].limit, seen(&levels[i]), now_ns);
		uint64_t left;

		if (wait)
			refuse(ret, i, wait);
		if (!ret->admitted)
			continue;
		left = sl_gcra_left(&levels[i], now_ns);
		if (left < least) {
			least = left;
			ret->level = i;
		}
	}
}

void sl_gcra_take(struct sl_gcra_verdict *ret, const struct sl_gcra_level *levels, size_t count,
		  uint64_t now_ns)
{
	sl_gcra_look(ret, levels, count, now_ns);
	if (!ret->admitted)
		return;
	for (size_t i = 0; i < count; i++) {
		uint64_t wait = take(&levels[i], now_ns);

		if (!wait)
			continue;
		/* Another process was faster: undo what this request took so far. */
		while (i-- > 0)
			give_back(&levels[i]);
		sl_gcra_look(ret, levels, count, now_ns);
		ret->admitted = false;
		if (ret->wait_ns < wait)
			ret->wait_ns = wait;
		return;
	}
}

uint64_t sl_gcra_left(const struct sl_gcra_level *level, uint64_t now_ns)
{
	const struct sl_request_limit *limit = &level->limit;

	if (!limit->period_ns)
		return UINT64_MAX;
	return (limit->burst_ns - ahead(seen(level), limit->burst_ns, now_ns)) / limit->period_ns;
}

uint64_t sl_gcra_size(const struct sl_request_limit *limit)
{
	return limit->period_ns ? limit->burst_ns / limit->period_ns : UINT64_MAX;
}

uint64_t sl_gcra_reset_ns(const struct sl_gcra_level *level, uint64_t now_ns)
{
	return ahead(seen(level), level->limit.burst_ns, now_ns);
}
