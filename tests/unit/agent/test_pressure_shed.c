// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_shed.h"

#include "tests/harness/test.h"

#define MS    1000000ull
#define S     1000000000ull
#define START (100 * S)

enum {
	GOLD,
	STEADY,
	BATCH,
	TENANTS
};

struct fixture {
	struct sl_shed_control control;
	struct sl_cut cuts[TENANTS];
	uint64_t now_ns;
	double passed_per_s, busy;
};

static void begin(struct fixture *f)
{
	static const struct sl_cut cuts[TENANTS] = {
		[GOLD] = { .demand_per_s = 100,
			   .guarantee_per_s = 1000,
			   .criticality = SL_CRITICAL_PLUS },
		[STEADY] = { .demand_per_s = 300,
			     .guarantee_per_s = 1000,
			     .criticality = SL_CRITICAL },
		[BATCH] = { .demand_per_s = 600,
			    .guarantee_per_s = 1000,
			    .criticality = SL_SHEDDABLE },
	};

	f->now_ns = START;
	f->passed_per_s = 1000;
	f->busy = 1;
	sl_shed_control_init(&f->control, f->now_ns);
	for (size_t i = 0; i < TENANTS; i++)
		f->cuts[i] = cuts[i];
}

/* Half a second on; what is shed does not pass the next time. */
static bool step(struct fixture *f, enum sl_pressure_state state, double pressure, double done)
{
	const struct sl_shed_input input = { .state = state,
					     .pressure = pressure,
					     .done_per_s = done,
					     .busy = f->busy,
					     .passed_per_s = f->passed_per_s,
					     .cuts = f->cuts,
					     .cut_count = TENANTS };
	bool shed;

	f->now_ns += 500 * MS;
	shed = sl_shed_control_step(&f->control, &input, f->now_ns);
	f->passed_per_s = 0;
	for (size_t i = 0; i < TENANTS; i++)
		f->passed_per_s +=
			f->cuts[i].demand_per_s * (1000 - f->cuts[i].shed_permille) / 1000;
	return shed;
}

static void steps(struct fixture *f, unsigned int count, enum sl_pressure_state state,
		  double pressure, double done)
{
	while (count--)
		(void)step(f, state, pressure, done);
}

static void assert_shed(const struct fixture *f, uint32_t gold, uint32_t steady, uint32_t batch)
{
	assert_int_equal(f->cuts[GOLD].shed_permille, gold);
	assert_int_equal(f->cuts[STEADY].shed_permille, steady);
	assert_int_equal(f->cuts[BATCH].shed_permille, batch);
}

/* `sim --pressure --seed 6`: an agent that was started anew shed what is critical as well. */
static void who_has_not_counted_yet_sheds_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.passed_per_s = 0;
	assert_false(step(&f, SL_PRESSURE_SHED, 2, 50));
	assert_shed(&f, 0, 0, 0);
	assert_true(step(&f, SL_PRESSURE_SHED, 2, 500));
	assert_int_equal(f.cuts[STEADY].shed_permille, 0);
}

static void warned_nobody_loses_anything(void **state)
{
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	assert_false(step(&f, SL_PRESSURE_WARN, 1.4, 500));
	steps(&f, 10, SL_PRESSURE_WARN, 1.4, 100);
	assert_shed(&f, 0, 0, 0);
}

/* Two packets a job: 100 jobs are 200 packets, a fifth more may come. */
static void what_workers_finish_is_what_may_come(void **state)
{
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	assert_true(f.control.packets_per_job == 2);
	assert_true(step(&f, SL_PRESSURE_SHED, 5, 250));
	assert_shed(&f, 0, 0, 667);
	steps(&f, 4, SL_PRESSURE_SHED, 2, 225);
	assert_shed(&f, 0, 0, 767);
	steps(&f, 4, SL_PRESSURE_SHED, 2, 100);
	assert_true(f.control.capacity.per_s == 240);
	assert_shed(&f, 0, 533, 1000);
}

static void what_workers_finish_later_is_followed_down_at_once(void **state)
{
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	(void)step(&f, SL_PRESSURE_SHED, 5, 400);
	assert_true(f.control.capacity.per_s == 960);
	(void)step(&f, SL_PRESSURE_SHED, 5, 250);
	assert_true(f.control.capacity.per_s == 600);
}

/*
 * What workers finish is of the last second, and seems enough when they have just slowed down:
 * until it was known better nothing was shed (`scripts/demo.sh --nodes`: half a second).
 */
static void the_first_cut_does_not_wait_for_what_workers_finish(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	assert_true(step(&f, SL_PRESSURE_SHED, 2, 500));
	assert_shed(&f, 0, 0, 500); /* three tenths of all */
	assert_true(step(&f, SL_PRESSURE_SHED, 2, 500));
	assert_shed(&f, 0, 0, 500);
	/* A second later they still finish all of it: it was no more than a moment's. */
	assert_true(step(&f, SL_PRESSURE_SHED, 1.2, 500));
	assert_shed(&f, 0, 0, 0);
	/* Who only lost a message is not cut for it. */
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	assert_true(step(&f, SL_PRESSURE_SHED, 0.5, 500));
	assert_shed(&f, 0, 0, 0);
}

/*
 * `scripts/demo.sh --nodes` beside busy loops: a moment's slowness cut three tenths of all, of
 * tenants that are critical and had no more than their share.
 */
static void what_is_a_moments_harms_nobody_who_is_critical(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.cuts[BATCH].demand_per_s = 0;
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 200);
	(void)step(&f, SL_PRESSURE_SHED, 5, 200);
	assert_shed(&f, 0, 0, 0);
	(void)step(&f, SL_PRESSURE_SHED, 5, 40); /* whatever they finish */
	assert_shed(&f, 0, 0, 0);
	steps(&f, 10, SL_PRESSURE_SHED, 1.4, 40); /* it was over within the second */
	assert_shed(&f, 0, 0, 0);
	/* It comes again, and stays. */
	steps(&f, 2, SL_PRESSURE_SHED, 3, 40);
	assert_int_equal(f.cuts[GOLD].shed_permille, 0);
	assert_true(f.cuts[STEADY].shed_permille > 300);
}

static void at_first_only_the_lowest_class_that_sends_loses(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.cuts[STEADY].criticality = SL_SHEDDABLE_PLUS;
	f.cuts[STEADY].guarantee_per_s = 0; /* all of it is above its share */
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	assert_true(step(&f, SL_PRESSURE_SHED, 5, 500));
	assert_int_equal(f.cuts[STEADY].shed_permille, 0);
	begin(&f);
	f.cuts[STEADY].criticality = SL_SHEDDABLE_PLUS;
	f.cuts[BATCH].demand_per_s = 0;
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 200);
	(void)step(&f, SL_PRESSURE_SHED, 5, 200);
	assert_true(f.cuts[STEADY].shed_permille > 300);
}

static void of_the_highest_class_nothing_guaranteed_is_shed(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	steps(&f, 20, SL_PRESSURE_STOP, 9, 1);
	assert_true(f.control.capacity.per_s < 100);
	assert_shed(&f, 0, 1000, 1000);
	f.cuts[GOLD].guarantee_per_s = 50; /* but of what is above it */
	(void)step(&f, SL_PRESSURE_STOP, 9, 1);
	assert_true(f.cuts[GOLD].shed_permille > 0);
}

/* Half of their slots are free: they finish what they are given, and could do twice as much. */
static void what_idle_workers_finish_is_not_all_they_can(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	f.busy = 0.5;
	steps(&f, 4, SL_PRESSURE_SHED, 2, 260);
	assert_shed(&f, 0, 0, 0);
	f.busy = 1;
	steps(&f, 2, SL_PRESSURE_SHED, 2, 260);
	assert_true(f.control.capacity.per_s < 630);
}

/*
 * `scripts/demo.sh --nodes` on a machine that stood still: in the last look next to nothing had
 * come, so that hardly anything would have been let in.
 */
static void a_look_in_which_nothing_came_is_no_capacity(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	f.passed_per_s = 40;
	(void)step(&f, SL_PRESSURE_SHED, 1.2, 500);
	assert_true(f.control.capacity.per_s > 900);
}

/*
 * `scripts/demo.sh --nodes`: a flood that is no work had been learnt as its cost, so that all of
 * the overload was a part of what may come: it was cut for a second, and then passed.
 */
static void a_cost_of_what_has_ended_is_not_held_to(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.passed_per_s = 50000;
	(void)step(&f, SL_PRESSURE_OK, 0.5, 500);
	steps(&f, 3, SL_PRESSURE_OK, 0.5, 500);
	assert_true(f.control.packets_per_job > 50);
	(void)step(&f, SL_PRESSURE_SHED, 2, 400);
	assert_true(f.control.packets_per_job == 2.5);
	steps(&f, 4, SL_PRESSURE_SHED, 2, 100);
	assert_true(f.control.capacity.per_s == 300);
	/* But for a moment in which nothing came. */
	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	f.passed_per_s = 100;
	(void)step(&f, SL_PRESSURE_SHED, 2, 500);
	assert_true(f.control.packets_per_job == 2);
}

static void without_a_known_cost_it_begins_at_what_passes(void **state)
{
	struct fixture f;

	begin(&f);
	assert_true(step(&f, SL_PRESSURE_SHED, 3, 0));
	assert_true(f.control.capacity.per_s == 800);
	assert_shed(&f, 0, 0, 500); /* the first cut */
	steps(&f, 4, SL_PRESSURE_SHED, 3, 0);
	assert_true(f.control.capacity.per_s < 600);
}

static void stop_leaves_the_highest_class(void **state)
{
	struct fixture f;

	begin(&f);
	f.cuts[STEADY].demand_per_s = 0; /* it may begin any moment */
	steps(&f, 4, SL_PRESSURE_OK, 0.5, 500);
	assert_true(step(&f, SL_PRESSURE_STOP, 9, 400));
	assert_shed(&f, 0, 1000, 1000);
}

static void healed_all_of_it_passes_within_ten_seconds(void **state)
{
	unsigned int halves = 0;
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	steps(&f, 20, SL_PRESSURE_SHED, 2, 50);
	assert_true(f.cuts[STEADY].shed_permille > 900);
	while (f.cuts[BATCH].shed_permille && halves++ < 40)
		(void)step(&f, SL_PRESSURE_SHED, 0.3, f.passed_per_s / 2);
	assert_in_range(halves, 4, 20);
	steps(&f, 20, SL_PRESSURE_SHED, 0.5, 500);
	assert_shed(&f, 0, 0, 0);
	assert_false(step(&f, SL_PRESSURE_WARN, 0.5, 500));
}

static void silence_keeps_what_was_shed_and_ends_after_a_minute(void **state)
{
	uint32_t before;
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	steps(&f, 4, SL_PRESSURE_SHED, 2, 225);
	before = f.cuts[BATCH].shed_permille;
	assert_true(before > 0);
	steps(&f, 19, SL_PRESSURE_STALE, 2, 0);
	assert_int_equal(f.cuts[BATCH].shed_permille, before);
	steps(&f, 4, SL_PRESSURE_STALE, 2, 0);
	assert_true(f.cuts[BATCH].shed_permille > before);
	steps(&f, 90, SL_PRESSURE_STALE, 2, 0);
	assert_true(f.cuts[BATCH].shed_permille > before);
	assert_shed(&f, 0, 433, 1000); /* half of 540 is left, no less */
	steps(&f, 10, SL_PRESSURE_STALE, 2, 0);
	assert_shed(&f, 0, 0, 0);
}

static void silence_sheds_nothing_that_was_not_shed(void **state)
{
	struct fixture f;

	begin(&f);
	steps(&f, 10, SL_PRESSURE_OK, 0.5, 500);
	steps(&f, 200, SL_PRESSURE_STALE, 0.5, 0);
	assert_shed(&f, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_not_counted_yet_sheds_nothing),
		cmocka_unit_test(warned_nobody_loses_anything),
		cmocka_unit_test(what_workers_finish_is_what_may_come),
		cmocka_unit_test(what_workers_finish_later_is_followed_down_at_once),
		cmocka_unit_test(the_first_cut_does_not_wait_for_what_workers_finish),
		cmocka_unit_test(what_is_a_moments_harms_nobody_who_is_critical),
		cmocka_unit_test(at_first_only_the_lowest_class_that_sends_loses),
		cmocka_unit_test(of_the_highest_class_nothing_guaranteed_is_shed),
		cmocka_unit_test(what_idle_workers_finish_is_not_all_they_can),
		cmocka_unit_test(a_look_in_which_nothing_came_is_no_capacity),
		cmocka_unit_test(a_cost_of_what_has_ended_is_not_held_to),
		cmocka_unit_test(without_a_known_cost_it_begins_at_what_passes),
		cmocka_unit_test(stop_leaves_the_highest_class),
		cmocka_unit_test(healed_all_of_it_passes_within_ten_seconds),
		cmocka_unit_test(silence_keeps_what_was_shed_and_ends_after_a_minute),
		cmocka_unit_test(silence_sheds_nothing_that_was_not_shed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
