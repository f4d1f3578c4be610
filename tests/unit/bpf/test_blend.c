// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "bpf/lib/blend.h"

#define ROWS (sizeof(costs) / sizeof(*costs))

static double speed_of(uint64_t cost)
{
	return 1.0 / (double)cost;
}

/* Costs of 100 million and of one packet a second, of 400 Gb/s and of 1 KB/s. */
static const uint64_t costs[] = { 10240, 1024000, 1024000000000, 335544, 16777216000000 };

static void at_both_ends_it_is_what_stands_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < ROWS; j++) {
			struct sl_rate rate = { costs[j], 77 }, last = { costs[i], 99 };

			sl_blend(&rate, &last, SL_BLEND_NS);
			assert_int_equal(rate.cost, costs[j]);
			assert_int_equal(rate.burst_cu, 77);
			assert_int_equal(sl_blend_left(0), SL_BLEND_STEPS);
			assert_in_range(sl_blend_cost(costs[i], costs[j], SL_BLEND_STEPS),
					costs[i] - costs[i] / 400, costs[i] + costs[i] / 400);
		}
}

/* In rates, not in costs: sums over nodes stay within the limit only then. */
static void between_them_the_rate_is_a_straight_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < ROWS; j++)
			for (uint64_t s = 1; s < 30; s++) {
				double part = (double)s / 30;
				double want =
					speed_of(costs[i]) * (1 - part) + speed_of(costs[j]) * part;
				struct sl_rate rate = { costs[j], 0 }, last = { costs[i], 0 };

				sl_blend(&rate, &last, s * 1000000000);
				assert_true(speed_of(rate.cost) > want * 0.99);
				assert_true(speed_of(rate.cost) < want * 1.05);
			}
}

static void unlimited_at_one_end_is_as_the_safe_limit_says(void **state)
{
	struct sl_rate limited = { 1024, 5 }, unlimited = { 0, 0 };

	(void)state;
	sl_blend(&limited, &unlimited, 1000000000);
	assert_int_equal(limited.cost, 1024);
	sl_blend(&unlimited, &limited, 1000000000);
	assert_int_equal(unlimited.cost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_both_ends_it_is_what_stands_there),
		cmocka_unit_test(between_them_the_rate_is_a_straight_line),
		cmocka_unit_test(unlimited_at_one_end_is_as_the_safe_limit_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
