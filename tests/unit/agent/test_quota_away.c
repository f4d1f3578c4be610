// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/agent/quota_away.h"

#define MS_NS 1000000ull
#define S_NS  (1000 * MS_NS)

static enum sl_away_word step(struct sl_away *away, enum sl_away_extent extent, uint64_t now_ns)
{
	uint64_t ignored;

	return sl_away_step(away, extent, now_ns, now_ns, &ignored);
}

static void it_is_said_once_that_it_is_away_and_once_that_it_is_back(void **state)
{
	struct sl_away away = { .since_ns = 0 };
	uint64_t away_ns = 7;
	unsigned int gone = 0;

	assert_int_equal(sl_away_step(&away, SL_AWAY_NOT, 5 * S_NS, 5 * S_NS, &away_ns),
			 SL_AWAY_NOTHING);
	assert_int_equal(away_ns, 7);
	for (uint64_t ms = 5000; ms < 100000; ms += 100) {
		const enum sl_away_word word =
			sl_away_step(&away, SL_AWAY_ALL, 4900 * MS_NS, ms * MS_NS, &away_ns);

		if (word == SL_AWAY_GONE)
			assert_int_equal(away_ns, SL_AWAY_HOLD_MS * MS_NS);
		gone += word == SL_AWAY_GONE;
	}
	assert_int_equal(gone, 1);
	assert_int_equal(sl_away_step(&away, SL_AWAY_NOT, 0, 100 * S_NS, &away_ns), SL_AWAY_BACK);
	assert_int_equal(away_ns, 100 * S_NS - 4900 * MS_NS);
	assert_int_equal(step(&away, SL_AWAY_NOT, 101 * S_NS), SL_AWAY_NOTHING);
}

static void what_is_over_within_a_second_is_not_worth_a_word(void **state)
{
	struct sl_away away = { .since_ns = 0 };

	for (uint64_t s = 1; s < 100; s++) {
		assert_int_equal(step(&away, SL_AWAY_ALL, s * S_NS), SL_AWAY_NOTHING);
		assert_int_equal(step(&away, SL_AWAY_NOT, s * S_NS + 999 * MS_NS), SL_AWAY_NOTHING);
	}
	assert_int_equal(away.unsaid, 0);
}

static void one_that_comes_and_goes_has_two_lines_in_ten_seconds(void **state)
{
	struct sl_away away = { .since_ns = 0 };
	uint32_t words = 0, unsaid = 0, outages = 0, gone = 0;

	/* Away for 1.5 s of each two. */
	for (uint64_t ms = 2000; ms < 102000; ms += 100) {
		const bool is_away = ms % 2000 < 1500;
		const enum sl_away_word word =
			step(&away, is_away ? SL_AWAY_ALL : SL_AWAY_NOT, ms * MS_NS);

		outages += ms % 2000 == 0;
		gone += word == SL_AWAY_GONE;
		if (word == SL_AWAY_NOTHING)
			continue;
		words++;
		unsaid += away.unsaid;
		away.unsaid = 0;
	}
	assert_in_range(words, 14, 20);
	assert_int_equal(gone + unsaid + away.unsaid, outages);
}

static void one_that_lasts_is_said_when_the_quiet_is_over(void **state)
{
	struct sl_away away = { .since_ns = 0 };
	uint64_t away_ns = 0;

	(void)step(&away, SL_AWAY_ALL, S_NS);
	assert_int_equal(step(&away, SL_AWAY_ALL, 2 * S_NS), SL_AWAY_GONE);
	assert_int_equal(step(&away, SL_AWAY_NOT, 3 * S_NS), SL_AWAY_BACK);
	assert_int_equal(step(&away, SL_AWAY_ALL, 4 * S_NS), SL_AWAY_NOTHING);
	assert_int_equal(step(&away, SL_AWAY_ALL, 13 * S_NS - 1), SL_AWAY_NOTHING);
	assert_int_equal(sl_away_step(&away, SL_AWAY_ALL, 0, 13 * S_NS, &away_ns), SL_AWAY_GONE);
	assert_int_equal(away_ns, 9 * S_NS);
}

static void all_of_it_is_more_than_a_part(void **state)
{
	struct sl_away away = { .since_ns = 0 };

	(void)step(&away, SL_AWAY_PART, S_NS);
	assert_int_equal(step(&away, SL_AWAY_PART, 2 * S_NS), SL_AWAY_GONE);
	assert_int_equal(step(&away, SL_AWAY_ALL, 12 * S_NS), SL_AWAY_GONE);
	assert_int_equal(step(&away, SL_AWAY_PART, 30 * S_NS), SL_AWAY_NOTHING);
	assert_int_equal(step(&away, SL_AWAY_NOT, 31 * S_NS), SL_AWAY_BACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_said_once_that_it_is_away_and_once_that_it_is_back),
		cmocka_unit_test(what_is_over_within_a_second_is_not_worth_a_word),
		cmocka_unit_test(one_that_comes_and_goes_has_two_lines_in_ten_seconds),
		cmocka_unit_test(one_that_lasts_is_said_when_the_quiet_is_over),
		cmocka_unit_test(all_of_it_is_more_than_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
