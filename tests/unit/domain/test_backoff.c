// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "userspace/domain/backoff.h"

static void delays_are_read(void **state)
{
	static const struct {
		const char *text;
		struct sl_backoff want;
	} rows[] = {
		{ "1000,2000,4000", { 3, { 1000, 2000, 4000 } } },
		{ "1s,2s,4s", { 3, { 1000, 2000, 4000 } } },
		{ "1", { 1, { 1 } } },
		{ "1h", { 1, { 3600000 } } },
		{ "250ms,1,5m", { 3, { 250, 1, 300000 } } },
		{ "1,2,3,4,5,6,7,8", { 8, { 1, 2, 3, 4, 5, 6, 7, 8 } } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_backoff got;

		assert_int_equal(sl_backoff_parse(&got, rows[i].text, NULL), 0);
		assert_memory_equal(&got, &rows[i].want, sizeof(got));
	}
}

static void what_is_wrong_changes_nothing(void **state)
{
	static const char *const rows[] = {
		"",
		",",
		"1,",
		",1",
		"1,,2",
		"0",
		"-1",
		"1.5",
		"1 ,2",
		"never",
		"3600001",
		"2h",
		"500us",
		"1,x",
		"1500us",
		"1;2",
		"1,2,3,4,5,6,7,8,9",
		"99999999999999999999999999999",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_backoff got = { 1, { 7 } };
		struct sl_text_error error = { .message = "" };

		if (sl_backoff_parse(&got, rows[i], &error) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
		assert_true(error.message[0]);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.delay_ms[0], 7);
	}
}

static void each_delivery_has_its_delay(void **state)
{
	const struct sl_backoff backoff = sl_backoff_doubling(1000);

	assert_int_equal(sl_backoff_ms(&backoff, 1, 0), 1000);
	assert_int_equal(sl_backoff_ms(&backoff, 2, 0), 2000);
	assert_int_equal(sl_backoff_ms(&backoff, 3, 0), 4000);
	assert_int_equal(sl_backoff_ms(&backoff, 4, 0), 4000);
	assert_int_equal(sl_backoff_ms(&backoff, UINT64_MAX, 0), 4000);
	assert_int_equal(sl_backoff_ms(&backoff, 0, 0), 1000);
}

static void up_to_a_fifth_is_added(void **state)
{
	const struct sl_backoff backoff = { 1, { 1000 } };
	uint64_t most = 0;

	for (uint32_t random = 0; random < 5000; random++) {
		uint64_t ms = sl_backoff_ms(&backoff, 1, random * 2654435761u);

		assert_in_range(ms, 1000, 1199);
		most = ms > most ? ms : most;
	}
	assert_true(most > 1190);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_are_read),
		cmocka_unit_test(what_is_wrong_changes_nothing),
		cmocka_unit_test(each_delivery_has_its_delay),
		cmocka_unit_test(up_to_a_fifth_is_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
