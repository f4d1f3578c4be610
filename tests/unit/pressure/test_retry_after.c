// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/pressure/retry_after.h"

static void it_lies_between_half_and_one_and_a_half(void **state)
{
	unsigned int seen[61] = { 0 };

	for (uint64_t i = 0; i < 31 * 100; i++) {
		uint32_t wait_s = sl_retry_after_s(30, i << 32);

		assert_in_range(wait_s, 15, 45);
		seen[wait_s]++;
	}
	/* Each of the 31 whole seconds equally often. */
	for (unsigned int s = 15; s <= 45; s++)
		assert_int_equal(seen[s], 100);
}

static void it_is_never_nothing_and_never_endless(void **state)
{
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(sl_retry_after_s(0, i << 61), 1);
		assert_in_range(sl_retry_after_s(1, i << 61), 1, 2);
		assert_in_range(sl_retry_after_s(UINT32_MAX, i << 61), SL_RETRY_AFTER_MAX_S / 2,
				SL_RETRY_AFTER_MAX_S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_lies_between_half_and_one_and_a_half),
		cmocka_unit_test(it_is_never_nothing_and_never_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
