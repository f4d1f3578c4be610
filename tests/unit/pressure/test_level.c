// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/level.h"

#include <errno.h>

#include "tests/harness/test.h"

#define S_NS  1000000000ull
#define START (100 * S_NS)

struct clock {
	struct sl_level level;
	uint64_t now_ns;
};

/* Signals of one pressure for @ms; the state after them. */
static enum sl_pressure_state hold(struct clock *clock, double pressure, unsigned int ms)
{
	const struct sl_level_signal signal = { .pressure = pressure };

	for (unsigned int i = 0; i < ms / 250; i++) {
		clock->now_ns += SL_PRESSURE_PERIOD_NS;
		(void)sl_level_signal(&clock->level, &signal, clock->now_ns);
	}
	return clock->level.state;
}

static struct clock at_rest(void)
{
	struct clock clock = { .now_ns = START };

	(void)hold(&clock, 0.5, 1000);
	return clock;
}

/* In a state, with a pressure that keeps it there. */
static struct clock in_state(enum sl_pressure_state state)
{
	struct clock clock = at_rest();

	if (state == SL_PRESSURE_WARN)
		(void)hold(&clock, 1.2, 4000);
	if (state == SL_PRESSURE_SHED)
		(void)hold(&clock, 2, 4000);
	if (state == SL_PRESSURE_STOP)
		(void)hold(&clock, 9, 8000);
	assert_int_equal(clock.level.state, state);
	return clock;
}

static void the_worst_term_counts(void **state)
{
	const struct sl_pressure_inputs base = { .target_s = 0.1, .limit = 4, .drain_per_s = 100 };
	struct sl_pressure_inputs inputs = base;

	assert_true(sl_pressure_of(&inputs) == 0);
	inputs.inflight = 4;
	assert_true(sl_pressure_of(&inputs) == 1);
	inputs.queue_delay_s = 0.25;
	assert_true(sl_pressure_of(&inputs) == 2.5);
	inputs.queue_depth = 30;
	assert_true(sl_pressure_of(&inputs) == 3);
	inputs.inflight = 0; /* four slots are free */
	inputs.queue_delay_s = 0;
	assert_true(sl_pressure_of(&inputs) == 2.6);
	inputs.queue_depth = 4;
	assert_true(sl_pressure_of(&inputs) == 0);
	inputs = base;
	inputs.refused_per_s = 10;
	inputs.offered_per_s = 100;
	assert_true(sl_pressure_of(&inputs) == 2);
	inputs.refused_per_s = 100; /* refusals alone do not stop */
	assert_true(sl_pressure_of(&inputs) == 3);
	inputs = base;
	inputs.unacked = 90;
	inputs.unacked_max = 100;
	assert_true(sl_pressure_of(&inputs) == 1);
}

static void nothing_drained_is_the_most_there_is(void **state)
{
	const struct sl_pressure_inputs inputs = { .target_s = 0.1, .queue_depth = 1 };

	assert_true(sl_pressure_of(&inputs) == SL_PRESSURE_MAX);
}

static void half_a_second_over_one_warns(void **state)
{
	struct clock clock = at_rest();

	assert_int_equal(hold(&clock, 3, 250), SL_PRESSURE_OK); /* 0.5 -> 1.25 */
	assert_int_equal(hold(&clock, 1.2, 250), SL_PRESSURE_OK);
	assert_int_equal(hold(&clock, 1.2, 250), SL_PRESSURE_WARN);
	clock = at_rest();
	assert_int_equal(hold(&clock, 3, 250), SL_PRESSURE_OK);
	assert_int_equal(hold(&clock, 0, 250), SL_PRESSURE_OK); /* 0.87 */
}

/* A signal @ms after the last one; the state after it. */
static enum sl_pressure_state say(struct clock *clock, double pressure, unsigned int ms)
{
	const struct sl_level_signal signal = { .pressure = pressure };

	clock->now_ns += ms * (S_NS / 1000);
	(void)sl_level_signal(&clock->level, &signal, clock->now_ns);
	return clock->level.state;
}

/*
 * `scripts/demo.sh --nodes` beside busy loops: what a router saw of requests that had been held
 * up, and came all at once. It shed, for ten seconds, and gateways halved their limits.
 */
static void a_burst_that_is_worked_off_is_no_overload(void **state)
{
	struct clock clock = at_rest();

	(void)state;
	assert_int_equal(say(&clock, 3.83, 200), SL_PRESSURE_OK);
	assert_int_equal(say(&clock, 3.0, 113), SL_PRESSURE_OK);
	assert_true(clock.level.pressure > 1.5);
	assert_int_equal(say(&clock, 0.9, 124), SL_PRESSURE_OK);
	assert_int_equal(hold(&clock, 0.2, 10000), SL_PRESSURE_OK);
	/* Not even the worst, said twice. */
	assert_int_equal(say(&clock, 10, 100), SL_PRESSURE_OK);
	assert_int_equal(say(&clock, 10, 50), SL_PRESSURE_OK);
	assert_true(clock.level.pressure > 4);
	assert_int_equal(say(&clock, 0.9, 50), SL_PRESSURE_OK);
	assert_int_equal(hold(&clock, 0.2, 10000), SL_PRESSURE_OK);
	/* What goes on is one: after three signals, and 100 ms. */
	assert_int_equal(say(&clock, 3, 100), SL_PRESSURE_OK);
	assert_int_equal(say(&clock, 3, 45), SL_PRESSURE_OK);
	assert_int_equal(say(&clock, 3, 50), SL_PRESSURE_OK);
	assert_int_equal(say(&clock, 3, 5), SL_PRESSURE_SHED);
}

/* On a machine that stood still for two seconds: all had waited, and nobody did any more. */
static void who_has_a_free_slot_does_not_wait(void **state)
{
	struct sl_pressure_inputs inputs = {
		.target_s = 0.1, .queue_delay_s = 0.677, .inflight = 1, .limit = 6, .drain_per_s = 4
	};

	(void)state;
	assert_true(sl_pressure_of(&inputs) < 0.2);
	inputs.inflight = 6;
	assert_true(sl_pressure_of(&inputs) > 6);
	inputs.inflight = 5; /* one worker is full, the other on its way to a job */
	inputs.queue_depth = 3;
	assert_true(sl_pressure_of(&inputs) > 6);
}

static void warn_ends_after_five_calm_seconds(void **state)
{
	struct clock clock = in_state(SL_PRESSURE_WARN);

	(void)hold(&clock, 0.1, 1000); /* under .7 on the second */
	assert_int_equal(hold(&clock, 0.1, 4000), SL_PRESSURE_WARN);
	assert_int_equal(hold(&clock, 0.1, 1000), SL_PRESSURE_OK);
	clock = in_state(SL_PRESSURE_WARN);
	(void)hold(&clock, 0.1, 4000);
	(void)hold(&clock, 3, 250); /* once over .7: from the start */
	assert_int_equal(hold(&clock, 0.1, 5000), SL_PRESSURE_WARN);
}

static void shed_ends_in_warn_after_ten_seconds(void **state)
{
	struct clock clock = in_state(SL_PRESSURE_SHED);

	(void)hold(&clock, 0.1, 1000);
	assert_int_equal(hold(&clock, 0.1, 9000), SL_PRESSURE_SHED);
	assert_int_equal(hold(&clock, 0.1, 1000), SL_PRESSURE_WARN);
	assert_int_equal(hold(&clock, 0.1, 4500), SL_PRESSURE_WARN);
	assert_int_equal(hold(&clock, 0.1, 1000), SL_PRESSURE_OK);
}

static void two_seconds_over_four_stop(void **state)
{
	struct clock clock = in_state(SL_PRESSURE_SHED);

	(void)hold(&clock, 9, 500); /* 2 -> 4.1 -> 5.6 */
	assert_int_equal(hold(&clock, 9, 1500), SL_PRESSURE_SHED);
	assert_int_equal(hold(&clock, 9, 500), SL_PRESSURE_STOP);
	(void)hold(&clock, 0, 2000);
	assert_int_equal(hold(&clock, 0, 8000), SL_PRESSURE_STOP);
	assert_int_equal(hold(&clock, 0, 2000), SL_PRESSURE_SHED);
}

static void a_drop_sheds_at_once(void **state)
{
	struct clock clock = at_rest();
	const struct sl_level_signal drop = { .pressure = 0.2, .dropped = true };

	assert_true(sl_level_signal(&clock.level, &drop, clock.now_ns + 1));
	assert_int_equal(clock.level.state, SL_PRESSURE_SHED);
}

static void without_a_worker_it_stops_at_once(void **state)
{
	struct clock clock = at_rest();
	const struct sl_level_signal gone = { .deserted = true };

	assert_true(sl_level_signal(&clock.level, &gone, clock.now_ns + 1));
	assert_int_equal(clock.level.state, SL_PRESSURE_STOP);
}

/* `sim --pressure --seed 2`: the only worker was started anew, and nothing passed for 10 s. */
static void with_a_worker_again_it_sheds_at_once(void **state)
{
	struct clock clock = at_rest();
	const struct sl_level_signal gone = { .deserted = true }, back = { .pressure = 0.2 };

	(void)state;
	(void)sl_level_signal(&clock.level, &gone, clock.now_ns + 1);
	assert_false(sl_level_signal(&clock.level, &gone, clock.now_ns + S_NS));
	assert_true(sl_level_signal(&clock.level, &back, clock.now_ns + 2 * S_NS));
	assert_int_equal(clock.level.state, SL_PRESSURE_SHED);
}

/*
 * `sim --pressure --seed 129`: the two seconds over 4 were those before the workers were gone,
 * and when they were back it stopped for ten.
 */
static void only_what_was_seen_since_then_stops_again(void **state)
{
	const struct sl_level_signal gone = { .pressure = 9, .deserted = true };
	const struct sl_level_signal back = { .pressure = 9 };
	struct clock clock = in_state(SL_PRESSURE_SHED);

	(void)state;
	(void)hold(&clock, 9, 1500);
	(void)sl_level_signal(&clock.level, &gone, clock.now_ns += S_NS);
	assert_int_equal(clock.level.state, SL_PRESSURE_STOP);
	(void)sl_level_signal(&clock.level, &back, clock.now_ns += S_NS);
	assert_int_equal(hold(&clock, 9, 1750), SL_PRESSURE_SHED);
	assert_int_equal(hold(&clock, 9, 500), SL_PRESSURE_STOP);

	/* Silence is not pressure, either. */
	clock = in_state(SL_PRESSURE_SHED);
	(void)hold(&clock, 9, 1500);
	assert_true(sl_level_tick(&clock.level, clock.now_ns += 3 * S_NS));
	assert_int_equal(hold(&clock, 9, 2000), SL_PRESSURE_SHED);
	assert_int_equal(hold(&clock, 9, 500), SL_PRESSURE_STOP);
}

static void silence_is_stale_and_ends_with_a_signal(void **state)
{
	struct clock clock = in_state(SL_PRESSURE_SHED);
	const struct sl_level_signal signal = { .pressure = 1.2 };

	assert_false(sl_level_tick(&clock.level, clock.now_ns + 3 * S_NS - 1));
	assert_true(sl_level_tick(&clock.level, clock.now_ns + 3 * S_NS));
	assert_int_equal(clock.level.state, SL_PRESSURE_STALE);
	assert_false(sl_level_tick(&clock.level, clock.now_ns + 9 * S_NS));
	assert_true(sl_level_signal(&clock.level, &signal, clock.now_ns + 9 * S_NS));
	assert_int_equal(clock.level.state, SL_PRESSURE_SHED);
}

static void nobody_who_never_spoke_is_stale(void **state)
{
	struct sl_level level = { .state = SL_PRESSURE_OK };

	assert_false(sl_level_tick(&level, START));
	assert_int_equal(level.state, SL_PRESSURE_OK);
}

static void names_read_back(void **state)
{
	enum sl_pressure_state found;

	for (unsigned int i = 0; i < SL_PRESSURE_STATES; i++) {
		const char *name = sl_pressure_state_name((enum sl_pressure_state)i);

		assert_int_equal(sl_pressure_state_of(&found, sl_span_of(name)), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(sl_pressure_state_of(&found, SL_SPAN("OK")), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_term_counts),
		cmocka_unit_test(nothing_drained_is_the_most_there_is),
		cmocka_unit_test(half_a_second_over_one_warns),
		cmocka_unit_test(a_burst_that_is_worked_off_is_no_overload),
		cmocka_unit_test(who_has_a_free_slot_does_not_wait),
		cmocka_unit_test(warn_ends_after_five_calm_seconds),
		cmocka_unit_test(shed_ends_in_warn_after_ten_seconds),
		cmocka_unit_test(two_seconds_over_four_stop),
		cmocka_unit_test(a_drop_sheds_at_once),
		cmocka_unit_test(without_a_worker_it_stops_at_once),
		cmocka_unit_test(with_a_worker_again_it_sheds_at_once),
		cmocka_unit_test(only_what_was_seen_since_then_stops_again),
		cmocka_unit_test(silence_is_stale_and_ends_with_a_signal),
		cmocka_unit_test(nobody_who_never_spoke_is_stale),
		cmocka_unit_test(names_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
