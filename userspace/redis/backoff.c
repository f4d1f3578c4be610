// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/backoff.h"

uint64_t sl_redis_random(uint64_t *random)
{
	uint64_t mixed;

	*random += 0x9e3779b97f4a7c15ull;
	mixed = *random;
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
	return mixed ^ mixed >> 31;
}

uint64_t sl_redis_backoff_ns(const struct sl_redis_backoff *backoff, uint32_t attempt,
			     uint64_t *random)
{
	uint64_t delay_ns = backoff->min_ns;

	for (uint32_t i = 0; i < attempt && delay_ns < backoff->max_ns; i++)
		delay_ns = delay_ns > backoff->max_ns / 2 ? backoff->max_ns : delay_ns * 2;
	return delay_ns - sl_redis_random(random) % (delay_ns / 2 + 1);
}
