// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/breaker.h"

#include "tests/harness/test.h"

#define S_NS  1000000000ull
#define FAST  1000000ull
#define START (1000 * S_NS)

static const struct sl_breaker_limits *const limits = &sl_breaker_limits_default;

static void fail_calls(struct sl_breaker *breaker, int times, uint64_t now)
{
	while (times--)
		(void)sl_breaker_report(breaker, limits, false, FAST, now);
}

static void succeed(struct sl_breaker *breaker, int times, uint64_t now)
{
	while (times--)
		(void)sl_breaker_report(breaker, limits, true, FAST, now);
}

static struct sl_breaker opened(uint64_t now)
{
	struct sl_breaker breaker = { .since_ns = now };

	fail_calls(&breaker, 5, now);
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
	return breaker;
}

static void five_failures_in_a_row_open_it(void **state)
{
	struct sl_breaker breaker = { .since_ns = START };

	fail_calls(&breaker, 4, START);
	succeed(&breaker, 1, START);
	fail_calls(&breaker, 4, START);
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
	assert_true(sl_breaker_report(&breaker, limits, false, FAST, START));
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
	assert_false(sl_breaker_admits(&breaker, limits, START + 60 * S_NS - 1));
	assert_true(sl_breaker_admits(&breaker, limits, START + 60 * S_NS));
}

static void a_slow_success_is_a_failure(void **state)
{
	struct sl_breaker breaker = { .since_ns = START };

	for (int i = 0; i < 5; i++)
		(void)sl_breaker_report(&breaker, limits, true, 5 * S_NS, START);
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
	for (int i = 0; i < 5; i++)
		(void)sl_breaker_report(&breaker, limits, true, 5 * S_NS + 1, START);
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
}

static void half_of_the_calls_of_a_minute_open_it(void **state)
{
	struct sl_breaker breaker = { .since_ns = START };

	for (int i = 0; i < 4; i++) {
		succeed(&breaker, 1, START + (uint64_t)i * 10 * S_NS);
		fail_calls(&breaker, 1, START + (uint64_t)i * 10 * S_NS);
	}
	succeed(&breaker, 1, START + 40 * S_NS);
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
	fail_calls(&breaker, 1, START + 45 * S_NS);
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
}

static void what_is_older_than_the_window_counts_no_more(void **state)
{
	struct sl_breaker breaker = { .since_ns = START };
	uint32_t calls;

	for (int i = 0; i < 4; i++) {
		fail_calls(&breaker, 1, START);
		succeed(&breaker, 1, START);
	}
	assert_true(sl_breaker_error_rate(&breaker, limits, START, &calls) == 0.5);
	assert_int_equal(calls, 8);
	(void)sl_breaker_error_rate(&breaker, limits, START + 70 * S_NS, &calls);
	assert_int_equal(calls, 0);
	succeed(&breaker, 1, START + 70 * S_NS);
	fail_calls(&breaker, 1, START + 70 * S_NS);
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
}

static void half_open_lets_three_through_and_two_successes_close_it(void **state)
{
	struct sl_breaker breaker = opened(START);
	const uint64_t now = START + 61 * S_NS;

	assert_true(sl_breaker_take(&breaker, limits, now));
	assert_int_equal(breaker.state, SL_BREAKER_HALF_OPEN);
	assert_false(sl_breaker_take(&breaker, limits, now));
	assert_true(sl_breaker_admits(&breaker, limits, now));
	assert_false(sl_breaker_take(&breaker, limits, now));
	assert_false(sl_breaker_admits(&breaker, limits, now));
	succeed(&breaker, 1, now);
	assert_int_equal(breaker.state, SL_BREAKER_HALF_OPEN);
	assert_true(sl_breaker_report(&breaker, limits, true, FAST, now));
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
	fail_calls(&breaker, 4, now);
	assert_int_equal(breaker.state, SL_BREAKER_CLOSED);
}

static void a_failure_half_open_opens_it_again(void **state)
{
	struct sl_breaker breaker = opened(START);
	const uint64_t now = START + 61 * S_NS;

	(void)sl_breaker_take(&breaker, limits, now);
	succeed(&breaker, 1, now);
	assert_true(sl_breaker_report(&breaker, limits, false, FAST, now));
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
	assert_false(sl_breaker_admits(&breaker, limits, now + 59 * S_NS));
	assert_int_equal(breaker.opened_total, 2);
}

static void trials_without_results_do_not_block_it_for_ever(void **state)
{
	struct sl_breaker breaker = opened(START);
	const uint64_t now = START + 61 * S_NS;

	for (int i = 0; i < 3; i++)
		(void)sl_breaker_take(&breaker, limits, now);
	assert_false(sl_breaker_admits(&breaker, limits, now + 59 * S_NS));
	assert_true(sl_breaker_admits(&breaker, limits, now + 60 * S_NS));
	(void)sl_breaker_take(&breaker, limits, now + 60 * S_NS);
	assert_int_equal(breaker.trials, 1);
}

static void results_of_before_do_not_move_an_open_one(void **state)
{
	struct sl_breaker breaker = opened(START);

	assert_false(sl_breaker_report(&breaker, limits, true, FAST, START + S_NS));
	assert_int_equal(breaker.state, SL_BREAKER_OPEN);
}

static void each_tenant_and_provider_has_its_own(void **state)
{
	const struct sl_table_options options = {
		.entries_max = 2,
		.value_size = sizeof(struct sl_breaker),
	};
	struct sl_table *table = NULL;
	struct sl_breaker *breaker;

	assert_int_equal(sl_table_new(&table, &options), 0);
	breaker = sl_breaker_get(table, SL_SPAN("a"), SL_SPAN("p"), START);
	fail_calls(breaker, 5, START);
	assert_string_equal(breaker->tenant, "a");
	assert_null(sl_breaker_find(table, SL_SPAN("b"), SL_SPAN("p"), START));
	assert_true(sl_breaker_admits(NULL, limits, START));
	breaker = sl_breaker_find(table, SL_SPAN("a"), SL_SPAN("p"), START);
	assert_false(sl_breaker_admits(breaker, limits, START));
	sl_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_failures_in_a_row_open_it),
		cmocka_unit_test(a_slow_success_is_a_failure),
		cmocka_unit_test(half_of_the_calls_of_a_minute_open_it),
		cmocka_unit_test(what_is_older_than_the_window_counts_no_more),
		cmocka_unit_test(half_open_lets_three_through_and_two_successes_close_it),
		cmocka_unit_test(a_failure_half_open_opens_it_again),
		cmocka_unit_test(trials_without_results_do_not_block_it_for_ever),
		cmocka_unit_test(results_of_before_do_not_move_an_open_one),
		cmocka_unit_test(each_tenant_and_provider_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
