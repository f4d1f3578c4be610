// SPDX-License-Identifier: Apache-2.0
/* The coarse clock's scale: what steps of jiffies show, and what this kernel shows. */
#include "tests/harness/test.h"

#include <errno.h>

#include "userspace/dataplane/clock.h"

#define STEPS  8u
#define TICK   4000000ull
#define MS     1000000ull
#define OFFSET 123456789ull

/* Steps of 250 a second, each seen as late as said. */
static void steps_late(struct sl_clock_step *steps, const uint64_t *late_ns)
{
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t jiffies = 4294667296ull + i;

		steps[i] = (struct sl_clock_step){ jiffies * TICK + OFFSET + late_ns[i], jiffies };
	}
}

static void the_least_late_step_sets_the_offset(void **state)
{
	const uint64_t late[STEPS] = { 90000, 20000, 3 * MS, 70000, 50000, 2 * MS, 40000, 60000 };
	struct sl_clock_step steps[STEPS];
	struct sl_clock clock = { 0 };

	(void)state;
	steps_late(steps, late);
	assert_int_equal(sl_clock_fit(&clock, steps, STEPS), 0);
	assert_int_equal(clock.tick_ns, TICK);
	assert_true(clock.offset_ns > OFFSET && clock.offset_ns < OFFSET + 20000);
}

static void a_tick_that_fits_no_kernel_is_refused(void **state)
{
	const uint64_t first[STEPS] = { 2 * MS }, last[STEPS] = { [STEPS - 1] = 2 * MS };
	struct sl_clock_step steps[STEPS];
	struct sl_clock clock = { .tick_ns = 7 };

	(void)state;
	steps_late(steps, first);
	assert_int_equal(sl_clock_fit(&clock, steps, STEPS), -ERANGE);
	steps_late(steps, last);
	assert_int_equal(sl_clock_fit(&clock, steps, STEPS), -ERANGE);
	assert_int_equal(sl_clock_fit(&clock, steps, 1), -ERANGE);
	assert_int_equal(sl_clock_fit(&clock, steps, 0), -ERANGE);
	steps[1] = steps[0];
	assert_int_equal(sl_clock_fit(&clock, steps, 2), -ERANGE);
	assert_int_equal(clock.tick_ns, 7);
}

/* 1000 and 1024 a second are 2.4 % apart: each is itself, and between them is neither. */
static void ticks_near_each_other_are_told_apart(void **state)
{
	const struct {
		uint64_t measured_ns, tick_ns;
	} rows[] = { { 1000000, 1000000 }, { 993000, 1000000 },	  { 976563, 976563 },
		     { 983000, 976563 },   { 988000, 0 },	  { 10050000, 10000000 },
		     { 3333333, 3333333 }, { 41666667, 41666667 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct sl_clock_step steps[] = { { 0, 0 }, { 20 * rows[i].measured_ns, 20 } };
		struct sl_clock clock = { 0 };

		assert_int_equal(sl_clock_fit(&clock, steps, 2), rows[i].tick_ns ? 0 : -ERANGE);
		assert_int_equal(clock.tick_ns, rows[i].tick_ns);
	}
}

static void the_coarse_clock_is_never_ahead(void **state)
{
	struct sl_clock first, second, kept;

	(void)state;
	assert_int_equal(sl_clock_measure(&first, NULL), 0);
	assert_int_equal(sl_clock_measure(&second, NULL), 0);
	assert_int_equal(first.tick_ns, second.tick_ns);
	assert_true((int64_t)(first.offset_ns - second.offset_ns) < 1000000);
	assert_true((int64_t)(first.offset_ns - second.offset_ns) > -1000000);

	kept = sl_clock_choose(&second, &first);
	assert_int_equal(kept.offset_ns, second.offset_ns);
	second.offset_ns += 2 * second.tick_ns;
	kept = sl_clock_choose(&second, &first);
	assert_int_equal(kept.offset_ns, first.offset_ns);
	kept = sl_clock_choose(&(struct sl_clock){ 0 }, &first);
	assert_int_equal(kept.tick_ns, first.tick_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_late_step_sets_the_offset),
		cmocka_unit_test(a_tick_that_fits_no_kernel_is_refused),
		cmocka_unit_test(ticks_near_each_other_are_told_apart),
		cmocka_unit_test(the_coarse_clock_is_never_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
