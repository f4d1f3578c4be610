// SPDX-License-Identifier: Apache-2.0
/* What sluice/worker.h promises the author of a handler. */
#include "tests/harness/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/worker/handlers.h"
#include "userspace/worker/run.h"

#define MS_NS 1000000ull

static int calls;
static double cost;
static uint64_t sleep_ms;

static void handle(void *state, const struct sl_worker_job *job, struct sl_worker_result *result)
{
	calls++;
	assert_ptr_equal(state, &calls);
	if (!sl_run_host.sleep(job, sleep_ms))
		return;
	result->cost = cost;
	memset(result->message, 'x', sizeof(result->message)); /* no end */
	assert_int_equal(sl_run_host.output(result, "{\"a\": 1}", 8), 0);
}

static const struct sl_worker_handler handler = { .api = 1, .name = "test", .run = handle };

static void begin(struct sl_run *run, uint64_t deadline_ms)
{
	memset(run, 0, sizeof(*run));
	run->handler = &handler;
	run->state = &calls;
	run->job.deadline_ns = sl_monotonic_ns() + deadline_ms * MS_NS;
	assert_int_equal(sl_run_init(run), 0);
	calls = 0;
	cost = 0.5;
	sleep_ms = 0;
}

static void a_result_is_kept_and_made_safe(void **state)
{
	static const struct {
		double said, kept;
	} costs[] = { { 0.5, 0.5 }, { -1, 0 }, { NAN, 0 }, { INFINITY, 0 }, { 1e300, 1e15 } };
	struct sl_run run;

	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		begin(&run, 1000);
		cost = costs[i].said;
		sl_run_execute(&run);
		assert_int_equal(calls, 1);
		assert_true(run.result.cost == costs[i].kept);
		assert_int_equal(strlen(run.result.message), sizeof(run.result.message) - 1);
		assert_string_equal(run.output, "{\"a\": 1}");
		assert_int_equal(run.output_length, 8);
		sl_run_release(&run);
	}
}

static void an_output_is_json_within_bounds(void **state)
{
	static char large[SL_WORKER_OUTPUT_MAX + 1];
	struct sl_run run;

	begin(&run, 1000);
	assert_int_equal(sl_run_host.output(&run.result, "{nonsense", 9), -EINVAL);
	assert_int_equal(sl_run_host.output(&run.result, "", 0), -EINVAL);
	assert_int_equal(sl_run_host.output(&run.result, large, sizeof(large)), -EFBIG);
	assert_null(run.output);
	assert_int_equal(sl_run_host.output_text(&run.result, "a\"b\n", 4), 0);
	assert_string_equal(run.output, "\"a\\\"b\\n\"");
	assert_int_equal(sl_run_host.output(&run.result, "7", 1), 0); /* the last counts */
	assert_string_equal(run.output, "7");
	memset(large, 'x', sizeof(large));
	assert_true(sl_run_host.output_text(&run.result, large, sizeof(large)) < 0);
	assert_string_equal(run.output, "7");
	sl_run_release(&run);
}

static void what_was_stopped_before_does_not_run(void **state)
{
	struct sl_run run;

	begin(&run, 1000);
	sl_run_stop(&run, SL_STOP_USER);
	sl_run_stop(&run, SL_STOP_SHUTDOWN); /* the first cause stays */
	assert_int_equal(sl_run_cause(&run), SL_STOP_USER);
	sl_run_execute(&run);
	assert_int_equal(calls, 0);
	sl_run_release(&run);
	begin(&run, 0);
	sl_run_execute(&run);
	assert_int_equal(calls, 0);
	assert_int_equal(sl_run_cause(&run), SL_STOP_DEADLINE);
	sl_run_release(&run);
}

static void *execute(void *run)
{
	sl_run_execute(run);
	return NULL;
}

static void a_sleep_ends_by_stop_and_by_deadline(void **state)
{
	pthread_t thread;
	struct sl_run run;
	uint64_t began_ns;

	begin(&run, 50);
	sleep_ms = 5000;
	sl_run_execute(&run);
	assert_null(run.output);
	assert_true(run.ended_ns - run.started_ns >= 50 * MS_NS);
	assert_true(run.ended_ns - run.started_ns < 2000 * MS_NS);
	sl_run_release(&run);

	begin(&run, 20000);
	sleep_ms = 15000;
	began_ns = sl_monotonic_ns();
	assert_int_equal(pthread_create(&thread, NULL, execute, &run), 0);
	sl_run_stop(&run, SL_STOP_USER);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(sl_monotonic_ns() - began_ns < 5000 * MS_NS);
	sl_run_release(&run);
}

static void a_simulation_is_the_same_again(void **state)
{
	struct sl_handler_config config = {
		.latency_ns = MS_NS, .jitter_ns = 1, .failure_rate = 0.5, .seed = 7, .cost = 2
	};
	unsigned int failures = 0;
	char id[2] = "a";

	for (id[0] = 'A'; id[0] < 'A' + 32; id[0]++) {
		enum sl_worker_status first = SL_WORKER_SUCCESS;

		for (int again = 0; again < 2; again++) {
			struct sl_run run;

			begin(&run, 5000);
			run.handler = &sl_handler_simulate.handler;
			run.state = &config;
			run.job.assignment_id = id;
			sl_run_execute(&run);
			if (!again)
				first = run.result.status;
			assert_int_equal(run.result.status, first);
			assert_true(run.result.cost == (first == SL_WORKER_SUCCESS ? 2 : 0));
			assert_int_equal(run.output != NULL, first == SL_WORKER_SUCCESS);
			sl_run_release(&run);
		}
		failures += first != SL_WORKER_SUCCESS;
	}
	assert_in_range(failures, 6, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_is_kept_and_made_safe),
		cmocka_unit_test(an_output_is_json_within_bounds),
		cmocka_unit_test(what_was_stopped_before_does_not_run),
		cmocka_unit_test(a_sleep_ends_by_stop_and_by_deadline),
		cmocka_unit_test(a_simulation_is_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
