// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>

#include "userspace/usage/runs.h"

struct closed {
	size_t count;
	double cost;
	size_t labels[8];
	double costs[8];
};

static void on_closed(void *context, size_t label, double cost)
{
	struct closed *closed = context;

	if (closed->count < 8) {
		closed->labels[closed->count] = label;
		closed->costs[closed->count] = cost;
	}
	closed->count++;
	closed->cost += cost;
}

static void a_quiet_run_is_closed_with_its_sum(void **state)
{
	struct closed closed = { .count = 0 };
	struct sl_runs *runs = NULL;

	assert_int_equal(sl_runs_new(&runs, 16, on_closed, &closed), 0);
	sl_runs_add(runs, "a", 3, 1, 100);
	sl_runs_add(runs, "b", 4, 10, 200);
	sl_runs_add(runs, "a", 5, 2, 300); /* the first label stays */
	sl_runs_close_quiet(runs, 200);
	assert_int_equal(closed.count, 0);
	sl_runs_close_quiet(runs, 201);
	assert_int_equal(closed.count, 1);
	assert_int_equal(closed.labels[0], 4);
	assert_true(closed.costs[0] == 10);
	sl_runs_close_quiet(runs, 1000);
	assert_int_equal(closed.labels[1], 3);
	assert_true(closed.costs[1] == 3);
	assert_int_equal(sl_runs_open(runs), 0);
	sl_runs_add(runs, "a", 1, 7, 2000); /* begins anew */
	sl_runs_close_quiet(runs, 3000);
	assert_true(closed.costs[2] == 7);
	sl_runs_free(runs);
}

static void one_too_many_closes_the_quietest(void **state)
{
	struct closed closed = { .count = 0 };
	struct sl_runs *runs = NULL;
	char id[16];

	assert_int_equal(sl_runs_new(&runs, 16, on_closed, &closed), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "run-%u", (unsigned int)(i * 7 % 100));
		sl_runs_add(runs, id, 0, 1, i);
		assert_true(sl_runs_open(runs) <= 16);
	}
	sl_runs_close_quiet(runs, 1001);
	assert_true(closed.cost == 1000);
	assert_int_equal(sl_runs_open(runs), 0);
	sl_runs_free(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quiet_run_is_closed_with_its_sum),
		cmocka_unit_test(one_too_many_closes_the_quietest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
