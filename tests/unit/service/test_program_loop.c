// SPDX-License-Identifier: Apache-2.0
/* Signals reach the program in its loop, each its own call. */
#include "tests/harness/test.h"

#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include "userspace/service/program_loop.h"

struct heard {
	int reloads, ends;
	struct event_base *base;
};

static void reload(void *context)
{
	((struct heard *)context)->reloads++;
}

static void end(void *context)
{
	struct heard *heard = context;

	heard->ends++;
	if (heard->ends == 3)
		(void)event_base_loopbreak(heard->base);
}

static void fire(struct sl_loop_timer *timer)
{
	struct heard *heard = timer->context;

	(void)event_base_loopbreak(heard->base);
}

static void test_signals(void **state)
{
	static const struct sl_program_signals signals = { reload, end };
	struct sl_program_loop *loop = NULL;
	struct heard heard = { .reloads = 0 };

	assert_int_equal(sl_program_loop_new(&loop, &signals, &heard), 0);
	heard.base = sl_program_loop_base(loop);
	/* Before it runs: they wait. */
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(heard.ends + heard.reloads, 0);
	assert_true(event_base_loop(heard.base, EVLOOP_ONCE) >= 0);
	assert_int_equal(heard.ends, 1);
	assert_int_equal(heard.reloads, 1);
	assert_int_equal(raise(SIGINT), 0);
	assert_true(event_base_loop(heard.base, EVLOOP_ONCE) >= 0);
	assert_int_equal(heard.ends, 2);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(event_base_dispatch(heard.base), 0);
	assert_int_equal(heard.ends, 3);
	assert_int_equal(heard.reloads, 1);
	sl_program_loop_free(loop);
}

static void test_a_peer_that_hangs_up(void **state)
{
	static const struct sl_program_signals signals = { reload, end };
	struct sl_program_loop *loop = NULL;
	int ends[2];

	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(sl_program_loop_new(&loop, &signals, NULL), 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(close(ends[1]), 0);
	sl_program_loop_free(loop);
	sl_program_loop_free(NULL);
}

static void test_timers_run_in_it(void **state)
{
	static const struct sl_program_signals signals = { reload, end };
	struct sl_program_loop *loop = NULL;
	struct heard heard = { .reloads = 0 };
	struct sl_loop_timer timer = { .fire = fire, .context = &heard };
	struct sl_loop *bus;

	assert_int_equal(sl_program_loop_new(&loop, &signals, &heard), 0);
	heard.base = sl_program_loop_base(loop);
	bus = sl_program_loop_bus(loop);
	assert_int_equal(bus->timer_set(bus, &timer, 1), 0);
	assert_int_equal(event_base_dispatch(heard.base), 0);
	assert_true(event_base_got_break(heard.base));
	bus->timer_clear(bus, &timer);
	sl_program_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_a_peer_that_hangs_up),
		cmocka_unit_test(test_timers_run_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
