// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/share.h"

#include "tests/harness/test.h"

#define R 1000000

static struct sl_share tenant(int64_t want)
{
	return (struct sl_share){ .rate_mu_per_s = R,
				  .guarantee_mu_per_s = R / 2,
				  .ceiling_mu_per_s = 4 * R,
				  .weight = 1,
				  .live = 4,
				  .class = SL_QUOTA_CRITICAL,
				  .want_mu_per_s = want };
}

static int64_t has(const struct sl_share *share)
{
	return share->want_mu_per_s < share->effective_mu_per_s ? share->want_mu_per_s
								: share->effective_mu_per_s;
}

static void without_a_capacity_everybody_has_its_rate(void **state)
{
	struct sl_share shares[] = { tenant(0), tenant(9 * R) };

	sl_share_fill(shares, 2, -1);
	assert_int_equal(shares[0].effective_mu_per_s, R);
	assert_int_equal(shares[1].effective_mu_per_s, R);
}

static void spare_goes_by_weight_up_to_the_ceiling(void **state)
{
	struct sl_share shares[] = { tenant(9 * R), tenant(9 * R), tenant(R / 10) };

	shares[1].weight = 3;
	sl_share_fill(shares, 3, 3 * R + R / 10);
	/* 2 R of spare beyond the guarantees, a quarter and three. */
	assert_in_range(shares[0].effective_mu_per_s, R - 2, R);
	assert_in_range(shares[1].effective_mu_per_s, 2 * R - 2, 2 * R);
	assert_int_equal(shares[2].effective_mu_per_s, R); /* satisfied: keeps its R */

	sl_share_fill(shares, 3, 100 * R);
	assert_int_equal(shares[0].effective_mu_per_s, 4 * R);
	assert_int_equal(shares[1].effective_mu_per_s, 4 * R);
}

static void what_one_cannot_use_goes_to_the_others(void **state)
{
	struct sl_share shares[] = { tenant(R / 10 * 6), tenant(9 * R) };

	sl_share_fill(shares, 2, 2 * R);
	assert_int_equal(has(&shares[0]), R / 10 * 6);
	assert_in_range(shares[1].effective_mu_per_s, R / 10 * 14 - 2, R / 10 * 14);
}

static void a_guarantee_comes_before_any_spare(void **state)
{
	struct sl_share shares[] = { tenant(9 * R), tenant(R / 2) };

	shares[0].weight = 1000000;
	sl_share_fill(shares, 2, R);
	assert_true(has(&shares[1]) >= R / 2 - 1);
	assert_int_equal(shares[0].effective_mu_per_s, R / 2);
}

static void the_class_that_does_not_fit_is_scaled_and_floors_stay(void **state)
{
	struct sl_share shares[] = { tenant(R), tenant(R), tenant(R), tenant(R) };

	shares[0].class = SL_QUOTA_CRITICAL_PLUS;
	shares[3].class = SL_QUOTA_SHEDDABLE;
	sl_share_fill(shares, 4, R);
	assert_int_equal(shares[0].effective_mu_per_s, R / 2);
	/* Of R: floors of 4 * R/16; .4375 R to the first; .3125 R to two that want .875 R. */
	assert_in_range(shares[1].effective_mu_per_s, R / 16 + R / 32 * 5 - 2, R / 16 + R / 32 * 5);
	assert_int_equal(shares[1].effective_mu_per_s, shares[2].effective_mu_per_s);
	assert_int_equal(shares[3].effective_mu_per_s, R / 16);
}

static void the_sum_is_never_over_the_capacity(void **state)
{
	struct sl_share shares[50];
	uint64_t random = 1;

	for (int round = 0; round < 500; round++) {
		int64_t capacity = round * R / 10, sum = 0;

		for (int i = 0; i < 50; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			shares[i] = tenant((int64_t)(random >> 40));
			shares[i].class = (enum sl_quota_class)(random >> 38 & 3);
			shares[i].weight = 1 + (uint32_t)(random >> 36 & 15);
			shares[i].live = (uint32_t)(random >> 33 & 7);
		}
		sl_share_fill(shares, 50, capacity);
		for (int i = 0; i < 50; i++) {
			assert_true(shares[i].effective_mu_per_s >= 1);
			assert_true(shares[i].effective_mu_per_s <= shares[i].ceiling_mu_per_s);
			sum += has(&shares[i]);
		}
		assert_true(sum <= capacity + 50);
	}
}

static void without_a_leader_it_decays_to_the_rate(void **state)
{
	assert_int_equal(sl_share_decayed(3 * R, R, 30000), 3 * R);
	assert_int_equal(sl_share_decayed(3 * R, R, 45000), 2 * R);
	assert_int_equal(sl_share_decayed(R / 2, R, 45000), R / 4 * 3);
	assert_int_equal(sl_share_decayed(3 * R, R, 60000), R);
	assert_int_equal(sl_share_decayed(3 * R, R, -5), 3 * R);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_capacity_everybody_has_its_rate),
		cmocka_unit_test(spare_goes_by_weight_up_to_the_ceiling),
		cmocka_unit_test(what_one_cannot_use_goes_to_the_others),
		cmocka_unit_test(a_guarantee_comes_before_any_spare),
		cmocka_unit_test(the_class_that_does_not_fit_is_scaled_and_floors_stay),
		cmocka_unit_test(the_sum_is_never_over_the_capacity),
		cmocka_unit_test(without_a_leader_it_decays_to_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
