// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <math.h>
#include <stdbool.h>

#include "userspace/domain/capacity.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND	     1000000000ull

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static void each_situation_has_its_advice(void **state)
{
	static const struct {
		struct sl_capacity_window window;
		bool has_limit;
		uint64_t limit;
		enum sl_capacity_advice advice;
		double suggested;
	} cases[] = {
		{ { 0, 0, 0, SECOND }, true, 1000, SL_CAPACITY_IDLE, 0 },
		{ { 500, 0, 0, SECOND }, true, 1000, SL_CAPACITY_FINE, 0 },
		{ { 100, 0, 0, SECOND }, true, 1000, SL_CAPACITY_FINE, 0 },
		{ { 99, 0, 0, SECOND }, true, 1000, SL_CAPACITY_LOWER, 130 },
		{ { 800, 0, 0, SECOND }, true, 1000, SL_CAPACITY_WATCH, 1000 },
		{ { 2000, 1000, 0, SECOND }, true, 1000, SL_CAPACITY_RAISE, 2500 },
		/* Shadow drops are demand that enforce would refuse. */
		{ { 2000, 0, 1000, SECOND }, true, 1000, SL_CAPACITY_RAISE, 2500 },
		{ { 10001, 9000, 0, SECOND }, true, 1000, SL_CAPACITY_ABUSE, 0 },
		{ { 10000, 9000, 0, SECOND }, true, 1000, SL_CAPACITY_RAISE, 13000 },
		{ { 500, 500, 0, SECOND }, true, 0, SL_CAPACITY_BLOCKED, 0 },
		{ { 500, 0, 0, SECOND }, false, 0, SL_CAPACITY_UNLIMITED, 630 },
		/* Refused by another limit: no measure of what this one should be. */
		{ { 500, 400, 0, SECOND }, false, 0, SL_CAPACITY_UNLIMITED, 0 },
		/* A drop in a thousand is the noise of bursts. */
		{ { 1000, 1, 0, SECOND }, true, 2000, SL_CAPACITY_FINE, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_capacity_sum sum = { 0 };
		struct sl_capacity capacity;

		sl_capacity_add(&sum, &cases[i].window);
		sl_capacity_of(&capacity, &sum, cases[i].has_limit, cases[i].limit);
		if (capacity.advice != cases[i].advice ||
		    !near(capacity.suggested_per_s, cases[i].suggested))
			print_message("case %zu: %s, %f\n", i,
				      sl_capacity_advice_name(capacity.advice),
				      capacity.suggested_per_s);
		assert_int_equal(capacity.advice, cases[i].advice);
		assert_true(near(capacity.suggested_per_s, cases[i].suggested));
	}
}

static void means_and_peaks_over_windows(void **state)
{
	const struct sl_capacity_window windows[] = { { 100, 0, 0, SECOND },
						      { 999, 0, 0, 0 },
						      { 1200, 400, 100, 2 * SECOND } };
	struct sl_capacity_sum sum = { 0 };
	struct sl_capacity capacity;

	for (size_t i = 0; i < COUNT(windows); i++)
		sl_capacity_add(&sum, &windows[i]);
	sl_capacity_of(&capacity, &sum, true, 500);
	assert_true(near(capacity.demand_per_s, 1300.0 / 3));
	assert_true(near(capacity.demand_peak_per_s, 600));
	assert_true(near(capacity.admitted_per_s, 300));
	assert_true(near(capacity.unmet_per_s, 500.0 / 3));
	assert_true(near(capacity.utilisation, 0.6));
	assert_true(near(capacity.headroom_per_s, -100));
}

static void counters_that_disagree_do_no_harm(void **state)
{
	const struct sl_capacity_window window = { 10, 20, 30, SECOND };
	struct sl_capacity_sum sum = { 0 };
	struct sl_capacity capacity;

	sl_capacity_of(&capacity, &sum, true, 500);
	assert_int_equal(capacity.advice, SL_CAPACITY_IDLE);
	sl_capacity_add(&sum, &window);
	sl_capacity_of(&capacity, &sum, true, 500);
	assert_true(near(capacity.admitted_per_s, 0));
	assert_true(near(capacity.unmet_per_s, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation_has_its_advice),
		cmocka_unit_test(means_and_peaks_over_windows),
		cmocka_unit_test(counters_that_disagree_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
