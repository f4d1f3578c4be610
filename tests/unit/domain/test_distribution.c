// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <math.h>
#include <stdbool.h>

#include "userspace/domain/distribution.h"

static const double bounds[] = { 1, 2, 4 };

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

static void counts_by_steps(void **state)
{
	static const double values[] = { -1, 0, 1, 1.5, 2, 2.1, 4, 4.1, 1e300 };
	struct sl_distribution d;

	sl_distribution_init(&d, bounds, 3);
	assert_int_equal(sl_distribution_count(&d), 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		sl_distribution_add(&d, values[i]);
	sl_distribution_add(&d, NAN);
	assert_int_equal(d.counts[0], 3);
	assert_int_equal(d.counts[1], 2);
	assert_int_equal(d.counts[2], 2);
	assert_int_equal(d.counts[3], 2);
	assert_int_equal(sl_distribution_count(&d), 9);
	assert_true(near(d.sum / 1e300, 1));
}

static void estimates_quantiles(void **state)
{
	struct sl_distribution d;

	sl_distribution_init(&d, bounds, 3);
	assert_true(near(sl_distribution_quantile(&d, 0.5), 0));
	for (int i = 0; i < 10; i++) {
		sl_distribution_add(&d, 0.5);
		sl_distribution_add(&d, 1.5);
	}
	assert_true(near(sl_distribution_quantile(&d, 0.25), 0.5));
	assert_true(near(sl_distribution_quantile(&d, 0.5), 1));
	assert_true(near(sl_distribution_quantile(&d, 0.75), 1.5));
	assert_true(near(sl_distribution_quantile(&d, 1), 2));
	assert_true(near(sl_distribution_quantile(&d, 0), 0));
	for (int i = 0; i < 80; i++)
		sl_distribution_add(&d, 100);
	assert_true(near(sl_distribution_quantile(&d, 0.95), 4));
}

static void the_bounds_that_are_given_grow(void **state)
{
	for (size_t i = 1; i < sl_latency_bound_count; i++)
		assert_true(sl_latency_bounds_s[i] > sl_latency_bounds_s[i - 1]);
	for (size_t i = 1; i < sl_cost_bound_count; i++)
		assert_true(sl_cost_bounds[i] > sl_cost_bounds[i - 1]);
}

static void bounds_beyond_the_most_are_not_used(void **state)
{
	double many[SL_DISTRIBUTION_BOUNDS_MAX + 5];
	struct sl_distribution d;

	for (int i = 0; i < SL_DISTRIBUTION_BOUNDS_MAX + 5; i++)
		many[i] = i;
	sl_distribution_init(&d, many, SL_DISTRIBUTION_BOUNDS_MAX + 5);
	sl_distribution_add(&d, 1000);
	assert_int_equal(d.counts[SL_DISTRIBUTION_BOUNDS_MAX], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_steps),
		cmocka_unit_test(estimates_quantiles),
		cmocka_unit_test(the_bounds_that_are_given_grow),
		cmocka_unit_test(bounds_beyond_the_most_are_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
