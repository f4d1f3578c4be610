// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/credits.h"

#include "tests/harness/test.h"

static void a_worker_grants_free_slots_and_some_more(void **state)
{
	assert_int_equal(sl_credits_grant(4, 0, 0, 1), 12);
	assert_int_equal(sl_credits_grant(4, 4, 0, 1), 8);
	assert_int_equal(sl_credits_grant(4, 4, 4, 2), 2);
	assert_int_equal(sl_credits_grant(4, 0, 0, 0), 12);
}

/*
 * `sim --pressure --seed 20`: each of two routers took all that waited off its credits, so
 * that none was left for what is critical.
 */
static void all_routers_together_have_what_one_would(void **state)
{
	(void)state;
	for (uint64_t waiting = 0; waiting < 20; waiting += 4)
		assert_int_equal(2 * sl_credits_grant(4, 4, waiting, 2),
				 sl_credits_grant(4, 4, waiting, 1));
}

static void too_many_are_taken_back(void **state)
{
	assert_int_equal(sl_credits_grant(4, 4, 20, 1), -12);
	assert_true(sl_credits_grant(4, 9, UINT64_MAX, 1) < 0);
}

static void the_last_ones_are_for_the_more_important(void **state)
{
	assert_true(sl_credits_allow(24, 11, SL_SHEDDABLE));
	assert_false(sl_credits_allow(24, 12, SL_SHEDDABLE));
	assert_true(sl_credits_allow(24, 14, SL_SHEDDABLE_PLUS));
	assert_false(sl_credits_allow(24, 15, SL_SHEDDABLE_PLUS));
	assert_true(sl_credits_allow(24, 22, SL_CRITICAL));
	assert_false(sl_credits_allow(24, 23, SL_CRITICAL));
	assert_true(sl_credits_allow(24, 23, SL_CRITICAL_PLUS));
	assert_false(sl_credits_allow(24, 24, SL_CRITICAL_PLUS));
}

static void without_credit_nothing_goes(void **state)
{
	assert_false(sl_credits_allow(0, 0, SL_CRITICAL_PLUS));
	assert_false(sl_credits_allow(-3, 0, SL_CRITICAL_PLUS));
	assert_false(sl_credits_allow(5, UINT64_MAX, SL_CRITICAL_PLUS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_grants_free_slots_and_some_more),
		cmocka_unit_test(all_routers_together_have_what_one_would),
		cmocka_unit_test(too_many_are_taken_back),
		cmocka_unit_test(the_last_ones_are_for_the_more_important),
		cmocka_unit_test(without_credit_nothing_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
