// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/signal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"
#include "userspace/base/cleanup.h"

static const char good[] =
	"{\"version\":\"1\",\"pool\":\"p\",\"source\":\"w-1\",\"class\":\"batch\","
	"\"role\":\"worker\",\"state\":\"shed\",\"epoch\":7,\"seq\":9,\"ts\":11,\"inflight\":3,"
	"\"limit\":4,\"queue_depth\":5,\"backlog\":6,\"drops\":0,\"queue_delay_p50_ms\":1.5,"
	"\"queue_delay_p99_ms\":9,\"done_per_s\":40,\"reject_per_s\":2,\"expired_per_s\":1,"
	"\"pressure\":1.25,\"credits\":-8}";

static int read_with(struct sl_signal *ret, const char *from, const char *to)
{
	char text[1024];
	const char *at = strstr(good, from);

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to,
		       at + strlen(from));
	return sl_signal_read(ret, sl_span_of(text), NULL);
}

static void a_signal_reads_and_is_written_the_same(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_signal signal;
	struct sl_span text;

	assert_int_equal(sl_signal_read(&signal, sl_span_of(good), NULL), 0);
	assert_string_equal(signal.pool, "p");
	assert_int_equal(signal.work, SL_WORK_BATCH);
	assert_int_equal(signal.state, SL_PRESSURE_SHED);
	assert_int_equal(signal.credits, -8);
	assert_true(signal.queue_delay_p50_ms == 1.5);
	sl_signal_write(&out, &signal);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(text, good));
}

static void a_router_tells_what_it_decided(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_signal signal, again;
	struct sl_span text;

	assert_int_equal(sl_signal_read(&signal, sl_span_of(good), NULL), 0);
	signal.role = SL_SIGNAL_ROUTER;
	signal.leaving = true;
	signal.capacity_per_s = 12.5;
	signal.threshold = 512;
	signal.retry_after_s = 5;
	sl_signal_write(&out, &signal);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_signal_read(&again, text, NULL), 0);
	assert_int_equal(again.role, SL_SIGNAL_ROUTER);
	assert_true(again.leaving && again.capacity_per_s == 12.5);
	assert_int_equal(again.threshold, 512);
	assert_int_equal(again.retry_after_s, 5);
}

static void what_is_no_signal_is_refused(void **state)
{
	static const char *const swaps[][2] = {
		{ "\"pool\":\"p\"", "\"pool\":\"p.q\"" },
		{ "\"pool\":\"p\"", "\"pool\":\"*\"" },
		{ "\"pool\":\"p\",", "" },
		{ "\"source\":\"w-1\"", "\"source\":\"\"" },
		{ "\"batch\"", "\"slow\"" },
		{ "\"role\":\"worker\"", "\"role\":\"client\"" },
		{ "\"shed\"", "\"SHED\"" },
		{ "\"epoch\":7", "\"epoch\":-7" },
		{ "\"seq\":9,", "" },
		{ "\"inflight\":3", "\"inflight\":1000000001" },
		{ "\"limit\":4", "\"limit\":4.5" },
		{ "\"done_per_s\":40", "\"done_per_s\":1e300" },
		{ "\"queue_delay_p50_ms\":1.5", "\"queue_delay_p50_ms\":-1" },
		{ "\"queue_delay_p99_ms\":9", "\"queue_delay_p99_ms\":1e10" },
		{ "\"pressure\":1.25", "\"pressure\":11" },
		{ "\"credits\":-8", "\"credits\":-1000001" },
		{ "\"version\":\"1\"", "\"version\":\"2\"" },
	};
	struct sl_signal signal = { .seq = 77 };

	for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++)
		assert_int_equal(read_with(&signal, swaps[i][0], swaps[i][1]), -EINVAL);
	assert_int_equal(signal.seq, 77); /* untouched */
}

static void a_long_one_is_refused(void **state)
{
	char text[SL_SIGNAL_BYTES_MAX + 2];
	struct sl_signal signal;

	memset(text, ' ', sizeof(text));
	memcpy(text, good, sizeof(good) - 1);
	assert_int_equal(
		sl_signal_read(&signal, (struct sl_span){ text, SL_SIGNAL_BYTES_MAX }, NULL), 0);
	assert_int_equal(
		sl_signal_read(&signal, (struct sl_span){ text, SL_SIGNAL_BYTES_MAX + 1 }, NULL),
		-EINVAL);
}

static void the_subject_names_class_and_pool(void **state)
{
	char subject[SL_SIGNAL_SUBJECT_BYTES];

	assert_string_equal(sl_signal_subject(subject, SL_WORK_BATCH_INTERACTIVE, "gpu_1"),
			    "beamline.backpressure.v1.batch-interactive.gpu_1");
	assert_true(sl_signal_is_name("gpu_1-A"));
	assert_false(sl_signal_is_name(""));
	assert_false(sl_signal_is_name("a.b"));
	assert_false(sl_signal_is_name("a>"));
}

static void the_later_epoch_wins_then_the_later_signal(void **state)
{
	assert_true(sl_signal_is_newer(2, 1, 1, 99));
	assert_false(sl_signal_is_newer(1, 99, 2, 1));
	assert_true(sl_signal_is_newer(1, 2, 1, 1));
	assert_false(sl_signal_is_newer(1, 1, 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_reads_and_is_written_the_same),
		cmocka_unit_test(a_router_tells_what_it_decided),
		cmocka_unit_test(what_is_no_signal_is_refused),
		cmocka_unit_test(a_long_one_is_refused),
		cmocka_unit_test(the_subject_names_class_and_pool),
		cmocka_unit_test(the_later_epoch_wins_then_the_later_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
