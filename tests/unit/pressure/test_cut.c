// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/cut.h"

#include "tests/harness/test.h"

static void near(double got, double wanted)
{
	if (got < wanted - 1e-6 * (wanted + 1) || got > wanted + 1e-6 * (wanted + 1))
		fail_msg("%f instead of %f", got, wanted);
}

static struct sl_cut tenant(double demand, double guarantee, enum sl_criticality criticality)
{
	return (struct sl_cut){ .demand_per_s = demand,
				.guarantee_per_s = guarantee,
				.criticality = criticality };
}

static void with_room_nobody_is_cut(void **state)
{
	struct sl_cut cuts[] = { tenant(300, 100, SL_CRITICAL), tenant(50, 100, SL_SHEDDABLE) };

	sl_cut_share(cuts, 2, 400, SL_PRESSURE_SHED);
	near(cuts[0].rate_per_s, 300);
	near(cuts[1].rate_per_s, 50);
	assert_int_equal(cuts[0].shed_permille + cuts[1].shed_permille, 0);
}

static void who_is_above_its_share_loses_first(void **state)
{
	struct sl_cut cuts[] = { tenant(500, 100, SL_CRITICAL), tenant(80, 100, SL_CRITICAL),
				 tenant(150, 100, SL_CRITICAL) };

	sl_cut_share(cuts, 3, 400, SL_PRESSURE_SHED);
	near(cuts[1].rate_per_s, 80);
	near(cuts[2].rate_per_s, 150); /* its guarantee and 50 of 120 that are left */
	near(cuts[0].rate_per_s, 170);
	assert_int_equal(cuts[0].shed_permille, 660);
	assert_int_equal(cuts[2].shed_permille, 0);
}

static void guarantees_of_low_classes_come_before_spare_of_high(void **state)
{
	struct sl_cut cuts[] = { tenant(500, 100, SL_CRITICAL_PLUS),
				 tenant(100, 100, SL_SHEDDABLE) };

	sl_cut_share(cuts, 2, 250, SL_PRESSURE_SHED);
	near(cuts[0].rate_per_s, 150);
	near(cuts[1].rate_per_s, 100);
}

static void short_of_guarantees_the_low_class_loses(void **state)
{
	struct sl_cut cuts[] = { tenant(100, 100, SL_CRITICAL), tenant(100, 100, SL_SHEDDABLE),
				 tenant(60, 60, SL_SHEDDABLE) };

	sl_cut_share(cuts, 3, 140, SL_PRESSURE_SHED);
	near(cuts[0].rate_per_s, 100);
	near(cuts[1].rate_per_s, 20);
	near(cuts[2].rate_per_s, 20);
	assert_int_equal(cuts[1].shed_permille, 800);
}

static void up_to_warn_everybody_keeps_a_twentieth(void **state)
{
	struct sl_cut cuts[] = { tenant(1000, 1000, SL_CRITICAL_PLUS),
				 tenant(100, 100, SL_SHEDDABLE) };

	sl_cut_share(cuts, 2, 500, SL_PRESSURE_WARN);
	near(cuts[1].rate_per_s, 5);
	sl_cut_share(cuts, 2, 500, SL_PRESSURE_SHED);
	near(cuts[1].rate_per_s, 0);
}

static void stopped_only_the_most_critical_passes(void **state)
{
	struct sl_cut cuts[] = { tenant(10, 100, SL_CRITICAL_PLUS), tenant(10, 100, SL_CRITICAL) };

	sl_cut_share(cuts, 2, 1000, SL_PRESSURE_STOP);
	near(cuts[0].rate_per_s, 10);
	assert_int_equal(cuts[1].shed_permille, 1000);
}

static void weights_share_what_is_left(void **state)
{
	struct sl_cut cuts[] = { tenant(500, 0, SL_CRITICAL), tenant(500, 0, SL_CRITICAL) };

	cuts[0].weight = 3;
	sl_cut_share(cuts, 2, 400, SL_PRESSURE_SHED);
	near(cuts[0].rate_per_s, 300);
	near(cuts[1].rate_per_s, 100);
}

/* Whatever is asked: no more than there is, no more than is wanted, max-min in a class. */
static void random_shares_are_fair(void **state)
{
	struct sl_cut cuts[40];
	uint64_t random = 7;

	for (int round = 0; round < 200; round++) {
		double sum = 0, capacity;

		for (int i = 0; i < 40; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			cuts[i] = tenant((double)(random >> 54), (double)(random >> 44 & 255),
					 (enum sl_criticality)(random >> 40 & 3));
		}
		capacity = (double)(random >> 50 & 8191);
		sl_cut_share(cuts, 40, capacity, SL_PRESSURE_SHED);
		for (int i = 0; i < 40; i++) {
			sum += cuts[i].rate_per_s;
			assert_true(cuts[i].rate_per_s <= cuts[i].demand_per_s + 1e-6);
			assert_in_range(cuts[i].shed_permille, 0, 1000);
			for (int j = 0; j < 40; j++) /* cut, though a lower class has spare */
				if (cuts[i].criticality > cuts[j].criticality &&
				    cuts[i].rate_per_s < cuts[i].demand_per_s - 1e-3)
					assert_true(cuts[j].rate_per_s <=
						    cuts[j].guarantee_per_s + 1e-3);
		}
		assert_true(sum <= capacity + 1e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_room_nobody_is_cut),
		cmocka_unit_test(who_is_above_its_share_loses_first),
		cmocka_unit_test(guarantees_of_low_classes_come_before_spare_of_high),
		cmocka_unit_test(short_of_guarantees_the_low_class_loses),
		cmocka_unit_test(up_to_warn_everybody_keeps_a_twentieth),
		cmocka_unit_test(stopped_only_the_most_critical_passes),
		cmocka_unit_test(weights_share_what_is_left),
		cmocka_unit_test(random_shares_are_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
