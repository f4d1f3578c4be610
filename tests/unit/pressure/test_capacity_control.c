// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/capacity_control.h"

#include "tests/harness/test.h"

#define S_NS  1000000000ull
#define START (100 * S_NS)

struct run {
	struct sl_capacity_control control;
	uint64_t now_ns;
};

static struct run begun(double per_s)
{
	struct run run = { .now_ns = START };

	sl_capacity_control_init(&run.control, per_s, START);
	return run;
}

static double go(struct run *run, struct sl_capacity_step step, unsigned int seconds)
{
	while (seconds--) {
		run->now_ns += S_NS;
		(void)sl_capacity_control_step(&run->control, &step, run->now_ns);
	}
	return run->control.per_s;
}

static bool is_near(double got, double wanted)
{
	return got > wanted * 0.9999 && got < wanted * 1.0001;
}

static void in_ok_it_grows_by_addition(void **state)
{
	const struct sl_capacity_step step = { .state = SL_PRESSURE_OK, .admitted_per_s = 900 };
	struct sl_capacity_step jittered = step;
	struct run run = begun(1000);

	assert_true(is_near(go(&run, step, 1), 1010));
	jittered.jitter = 1;
	assert_true(is_near(go(&run, jittered, 1), 1010 + 11.11));
	run = begun(10);
	assert_true(is_near(go(&run, step, 1), 11)); /* at least one */
	run = begun(2000);
	assert_true(is_near(go(&run, step, 9), 2000)); /* nobody uses it */
}

static void once_a_second_and_when_the_state_changes(void **state)
{
	struct sl_capacity_step step = { .state = SL_PRESSURE_OK, .admitted_per_s = 900 };
	struct run run = begun(1000);

	assert_false(sl_capacity_control_step(&run.control, &step, START + S_NS - 1));
	step.state = SL_PRESSURE_WARN;
	step.pressure = 1.2;
	assert_true(sl_capacity_control_step(&run.control, &step, START + 2));
	assert_false(sl_capacity_control_step(&run.control, &step, START + 3));
}

static void warn_cuts_a_little_and_shed_more(void **state)
{
	struct sl_capacity_step step = { .state = SL_PRESSURE_WARN, .pressure = 1.4 };
	struct run run = begun(1000);

	assert_true(is_near(go(&run, step, 1), 980));
	step.pressure = 9;
	assert_true(is_near(go(&run, step, 1), 931)); /* by no more than 5 % */
	step.state = SL_PRESSURE_SHED;
	step.pressure = 1.5;
	assert_true(is_near(go(&run, step, 1), 931 * 0.95));
	step.pressure = 9;
	assert_true(is_near(go(&run, step, 1), 931 * 0.95 * 0.7));
}

static void shedding_begins_from_what_is_finished(void **state)
{
	const struct sl_capacity_step step = { .state = SL_PRESSURE_SHED,
					       .pressure = 1.2,
					       .done_per_s = 80 };
	struct run run = begun(1000);

	assert_true(is_near(go(&run, step, 1), 96));
	assert_true(is_near(go(&run, step, 20), 96)); /* and never goes below */
}

/*
 * `sim --pressure --seed 924`: without workers it fell to nothing, and when they were back and
 * pressed it could not grow: a thirtieth of what they finished was let through.
 */
static void what_is_finished_may_come(void **state)
{
	struct sl_capacity_step step = { .state = SL_PRESSURE_SHED, .pressure = 1.4 };
	struct run run = begun(1000);

	(void)state;
	assert_true(go(&run, step, 200) < 2);
	step.done_per_s = 150;
	assert_true(is_near(go(&run, step, 1), 150));
	assert_true(is_near(go(&run, step, 20), 150));
}

static void half_empty_it_doubles_up_to_half_of_what_was_good(void **state)
{
	struct sl_capacity_step step = { .state = SL_PRESSURE_OK, .admitted_per_s = 1000 };
	struct run run = begun(1000);

	(void)go(&run, step, 60);
	step = (struct sl_capacity_step){
		.state = SL_PRESSURE_SHED, .pressure = 2, .done_per_s = 100, .admitted_per_s = 1000
	};
	(void)go(&run, step, 3);
	assert_true(is_near(run.control.per_s, 120));
	step.pressure = 0.49;
	assert_true(is_near(go(&run, step, 1), 240));
	assert_true(is_near(go(&run, step, 1), 480));
	assert_true(go(&run, step, 1) < 600); /* no longer twice as much */
	step.pressure = 0.51;
	run.control.per_s = 120;
	assert_true(is_near(go(&run, step, 1), 120 * (1 + 0.8 * 0.49)));
}

static void it_comes_back_fast_and_without_overshoot(void **state)
{
	struct sl_capacity_step step = { .state = SL_PRESSURE_OK, .admitted_per_s = 500 };
	struct run run = begun(1000);
	unsigned int seconds = 0;

	(void)go(&run, step, 60);
	step = (struct sl_capacity_step){ .state = SL_PRESSURE_SHED,
					  .pressure = 3,
					  .done_per_s = 40 };
	(void)go(&run, step, 10);
	assert_true(run.control.per_s < 60);
	while (run.control.per_s < 500 && seconds < 30) { /* of 800 that there are */
		step.pressure = run.control.per_s / 800;
		step.done_per_s = step.admitted_per_s = run.control.per_s;
		(void)go(&run, step, 1);
		seconds++;
	}
	assert_in_range(seconds, 3, 8);
	for (unsigned int i = 0; i < 30; i++) {
		step.pressure = run.control.per_s / 800;
		step.done_per_s = step.admitted_per_s = run.control.per_s;
		assert_true(go(&run, step, 1) <= 800);
	}
}

/* Nobody asks for more than half of what they could: C is not cut to that. */
static void what_idle_workers_finish_is_not_what_they_can(void **state)
{
	struct sl_capacity_step step = {
		.state = SL_PRESSURE_SHED, .pressure = 3, .done_per_s = 100, .busy = 0.5
	};
	struct run run = begun(1000);

	(void)state;
	(void)go(&run, step, 10);
	assert_true(is_near(run.control.per_s, 240));
	step.busy = 1;
	(void)go(&run, step, 10);
	assert_true(is_near(run.control.per_s, 120));
}

static void silence_freezes_then_decays_to_half(void **state)
{
	const struct sl_capacity_step stale = { .state = SL_PRESSURE_STALE };
	struct run run = begun(1000);

	assert_true(is_near(go(&run, stale, 10), 1000));
	assert_true(is_near(go(&run, stale, 1), 800));
	assert_true(is_near(go(&run, stale, 10), 640));
	assert_true(is_near(go(&run, stale, 30), 500));
	assert_false(run.control.failed);
	(void)go(&run, stale, 10);
	assert_true(run.control.failed);
	(void)go(&run, (struct sl_capacity_step){ .state = SL_PRESSURE_OK }, 1);
	assert_false(run.control.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_ok_it_grows_by_addition),
		cmocka_unit_test(once_a_second_and_when_the_state_changes),
		cmocka_unit_test(warn_cuts_a_little_and_shed_more),
		cmocka_unit_test(shedding_begins_from_what_is_finished),
		cmocka_unit_test(what_is_finished_may_come),
		cmocka_unit_test(half_empty_it_doubles_up_to_half_of_what_was_good),
		cmocka_unit_test(it_comes_back_fast_and_without_overshoot),
		cmocka_unit_test(what_idle_workers_finish_is_not_what_they_can),
		cmocka_unit_test(silence_freezes_then_decays_to_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
