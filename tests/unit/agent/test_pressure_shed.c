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
	double passed_per_s;
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

static void without_a_known_cost_it_begins_at_what_passes(void **state)
{
	struct fixture f;

	begin(&f);
	assert_true(step(&f, SL_PRESSURE_SHED, 3, 0));
	assert_true(f.control.capacity.per_s == 800);
	assert_shed(&f, 0, 0, 333);
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
		cmocka_unit_test(without_a_known_cost_it_begins_at_what_passes),
		cmocka_unit_test(stop_leaves_the_highest_class),
		cmocka_unit_test(healed_all_of_it_passes_within_ten_seconds),
		cmocka_unit_test(silence_keeps_what_was_shed_and_ends_after_a_minute),
		cmocka_unit_test(silence_sheds_nothing_that_was_not_shed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
