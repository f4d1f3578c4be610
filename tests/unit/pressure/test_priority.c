// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/priority.h"

#include <errno.h>
#include <stdio.h>

#include "tests/harness/test.h"

#define S_NS  1000000000ull
#define START (50 * S_NS)

static void offer(struct sl_priority *priority, unsigned int level, unsigned int times)
{
	while (times--)
		sl_priority_offer(priority, level);
}

static unsigned int passed(struct sl_priority *priority, unsigned int level, unsigned int times)
{
	unsigned int count = 0;

	while (times--)
		count += sl_priority_passes(priority, level);
	return count;
}

static void a_level_is_of_its_class_for_an_hour(void **state)
{
	const unsigned int level = sl_priority_level(SL_CRITICAL, SL_SPAN("acme"), 5);
	unsigned int moved = 0, seen[SL_PRIORITY_PER_CLASS] = { 0 };

	assert_in_range(level, 256, 383);
	assert_int_equal(sl_priority_level(SL_CRITICAL, SL_SPAN("acme"), 5), level);
	for (uint64_t hour = 6; hour < 26; hour++)
		moved += sl_priority_level(SL_CRITICAL, SL_SPAN("acme"), hour) != level;
	assert_in_range(moved, 15, 20);
	for (unsigned int i = 0; i < 12800; i++) {
		char name[16];
		const int length = snprintf(name, sizeof(name), "t%u", i);
		const struct sl_span tenant = { name, (size_t)length };

		seen[sl_priority_level(SL_SHEDDABLE, tenant, 1) % SL_PRIORITY_PER_CLASS]++;
	}
	for (unsigned int i = 0; i < SL_PRIORITY_PER_CLASS; i++)
		assert_in_range(seen[i], 50, 150); /* evenly: 100 each */
}

static void what_fits_passes_from_the_top(void **state)
{
	struct sl_priority priority;

	sl_priority_init(&priority, START);
	offer(&priority, 400, 100);
	offer(&priority, 300, 100);
	offer(&priority, 200, 100);
	assert_false(sl_priority_turn(&priority, START + S_NS - 1));
	assert_true(sl_priority_turn(&priority, START + S_NS));
	assert_true(sl_priority_offered_per_s(&priority) == 300);
	sl_priority_fit(&priority, 150);
	assert_int_equal(passed(&priority, 400, 100), 100);
	assert_int_equal(passed(&priority, 301, 100), 100);
	assert_int_equal(passed(&priority, 300, 100), 50); /* the part that fits */
	assert_int_equal(passed(&priority, 200, 100), 0);
	sl_priority_fit(&priority, 300);
	assert_int_equal(passed(&priority, 0, 100), 100);
}

static void two_thousand_requests_are_a_window(void **state)
{
	struct sl_priority priority;

	sl_priority_init(&priority, START);
	offer(&priority, 1, SL_PRIORITY_WINDOW_MAX - 1);
	assert_false(sl_priority_turn(&priority, START + 1000));
	offer(&priority, 1, 1);
	assert_true(sl_priority_turn(&priority, START + S_NS / 2));
	assert_true(sl_priority_offered_per_s(&priority) == 2.0 * SL_PRIORITY_WINDOW_MAX);
}

static void a_window_is_cut_short_when_it_says_something(void **state)
{
	struct sl_priority priority;

	sl_priority_init(&priority, START);
	offer(&priority, 1, 10);
	assert_false(sl_priority_cut_short(&priority, START + S_NS / 20));
	assert_true(sl_priority_cut_short(&priority, START + S_NS / 5));
	assert_true(sl_priority_offered_per_s(&priority) == 50);
}

static void a_class_and_above(void **state)
{
	struct sl_priority priority;

	sl_priority_init(&priority, START);
	sl_priority_from(&priority, SL_CRITICAL_PLUS);
	assert_false(sl_priority_passes(&priority, 383));
	assert_true(sl_priority_passes(&priority, 384));
	sl_priority_from(&priority, SL_SHEDDABLE);
	assert_true(sl_priority_passes(&priority, 0));
}

static void names_read_back(void **state)
{
	enum sl_criticality found;

	for (unsigned int i = 0; i < SL_CRITICALITIES; i++) {
		const char *name = sl_criticality_name((enum sl_criticality)i);

		assert_int_equal(sl_criticality_of(&found, sl_span_of(name)), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(sl_criticality_of(&found, SL_SPAN("urgent")), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_of_its_class_for_an_hour),
		cmocka_unit_test(what_fits_passes_from_the_top),
		cmocka_unit_test(two_thousand_requests_are_a_window),
		cmocka_unit_test(a_window_is_cut_short_when_it_says_something),
		cmocka_unit_test(a_class_and_above),
		cmocka_unit_test(names_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
