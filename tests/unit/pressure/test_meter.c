// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/gauge.h"

#include "tests/harness/test.h"

#define MS_NS 1000000ull
#define S_NS  (1000 * MS_NS)
#define START (1000 * S_NS)

static const struct sl_meter_waiting nobody = { NULL, 0 };

static void rates_are_of_the_last_four_slices(void **state)
{
	struct sl_meter meter;

	sl_meter_init(&meter, 100 * MS_NS, START);
	for (unsigned int i = 0; i < 100; i++)
		sl_meter_count(&meter, SL_METER_DONE, START + i * 10 * MS_NS);
	assert_true(sl_meter_per_s(&meter, SL_METER_DONE, START + S_NS - 1) > 99);
	assert_true(sl_meter_per_s(&meter, SL_METER_DONE, START + S_NS - 1) < 101);
	assert_true(sl_meter_per_s(&meter, SL_METER_EXPIRED, START + S_NS - 1) == 0);
	assert_true(sl_meter_per_s(&meter, SL_METER_DONE, START + 3 * S_NS) == 0);
}

static void one_event_at_the_start_is_no_rate(void **state)
{
	struct sl_meter meter;

	sl_meter_init(&meter, 100 * MS_NS, START);
	sl_meter_count(&meter, SL_METER_DONE, START + 1);
	assert_true(sl_meter_per_s(&meter, SL_METER_DONE, START + 1) <= 4);
}

static void long_jobs_have_long_slices(void **state)
{
	struct sl_meter meter;

	sl_meter_init(&meter, 30 * S_NS, START);
	sl_meter_count(&meter, SL_METER_DONE, START + S_NS);
	assert_true(sl_meter_per_s(&meter, SL_METER_DONE, START + 40 * S_NS) > 0);
}

static void delays_are_quantiles_of_those_that_ran_and_those_that_wait(void **state)
{
	struct sl_signal signal = { .seq = 1 };
	struct sl_meter meter;
	uint64_t since_ns[] = { START - 900 * MS_NS };
	const struct sl_meter_waiting waiting = { since_ns, 1 };

	sl_meter_init(&meter, 100 * MS_NS, START - S_NS);
	for (unsigned int i = 1; i <= 101; i++)
		sl_meter_waited(&meter, i * MS_NS, START);
	sl_meter_read(&signal, &meter, &nobody, START);
	assert_true(signal.queue_delay_p50_ms == 51);
	assert_true(signal.queue_delay_p99_ms == 100);
	sl_meter_read(&signal, &meter, &nobody, START + 2 * S_NS); /* long ago */
	assert_true(signal.queue_delay_p50_ms == 0);
	sl_meter_read(&signal, &meter, &waiting, START + 2 * S_NS);
	assert_true(signal.queue_delay_p50_ms == 2900);
}

/* ---- the gauge ----------------------------------------------------------------------------- */

static struct sl_gauge new_gauge(void)
{
	const struct sl_gauge_options options = {
		.pool = "p", .source = "w", .epoch = 3, .slots = 4
	};
	struct sl_gauge gauge;

	sl_gauge_init(&gauge, &options, START);
	return gauge;
}

static void signals_come_every_quarter_of_a_second_or_so(void **state)
{
	struct sl_gauge gauge = new_gauge();
	const struct sl_gauge_now now = { .busy = 1, .routers = 1 };

	assert_false(sl_gauge_signal(&gauge, &now, 0, START));
	assert_int_equal(gauge.last.seq, 1);
	assert_int_equal(gauge.last.credits, 11);
	assert_false(sl_gauge_is_due(&gauge, &now, START + 200 * MS_NS - 1));
	assert_true(sl_gauge_is_due(&gauge, &now, START + 200 * MS_NS));
	(void)sl_gauge_signal(&gauge, &now, 100 * MS_NS - 1, START);
	assert_false(sl_gauge_is_due(&gauge, &now, START + 300 * MS_NS - 2));
	assert_true(sl_gauge_is_due(&gauge, &now, START + 300 * MS_NS));
}

static void bad_news_comes_at_once(void **state)
{
	struct sl_gauge gauge = new_gauge();
	uint64_t since_ns[] = { START };
	struct sl_gauge_now now = { .busy = 4, .routers = 1 };

	(void)sl_gauge_signal(&gauge, &now, 0, START);
	now.waiting = (struct sl_meter_waiting){ since_ns, 1 };
	assert_false(sl_gauge_is_due(&gauge, &now, START + 99 * MS_NS));
	assert_true(sl_gauge_is_due(&gauge, &now, START + 110 * MS_NS));
	(void)sl_gauge_signal(&gauge, &now, 0, START + 110 * MS_NS);
	assert_false(sl_gauge_is_due(&gauge, &now, START + 159 * MS_NS));
	assert_true(sl_gauge_is_due(&gauge, &now, START + 160 * MS_NS)); /* nothing is shed yet */
	since_ns[0] = START + 150 * MS_NS; /* a little over what is wanted: it is known */
	sl_meter_count(&gauge.meter, SL_METER_DONE, START + 150 * MS_NS);
	sl_meter_count(&gauge.meter, SL_METER_DONE, START + 150 * MS_NS);
	assert_false(sl_gauge_is_due(&gauge, &now, START + 270 * MS_NS));
	now.drops = 1;
	assert_true(sl_gauge_is_due(&gauge, &now, START + 111 * MS_NS));
	assert_true(sl_gauge_signal(&gauge, &now, 0, START + 111 * MS_NS));
	assert_int_equal(gauge.last.state, SL_PRESSURE_SHED);
	assert_false(sl_gauge_is_due(&gauge, &now, START + 112 * MS_NS)); /* told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_of_the_last_four_slices),
		cmocka_unit_test(one_event_at_the_start_is_no_rate),
		cmocka_unit_test(long_jobs_have_long_slices),
		cmocka_unit_test(delays_are_quantiles_of_those_that_ran_and_those_that_wait),
		cmocka_unit_test(signals_come_every_quarter_of_a_second_or_so),
		cmocka_unit_test(bad_news_comes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
