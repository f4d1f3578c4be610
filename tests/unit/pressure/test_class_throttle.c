// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/class_throttle.h"

#include "tests/harness/test.h"

#define S_NS  1000000000ull
#define NOW   (1000 * S_NS)
#define RATIO 2.0

static void report(struct sl_class_throttle *throttle, enum sl_criticality class,
		   unsigned int accepted, unsigned int not )
{
	while (accepted--)
		sl_class_throttle_report(throttle, class, true, NOW);
	while (not --)
		sl_class_throttle_report(throttle, class, false, NOW);
}

static void assert_shares(struct sl_class_throttle *throttle, const double shares[SL_CRITICALITIES])
{
	for (unsigned int i = 0; i < SL_CRITICALITIES; i++)
		assert_float_equal(
			sl_class_throttle_refuses(throttle, (enum sl_criticality)i, RATIO, NOW),
			shares[i], 1e-9);
}

static void what_is_critical_does_not_pay_for_what_is_not(void **state)
{
	struct sl_class_throttle throttle = { 0 };

	(void)state;
	report(&throttle, SL_SHEDDABLE, 20, 380);
	report(&throttle, SL_CRITICAL, 100, 0);
	assert_shares(&throttle, (const double[]){ 360.0 / 401, 0, 0, 0 });
}

/* A router that refuses what is critical, too, but not all that is below. */
static void a_class_is_spared_while_a_lower_one_goes(void **state)
{
	struct sl_class_throttle throttle = { 0 };

	(void)state;
	report(&throttle, SL_SHEDDABLE, 40, 60);
	report(&throttle, SL_CRITICAL, 10, 90);
	assert_shares(&throttle, (const double[]){ 20.0 / 101, 0, 0, 0 });
	report(&throttle, SL_SHEDDABLE, 0, 2000); /* now it goes as far as it can */
	assert_shares(&throttle, (const double[]){ 0.9, 80.0 / 101, 80.0 / 101, 0 });
	/* Once more of it is accepted, what is critical is free first. */
	report(&throttle, SL_SHEDDABLE, 300, 0);
	assert_shares(&throttle, (const double[]){ (2400.0 - 2 * 340) / 2401, 0, 0, 0 });
}

static void all_are_refused_where_nothing_is_accepted(void **state)
{
	struct sl_class_throttle throttle = { 0 };

	(void)state;
	report(&throttle, SL_CRITICAL_PLUS, 0, 100);
	assert_shares(&throttle, (const double[]){ 0.9, 0.9, 0.9, 0.9 });
	for (unsigned int i = 0; i < SL_CRITICALITIES; i++)
		report(&throttle, (enum sl_criticality)i, 0, 100);
	assert_shares(&throttle, (const double[]){ 0.9, 0.9, 0.9, 0.9 });
	sl_class_throttle_forget(&throttle);
	assert_shares(&throttle, (const double[]){ 0, 0, 0, 0 });
}

/* With few requests of a class it is refused as what is above it, and stands in nobody's way. */
static void who_asks_little_is_no_judge(void **state)
{
	struct sl_class_throttle throttle = { 0 };

	(void)state;
	report(&throttle, SL_SHEDDABLE, 19, 0);
	report(&throttle, SL_SHEDDABLE_PLUS, 0, 19);
	assert_shares(&throttle, (const double[]){ 0, 0, 0, 0 });
	report(&throttle, SL_CRITICAL, 10, 90);
	assert_shares(&throttle, (const double[]){ 80.0 / 101, 80.0 / 101, 80.0 / 101, 0 });
}

static void what_is_refused_here_counts_for_its_class(void **state)
{
	struct sl_class_throttle throttle = { 0 };

	(void)state;
	report(&throttle, SL_SHEDDABLE, 0, 100);
	assert_false(sl_class_throttle_admits(&throttle, SL_SHEDDABLE, RATIO, NOW, 0));
	assert_true(sl_class_throttle_admits(&throttle, SL_SHEDDABLE, RATIO, NOW, UINT64_MAX));
	assert_true(sl_class_throttle_admits(&throttle, SL_CRITICAL, RATIO, NOW, 0));
	/* Refused by the share of what is above it, it is counted for itself. */
	throttle = (struct sl_class_throttle){ 0 };
	report(&throttle, SL_CRITICAL, 0, 100);
	for (unsigned int i = 0; i < SL_THROTTLE_REQUESTS_MIN; i++) {
		assert_false(sl_throttle_is_known(&throttle.of[SL_SHEDDABLE], NOW));
		assert_false(sl_class_throttle_admits(&throttle, SL_SHEDDABLE, RATIO, NOW, 0));
	}
	assert_true(sl_throttle_is_known(&throttle.of[SL_SHEDDABLE], NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_critical_does_not_pay_for_what_is_not),
		cmocka_unit_test(a_class_is_spared_while_a_lower_one_goes),
		cmocka_unit_test(all_are_refused_where_nothing_is_accepted),
		cmocka_unit_test(who_asks_little_is_no_judge),
		cmocka_unit_test(what_is_refused_here_counts_for_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
