// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <math.h>
#include <pthread.h>

#include "userspace/domain/cost.h"
#include "userspace/domain/gcra.h"

#define S   1000000000ull
#define NOW (1000 * S)

static void units_are_time_of_the_bucket(void **state)
{
	struct sl_request_limit limit = sl_gcra_limit(10, 10 * S);

	assert_int_equal(sl_cost_ns(&limit, 0), 0);
	assert_int_equal(sl_cost_ns(&limit, 0.25), S / 4);
	assert_int_equal(sl_cost_ns(&limit, 3), 3 * S);
	assert_int_equal(sl_cost_ns(&limit, 1e300), 10 * S);
	assert_int_equal(sl_cost_ns(&limit, (double)INFINITY), 10 * S);
	assert_int_equal(sl_cost_ns(&limit, -1), 0);
	assert_int_equal(sl_cost_ns(&limit, (double)NAN), 0);
}

static void what_does_not_fit_is_refused_with_the_true_wait(void **state)
{
	struct sl_request_limit limit = sl_gcra_limit(10, 10 * S);
	struct sl_request_word word = { 0 };

	assert_int_equal(sl_cost_reserve(&limit, &word, 5 * S, NOW), 0);
	assert_int_equal(sl_cost_reserve(&limit, &word, 4 * S, NOW), 0);
	assert_int_equal(sl_cost_reserve(&limit, &word, 5 * S, NOW), 4 * S);
	assert_int_equal(sl_cost_reserve(&limit, &word, 5 * S, NOW + 4 * S - 1), 1);
	assert_int_equal(sl_cost_reserve(&limit, &word, 5 * S, NOW + 4 * S), 0);
	assert_int_equal(word.tat_ns, NOW + 14 * S);
	assert_true(sl_cost_reserve(&limit, &word, 11 * S, NOW) == UINT64_MAX);
}

static void none_and_unlimited(void **state)
{
	struct sl_request_limit none = sl_gcra_limit(0, S), unlimited = { 0 };
	struct sl_request_word word = { 4711 };

	assert_true(sl_cost_reserve(&none, &word, 0, NOW) == UINT64_MAX);
	assert_int_equal(sl_cost_reserve(&unlimited, &word, S, NOW), 0);
	assert_int_equal(word.tat_ns, 4711);
}

static void the_difference_is_settled_either_way(void **state)
{
	struct sl_request_limit limit = sl_gcra_limit(10, 10 * S);
	struct sl_request_word word = { 0 };

	assert_int_equal(sl_cost_reserve(&limit, &word, 5 * S, NOW), 0);
	sl_cost_settle(&word, 5 * S, 2 * S);
	assert_int_equal(word.tat_ns, NOW + 2 * S);
	sl_cost_settle(&word, 0, 9 * S);
	assert_int_equal(word.tat_ns, NOW + 11 * S);
	sl_cost_settle(&word, S, S);
	assert_int_equal(word.tat_ns, NOW + 11 * S);
	/* A debt is one full bucket at most. */
	sl_cost_settle(&word, 0, 500 * S);
	assert_int_equal(sl_cost_reserve(&limit, &word, S, NOW), S);
	/* What is given back to a bucket that is full already is not saved up. */
	word.tat_ns = NOW;
	sl_cost_settle(&word, 5 * S, 0);
	assert_int_equal(sl_cost_reserve(&limit, &word, 10 * S, NOW), 0);
	assert_int_equal(word.tat_ns, NOW + 10 * S);
}

#define THREADS 4
#define EACH	1000

static struct sl_request_word shared;
static struct sl_request_limit wide;

static void *reserve_and_settle(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		if (sl_cost_reserve(&wide, &shared, 10, NOW))
			continue;
		sl_cost_settle(&shared, 10, 3);
		++*(uint64_t *)arg;
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	uint64_t done[THREADS] = { 0 }, sum = 0;
	pthread_t threads[THREADS];

	wide = sl_gcra_limit(1000, 1000 * S);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reserve_and_settle, &done[i]),
				 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		sum += done[i];
	}
	assert_int_equal(sum, THREADS * EACH);
	assert_int_equal(shared.tat_ns, NOW + 3 * sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_time_of_the_bucket),
		cmocka_unit_test(what_does_not_fit_is_refused_with_the_true_wait),
		cmocka_unit_test(none_and_unlimited),
		cmocka_unit_test(the_difference_is_settled_either_way),
		cmocka_unit_test(nothing_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
