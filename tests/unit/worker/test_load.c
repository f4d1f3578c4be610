// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "userspace/base/clock.h"
#include "userspace/worker/load.h"
#include "userspace/worker/run.h"

static void a_name_with_brackets_is_read_over(void **state)
{
	uint64_t ticks = 0;

	assert_int_equal(sl_load_parse_stat(&ticks, "12 (a) b) 1 (c) S 1 2 3 4 -1 5 6 7 8 9 100 "
						    "23 0 0 20 0 3 0 77"),
			 0);
	assert_int_equal(ticks, 123);
	assert_int_equal(sl_load_parse_stat(&ticks, "12 (a) S 1 2"), -EINVAL);
	assert_int_equal(sl_load_parse_stat(&ticks, ""), -EINVAL);
}

static void this_process_uses_memory_and_time(void **state)
{
	struct sl_load load = { .cpu = 0 };
	volatile uint64_t work = 0;
	uint64_t until_ns;

	assert_int_equal(sl_load_look(&load, sl_monotonic_ns()), 0);
	assert_true(load.mem_bytes > 100000);
	assert_true(load.cpu == 0); /* nothing to compare with */
	until_ns = sl_monotonic_ns() + 200000000;
	while (sl_monotonic_ns() < until_ns)
		work++;
	assert_int_equal(sl_load_look(&load, sl_monotonic_ns()), 0);
	assert_true(load.cpu > 0.01 && load.cpu <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_with_brackets_is_read_over),
		cmocka_unit_test(this_process_uses_memory_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
