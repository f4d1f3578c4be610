// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/turns.h"

#include "userspace/quota/random.h"
#include "userspace/quota/store.h"

#define MS_NS	     1000000ull
#define DOUBLED_MOST 3u /* 200 ms, then: over a period */

void sl_turns_begin(struct sl_turns *turns, uint64_t now_ns)
{
	turns->next_ns = now_ns + sl_quota_jitter_ns(&turns->random, SL_TURNS_PERIOD_MS * MS_NS);
}

static uint64_t retry_ns(struct sl_turns *turns)
{
	uint64_t wait_ms = SL_TURNS_RETRY_MS;

	for (uint32_t i = 0; i < turns->failures && i < DOUBLED_MOST; i++)
		wait_ms *= 2;
	if (wait_ms > SL_TURNS_PERIOD_MS)
		wait_ms = SL_TURNS_PERIOD_MS;
	return wait_ms * MS_NS / 2 + sl_quota_random(&turns->random, wait_ms * MS_NS / 2 + 1);
}

void sl_turns_end(struct sl_turns *turns, enum sl_turn_end end, uint64_t now_ns)
{
	switch (end) {
	case SL_TURN_DONE:
		turns->failures = 0;
		break;
	case SL_TURN_FAILED:
		turns->next_ns = now_ns + retry_ns(turns);
		turns->failures++;
		break;
	case SL_TURN_REFUSED:
		turns->next_ns = now_ns + SL_STORE_LAPSE_MS * MS_NS;
		turns->failures = 0;
		break;
	}
}
