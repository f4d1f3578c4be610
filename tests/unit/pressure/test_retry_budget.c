// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/retry_budget.h"

#include "tests/harness/test.h"

static unsigned int take_all(struct sl_retry_budget *budget)
{
	unsigned int count = 0;

	while (sl_retry_budget_take(budget, 1, false))
		count++;
	return count;
}

static void a_tenth_may_be_repeated(void **state)
{
	struct sl_retry_budget budget = { .saved_permille = 0 };

	assert_int_equal(take_all(&budget), SL_RETRY_SAVED_AT_FIRST);
	for (int i = 0; i < 100; i++)
		sl_retry_budget_request(&budget);
	assert_int_equal(take_all(&budget), 10);
	for (int i = 0; i < 100000; i++)
		sl_retry_budget_request(&budget);
	assert_int_equal(take_all(&budget), SL_RETRY_SAVED_MAX);
}

static void three_tries_and_none_of_what_is_overloaded(void **state)
{
	struct sl_retry_budget budget = { .saved_permille = 0 };

	assert_true(sl_retry_budget_take(&budget, 1, false));
	assert_true(sl_retry_budget_take(&budget, 2, false));
	assert_false(sl_retry_budget_take(&budget, 3, false));
	assert_false(sl_retry_budget_take(&budget, 1, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenth_may_be_repeated),
		cmocka_unit_test(three_tries_and_none_of_what_is_overloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
