// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_pools.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS    1000000ull
#define S     1000000000ull
#define START (100 * S)

struct fixture {
	struct sl_agent_pools *pools;
	uint64_t now_ns, seq;
};

static int setup(void **state)
{
	static const uint64_t secret[2] = { 1, 2 };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sl_agent_pools_new(&f->pools, secret), 0);
	f->now_ns = START;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sl_agent_pools_free(f->pools);
	free(f);
	return 0;
}

/* Of a worker with ten slots, @inflight of them at work and @queued jobs that wait. */
static struct sl_signal worker(struct fixture *f, const char *pool, uint64_t inflight,
			       uint64_t queued)
{
	struct sl_signal signal = { .role = SL_SIGNAL_WORKER,
				    .epoch = 1,
				    .seq = ++f->seq,
				    .inflight = inflight,
				    .limit = 10,
				    .queue_depth = queued,
				    .done_per_s = 100 };

	(void)snprintf(signal.pool, sizeof(signal.pool), "%s", pool);
	(void)snprintf(signal.source, sizeof(signal.source), "w-%s", pool);
	return signal;
}

static struct sl_signal router(struct fixture *f, const char *pool, enum sl_pressure_state state)
{
	struct sl_signal signal = worker(f, pool, 0, 0);

	signal.role = SL_SIGNAL_ROUTER;
	signal.state = state;
	signal.pressure = 3;
	return signal;
}

static int hear(struct fixture *f, const struct sl_signal *signal)
{
	return sl_agent_pools_hear(f->pools, signal, f->now_ns);
}

/* For @ms a worker of each pool speaks every 250 ms. */
static void speak(struct fixture *f, unsigned int ms, const char *pool, uint64_t queued)
{
	for (unsigned int i = 0; i < ms; i += 250) {
		const struct sl_signal signal = worker(f, pool, 5, queued);

		assert_true(hear(f, &signal) >= 0);
		(void)sl_agent_pools_tick(f->pools, 0, f->now_ns);
		f->now_ns += 250 * MS;
	}
}

static enum sl_pressure_state node(const struct fixture *f)
{
	return sl_agent_pools_sum(f->pools).state;
}

static void nobody_spoke_so_all_is_well(void **state)
{
	struct fixture *f = *state;

	assert_false(sl_agent_pools_tick(f->pools, 0, f->now_ns + 60 * S));
	assert_int_equal(node(f), SL_PRESSURE_OK);
	assert_string_equal(sl_agent_pools_sum(f->pools).worst, "");
}

static void workers_that_are_pressed_make_the_node_shed(void **state)
{
	struct fixture *f = *state;

	speak(f, 1000, "a", 0);
	assert_int_equal(node(f), SL_PRESSURE_OK);
	assert_true(sl_agent_pools_sum(f->pools).done_per_s == 100);
	speak(f, 500, "a", 100);
	assert_int_equal(node(f), SL_PRESSURE_SHED);
	assert_string_equal(sl_agent_pools_sum(f->pools).worst, "a");
	assert_true(sl_agent_pools_view(f->pools, 0).since_ns == START + 1250 * MS);
	assert_int_equal(sl_agent_pools_stats(f->pools).transitions_total, 1);
}

static void one_pool_that_stops_does_not_stop_the_node(void **state)
{
	struct fixture *f = *state;
	struct sl_signal signal;

	speak(f, 250, "a", 0);
	signal = router(f, "b", SL_PRESSURE_STOP);
	assert_int_equal(hear(f, &signal), 1);
	assert_int_equal(sl_agent_pools_view(f->pools, 1).state, SL_PRESSURE_STOP);
	assert_int_equal(node(f), SL_PRESSURE_SHED);
	signal = router(f, "a", SL_PRESSURE_STOP);
	assert_int_equal(hear(f, &signal), 1);
	assert_int_equal(node(f), SL_PRESSURE_STOP);
}

/* What it counts by is whether the pool that is pressed is busy, not whether others are. */
static void slots_are_those_of_the_worst_pool(void **state)
{
	struct fixture *f = *state;
	struct sl_signal idle = worker(f, "idle", 0, 0), half = worker(f, "half", 5, 0);

	assert_true(sl_agent_pools_sum(f->pools).busy == 0);
	(void)hear(f, &idle);
	assert_true(sl_agent_pools_sum(f->pools).busy == 0.05); /* not nothing: that is unknown */
	(void)hear(f, &half);
	assert_true(sl_agent_pools_sum(f->pools).busy == 0.5);
	speak(f, 2000, "full", 50);
	assert_true(sl_agent_pools_sum(f->pools).busy == 1);
}

static void a_router_counts_while_it_speaks(void **state)
{
	struct fixture *f = *state;
	struct sl_signal signal = router(f, "a", SL_PRESSURE_SHED);

	speak(f, 250, "a", 0);
	assert_int_equal(hear(f, &signal), 1);
	assert_int_equal(sl_agent_pools_view(f->pools, 0).routers, 1);
	assert_int_equal(node(f), SL_PRESSURE_SHED);
	speak(f, 2750, "a", 0);
	assert_int_equal(node(f), SL_PRESSURE_SHED);
	speak(f, 500, "a", 0);
	assert_int_equal(node(f), SL_PRESSURE_OK);
	assert_int_equal(sl_agent_pools_view(f->pools, 0).routers, 0);
}

static void a_router_that_leaves_counts_no_more(void **state)
{
	struct fixture *f = *state;
	struct sl_signal signal = router(f, "a", SL_PRESSURE_SHED);

	speak(f, 250, "a", 0);
	assert_int_equal(hear(f, &signal), 1);
	signal.seq++;
	signal.leaving = true;
	assert_int_equal(hear(f, &signal), 1);
	assert_int_equal(node(f), SL_PRESSURE_OK);
}

static void what_is_old_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sl_signal now = router(f, "a", SL_PRESSURE_OK), old = now;

	now.seq++;
	assert_true(hear(f, &now) >= 0);
	old.state = SL_PRESSURE_STOP;
	assert_int_equal(hear(f, &old), -ESTALE);
	old.seq = now.seq;
	assert_int_equal(hear(f, &old), -ESTALE);
	assert_int_equal(node(f), SL_PRESSURE_OK);
	assert_int_equal(sl_agent_pools_stats(f->pools).old_total, 2);
	old.epoch++; /* it began anew */
	old.seq = 1;
	assert_int_equal(hear(f, &old), 1);
	assert_int_equal(node(f), SL_PRESSURE_STOP);
}

static void silence_is_stale_and_a_word_ends_it(void **state)
{
	struct fixture *f = *state;

	speak(f, 1000, "a", 0);
	f->now_ns += 2700 * MS;
	(void)sl_agent_pools_tick(f->pools, 0, f->now_ns);
	assert_int_equal(node(f), SL_PRESSURE_OK);
	f->now_ns += 300 * MS;
	assert_true(sl_agent_pools_tick(f->pools, 0, f->now_ns));
	assert_int_equal(node(f), SL_PRESSURE_STALE);
	speak(f, 250, "a", 0);
	assert_int_equal(node(f), SL_PRESSURE_OK);
}

static void one_silent_pool_does_not_count_beside_another(void **state)
{
	struct fixture *f = *state;

	speak(f, 1000, "a", 100);
	assert_int_equal(node(f), SL_PRESSURE_SHED);
	speak(f, 4000, "b", 0);
	assert_int_equal(sl_agent_pools_view(f->pools, 0).state, SL_PRESSURE_STALE);
	assert_int_equal(node(f), SL_PRESSURE_OK);
}

static void pools_are_bounded_and_forgotten(void **state)
{
	struct fixture *f = *state;
	struct sl_signal signal;

	for (unsigned int i = 0; i <= SL_AGENT_POOLS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%u", i);
		signal = worker(f, name, 1, 0);
		assert_int_equal(hear(f, &signal), i < SL_AGENT_POOLS_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(sl_agent_pools_stats(f->pools).refused_total, 1);
	f->now_ns += 299 * S;
	signal = worker(f, "p3", 1, 0);
	assert_true(hear(f, &signal) >= 0);
	f->now_ns += S;
	(void)sl_agent_pools_tick(f->pools, 0, f->now_ns);
	assert_int_equal(sl_agent_pools_count(f->pools), 1);
	assert_string_equal(sl_agent_pools_view(f->pools, 0).name, "p3");
}

static void pools_of_one_name_and_two_classes_are_two(void **state)
{
	struct fixture *f = *state;
	struct sl_signal signal = worker(f, "a", 1, 0);

	assert_true(hear(f, &signal) >= 0);
	signal.work = SL_WORK_BATCH;
	assert_true(hear(f, &signal) >= 0);
	assert_int_equal(sl_agent_pools_count(f->pools), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_spoke_so_all_is_well, setup, teardown),
		cmocka_unit_test_setup_teardown(workers_that_are_pressed_make_the_node_shed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_pool_that_stops_does_not_stop_the_node, setup,
						teardown),
		cmocka_unit_test_setup_teardown(slots_are_those_of_the_worst_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(a_router_counts_while_it_speaks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_router_that_leaves_counts_no_more, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_old_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_is_stale_and_a_word_ends_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_silent_pool_does_not_count_beside_another,
						setup, teardown),
		cmocka_unit_test_setup_teardown(pools_are_bounded_and_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(pools_of_one_name_and_two_classes_are_two, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
