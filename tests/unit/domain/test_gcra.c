// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <pthread.h>
#include <stdbool.h>

#include "userspace/domain/gcra.h"

#define S 1000000000ull

static struct sl_gcra_verdict take(struct sl_gcra_level *levels, size_t count, uint64_t now_ns)
{
	struct sl_gcra_verdict verdict;

	sl_gcra_take(&verdict, levels, count, now_ns);
	return verdict;
}

static void as_many_at_once_as_the_limit_says(void **state)
{
	struct sl_request_word word = { 0 };
	struct sl_gcra_level level = { sl_gcra_limit(5, 10 * S), &word };
	struct sl_gcra_verdict verdict;

	for (uint64_t i = 0; i < 5; i++) {
		assert_int_equal(sl_gcra_left(&level, 100 * S), 5 - i);
		assert_true(take(&level, 1, 100 * S).admitted);
	}
	verdict = take(&level, 1, 100 * S);
	assert_false(verdict.admitted);
	assert_int_equal(verdict.wait_ns, 2 * S);
	assert_int_equal(sl_gcra_reset_ns(&level, 100 * S), 10 * S);
	/* The wait it told is true to the nanosecond. */
	assert_false(take(&level, 1, 102 * S - 1).admitted);
	assert_true(take(&level, 1, 102 * S).admitted);
	assert_false(take(&level, 1, 102 * S).admitted);
	/* Full again, and not fuller. */
	assert_int_equal(sl_gcra_left(&level, 1000 * S), 5);
}

static void no_limit_and_a_limit_of_none(void **state)
{
	struct sl_request_word word = { 0 };
	struct sl_gcra_level level = { { 0, 0 }, &word };

	for (int i = 0; i < 1000; i++)
		assert_true(take(&level, 1, S).admitted);
	assert_int_equal(word.tat_ns, 0);
	assert_int_equal(sl_gcra_left(&level, S), UINT64_MAX);
	level.limit = sl_gcra_limit(0, S);
	assert_false(take(&level, 1, S).admitted);
	assert_int_equal(take(&level, 1, S).wait_ns, UINT64_MAX);
	assert_int_equal(sl_gcra_size(&level.limit), 0);
}

static void a_refusal_of_one_level_charges_none(void **state)
{
	struct sl_request_word wide = { 0 }, narrow = { 0 };
	struct sl_gcra_level levels[] = {
		{ sl_gcra_limit(100, 10 * S), &wide },
		{ sl_gcra_limit(1, 10 * S), &narrow },
	};
	struct sl_gcra_verdict verdict = take(levels, 2, 50 * S);
	uint64_t charged;

	assert_true(verdict.admitted);
	assert_int_equal(verdict.level, 1); /* the one with the least left */
	charged = wide.tat_ns;
	verdict = take(levels, 2, 50 * S);
	assert_false(verdict.admitted);
	assert_int_equal(verdict.level, 1);
	assert_int_equal(wide.tat_ns, charged);
}

static void a_faster_limit_is_not_held_up_by_an_older_one(void **state)
{
	struct sl_request_word word = { 0 };
	struct sl_gcra_level level = { sl_gcra_limit(1, 3600 * S), &word };

	assert_true(take(&level, 1, 10 * S).admitted);
	level.limit = sl_gcra_limit(10, 10 * S);
	/* Counts as just empty: nothing is minted, and one comes each second. */
	assert_false(take(&level, 1, 10 * S).admitted);
	assert_int_equal(take(&level, 1, 10 * S).wait_ns, 1 * S);
	word.tat_ns = 20 * S; /* as ten seconds later */
	assert_true(take(&level, 1, 21 * S).admitted);
}

static void rates_that_cannot_be_are_bounded(void **state)
{
	assert_int_equal(sl_gcra_limit(5, 1).period_ns, 1);
	assert_true(sl_gcra_limit(UINT64_MAX, UINT64_MAX).burst_ns <= SL_GCRA_BURST_MAX);
	assert_int_equal(sl_gcra_limit(50, 60 * S).burst_ns, 60 * S);
}

#define THREADS 4
#define TAKES	20000

static void *take_many(void *context)
{
	struct sl_gcra_level *levels = context;
	uintptr_t admitted = 0;

	for (int i = 0; i < TAKES; i++)
		admitted += take(levels, 2, 7 * S).admitted;
	return (void *)admitted;
}

static void threads_share_a_word_without_loss(void **state)
{
	struct sl_request_word words[2] = { { 0 }, { 0 } };
	struct sl_gcra_level levels[] = {
		{ sl_gcra_limit(50000, 50000 * S), &words[0] },
		{ sl_gcra_limit(30000, 30000 * S), &words[1] },
	};
	pthread_t threads[THREADS];
	uintptr_t sum = 0;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, levels), 0);
	for (int i = 0; i < THREADS; i++) {
		void *admitted;

		pthread_join(threads[i], &admitted);
		sum += (uintptr_t)admitted;
	}
	/* Exact, but for charges added without the check when others won every time. */
	assert_in_range(sum, 30000 - THREADS, 30000 + THREADS);
	assert_int_equal(50000 - sl_gcra_left(&levels[0], 7 * S), sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_at_once_as_the_limit_says),
		cmocka_unit_test(no_limit_and_a_limit_of_none),
		cmocka_unit_test(a_refusal_of_one_level_charges_none),
		cmocka_unit_test(a_faster_limit_is_not_held_up_by_an_older_one),
		cmocka_unit_test(rates_that_cannot_be_are_bounded),
		cmocka_unit_test(threads_share_a_word_without_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
