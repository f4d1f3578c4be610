// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/redis/backoff.h"

static void it_doubles_and_ends(void **state)
{
	const struct sl_redis_backoff backoff = { .min_ns = 50, .max_ns = 2000 };
	const uint64_t most[] = { 50, 100, 200, 400, 800, 1600, 2000, 2000 };

	for (uint32_t attempt = 0; attempt < 8; attempt++) {
		uint64_t random = 1, longest = 0, shortest = UINT64_MAX;

		for (int i = 0; i < 20000; i++) {
			const uint64_t ns = sl_redis_backoff_ns(&backoff, attempt, &random);

			longest = ns > longest ? ns : longest;
			shortest = ns < shortest ? ns : shortest;
		}
		assert_int_equal(longest, most[attempt]);
		assert_int_equal(shortest, most[attempt] / 2);
	}
}

static void it_does_not_overflow(void **state)
{
	const struct sl_redis_backoff backoff = { .min_ns = 3, .max_ns = UINT64_MAX };
	const struct sl_redis_backoff steady = { .min_ns = 7, .max_ns = 7 };
	uint64_t random = 5;

	assert_true(sl_redis_backoff_ns(&backoff, UINT32_MAX, &random) >= UINT64_MAX / 2);
	for (int i = 0; i < 100; i++)
		assert_in_range(sl_redis_backoff_ns(&steady, UINT32_MAX, &random), 4, 7);
}

static void the_seed_decides(void **state)
{
	const struct sl_redis_backoff backoff = { .min_ns = 1000000, .max_ns = 1000000000 };
	uint64_t one = 1, again = 1, other = 2;
	int same = 0;

	for (uint32_t i = 0; i < 100; i++) {
		const uint64_t ns = sl_redis_backoff_ns(&backoff, i % 8, &one);

		assert_int_equal(ns, sl_redis_backoff_ns(&backoff, i % 8, &again));
		same += ns == sl_redis_backoff_ns(&backoff, i % 8, &other);
	}
	assert_in_range(same, 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_doubles_and_ends),
		cmocka_unit_test(it_does_not_overflow),
		cmocka_unit_test(the_seed_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
