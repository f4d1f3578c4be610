// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/human.h"
#include "userspace/cli/safe.h"
#include "userspace/cli/spark.h"
#include "userspace/cli/terminal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void counts_have_three_digits(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },	     { 1, "1" },	  { 1.24, "1.2" },     { 999, "999" },
		{ 999.4, "999" },    { 999.6, "1.00k" },  { 1000, "1.00k" },   { 9994, "9.99k" },
		{ 9996, "10.0k" },   { 99960, "100k" },	  { 999499, "999k" },  { 999600, "1.00M" },
		{ 12.3e9, "12.3G" }, { 1.8e19, "18.0E" }, { -5000, "-5.00k" }, { NAN, "0" },
	};
	char buffer[SL_HUMAN_BYTES];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(sl_human_count(buffer, cases[i].value), cases[i].text);
	assert_string_equal(sl_human_bytes(buffer, 1500), "1.50 kB");
	assert_string_equal(sl_human_memory(buffer, 65536), "64.0 KiB");
	/* Never longer than its buffer. */
	assert_non_null(sl_human_count(buffer, INFINITY));
	assert_non_null(sl_human_bytes(buffer, 1e300));
}

static void exact_numbers_are_grouped(void **state)
{
	char buffer[SL_HUMAN_BYTES];

	assert_string_equal(sl_human_exact(buffer, 0), "0");
	assert_string_equal(sl_human_exact(buffer, 999), "999");
	assert_string_equal(sl_human_exact(buffer, 1000), "1,000");
	assert_string_equal(sl_human_exact(buffer, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void durations_have_two_units(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 999, "999ns" },
		{ 350000, "350us" },
		{ 12500000, "12.5ms" },
		{ 999999999, "999ms" },
		{ 3250000000, "3.2s" },
		{ 59999999999, "59.9s" },
		{ 250000000000, "4m10s" },
		{ 7500000000000, "2h05m" },
		{ 273600000000000, "3d04h" },
	};
	char buffer[SL_HUMAN_BYTES];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(sl_human_duration(buffer, cases[i].ns), cases[i].text);
}

static void parts_are_per_cent(void **state)
{
	char buffer[SL_HUMAN_BYTES];

	assert_string_equal(sl_human_percent(buffer, 0), "0%");
	assert_string_equal(sl_human_percent(buffer, 0.001), "0.1%");
	assert_string_equal(sl_human_percent(buffer, 0.5), "50%");
	assert_string_equal(sl_human_percent(buffer, 1.011), "101%");
}

static void text_becomes_safe(void **state)
{
	char buffer[16];

	assert_string_equal(sl_safe_text(buffer, sizeof(buffer), "a\nb", 3), "a\\x0ab");
	assert_string_equal(sl_safe_text(buffer, sizeof(buffer), "\xc2\x9b", 2), "\\xc2\\x9b");
	assert_string_equal(sl_safe_text(buffer, sizeof(buffer), "abcdef", 3), "abc");
	/* An escape is not cut in the middle. */
	assert_string_equal(sl_safe_text(buffer, 6, "abc\n", 4), "abc");
	assert_string_equal(sl_safe_text(buffer, 1, "abc", 3), "");
}

static void sparks_show_the_newest_at_the_right(void **state)
{
	static const double values[] = { 100, 0, 1, 50, 100 };
	char buffer[SL_SPARK_BYTES];

	assert_string_equal(sl_spark(buffer, values, 5, 5, 0, true), "█ ▁▅█");
	assert_string_equal(sl_spark(buffer, values, 5, 5, 0, false), "# .+#");
	assert_string_equal(sl_spark(buffer, values, 5, 2, 0, false), "+#");
	assert_string_equal(sl_spark(buffer, values, 2, 4, 0, false), "  # ");
	assert_string_equal(sl_spark(buffer, values, 5, 5, 200, false), "+ .-+");
	assert_string_equal(sl_spark(buffer, values, 0, 3, 0, false), "   ");
	assert_string_equal(sl_spark(buffer, values, 5, 5, 10, false), "# :##");
	/* More cells than there is room for are cut. */
	assert_int_equal(strlen(sl_spark(buffer, values, 5, 100000, 0, false)), SL_SPARK_CELLS_MAX);
}

static void keys_are_told_apart(void **state)
{
	static const struct {
		const char *bytes;
		enum sl_key key;
		size_t used;
	} cases[] = {
		{ "q", SL_KEY_CHAR, 1 },
		{ "\033[A", SL_KEY_UP, 3 },
		{ "\033OB", SL_KEY_DOWN, 3 },
		{ "\033[5~", SL_KEY_PAGE_UP, 4 },
		{ "\033[6~q", SL_KEY_PAGE_DOWN, 4 },
		{ "\033[H", SL_KEY_HOME, 3 },
		{ "\033", SL_KEY_NONE, 1 },
		{ "\033x", SL_KEY_NONE, 1 },
		{ "\033[1;5Az", SL_KEY_NONE, 6 },
		{ "\033[", SL_KEY_NONE, 2 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t used = 0;
		char c = 0;

		assert_int_equal(sl_key_decode(cases[i].bytes, strlen(cases[i].bytes), &used, &c),
				 cases[i].key);
		assert_int_equal(used, cases[i].used);
		if (cases[i].key == SL_KEY_CHAR)
			assert_int_equal(c, cases[i].bytes[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_three_digits),
		cmocka_unit_test(exact_numbers_are_grouped),
		cmocka_unit_test(durations_have_two_units),
		cmocka_unit_test(parts_are_per_cent),
		cmocka_unit_test(text_becomes_safe),
		cmocka_unit_test(sparks_show_the_newest_at_the_right),
		cmocka_unit_test(keys_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
