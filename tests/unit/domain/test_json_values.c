// SPDX-License-Identifier: Apache-2.0
/* Values as C has them: text, numbers, truth. */
#include "tests/harness/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "userspace/domain/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sl_json_value value_of(const char *text)
{
	struct sl_json_value value = { .raw = sl_span_of(text) };

	if (sl_json_check(&value.type, value.raw, NULL) != 0)
		fail_msg("no JSON: %s", text);
	return value;
}

static void assert_text(const char *json, const char *want)
{
	char text[64];
	size_t length = 0;

	assert_int_equal(sl_json_text(text, sizeof(text), &length, value_of(json)), 0);
	assert_int_equal(length, strlen(want));
	assert_string_equal(text, want);
}

static void unescapes_text(void **state)
{
	assert_text("\"\"", "");
	assert_text("\"plain\"", "plain");
	assert_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	assert_text("\"a\\u0041\\u00e9\\u20ac\\ud83d\\ude00z\"",
		    "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
	assert_text("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
	assert_text("\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf");
	assert_text("\"\\uABCD\\uabcd\"", "\xea\xaf\x8d\xea\xaf\x8d");
}

static void bounds_text(void **state)
{
	struct sl_json_value value = value_of("\"ab\\u20ac\"");
	size_t length = 99;
	char text[8];

	assert_int_equal(sl_json_text(text, 6, &length, value), 0);
	assert_int_equal(length, 5);
	for (size_t size = 0; size < 6; size++)
		assert_int_equal(sl_json_text(text, size, &length, value), -ENOBUFS);
	assert_int_equal(sl_json_text(text, 0, &length, value_of("\"\"")), -ENOBUFS);
	assert_int_equal(sl_json_text(text, 1, &length, value_of("\"\"")), 0);
}

static void refuses_other_things_as_text(void **state)
{
	static const char *const others[] = { "1", "null", "true", "[\"a\"]", "{\"a\":\"b\"}" };
	struct sl_json_value absent = { .type = SL_JSON_ABSENT };
	struct sl_span span;
	size_t length;
	char text[8];

	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(sl_json_text(text, sizeof(text), &length, value_of(others[i])),
				 -EINVAL);
		assert_int_equal(sl_json_plain(&span, value_of(others[i])), -EINVAL);
	}
	assert_int_equal(sl_json_text(text, sizeof(text), &length, absent), -EINVAL);
	assert_int_equal(sl_json_text(text, sizeof(text), &length, value_of("\"a\\u0000\"")),
			 -EILSEQ);
}

static void plain_text_needs_no_copy(void **state)
{
	struct sl_json_value value = value_of("\"abc\"");
	struct sl_span span;

	assert_int_equal(sl_json_plain(&span, value), 0);
	assert_ptr_equal(span.at, value.raw.at + 1);
	assert_int_equal(span.length, 3);
	assert_int_equal(sl_json_plain(&span, value_of("\"\"")), 0);
	assert_int_equal(span.length, 0);
	assert_int_equal(sl_json_plain(&span, value_of("\"a\\n\"")), -EINVAL);
}

static void reads_whole_numbers(void **state)
{
	static const struct {
		const char *json;
		int err;
		int64_t want;
	} rows[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "42", 0, 42 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "12345678901234567890", -ERANGE, 0 },
		{ "5.0", 0, 5 },
		{ "-1e3", 0, -1000 },
		{ "9007199254740992.0", 0, 9007199254740992 },
		{ "1e16", -ERANGE, 0 },
		{ "1e300", -ERANGE, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1e-1", -EINVAL, 0 },
		{ "\"1\"", -EINVAL, 0 },
		{ "true", -EINVAL, 0 },
		{ "null", -EINVAL, 0 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = 0;

		assert_int_equal(sl_json_integer(&got, value_of(rows[i].json)), rows[i].err);
		assert_true(got == rows[i].want);
	}
}

static void reads_real_numbers(void **state)
{
	static const struct {
		const char *json;
		double want;
	} rows[] = {
		{ "0", 0.0 },	      { "-0.5", -0.5 },
		{ "1e308", 1e308 },   { "1E+2", 100.0 },
		{ "0.1", 0.1 },	      { "1e-400", 0.0 },
		{ "5e-324", 5e-324 }, { "12345678901234567890", 12345678901234567890.0 },
	};
	double got = 7;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(sl_json_real(&got, value_of(rows[i].json)), 0);
		assert_true(got == rows[i].want);
	}
	assert_int_equal(sl_json_real(&got, value_of("\"1\"")), -EINVAL);
}

static void reads_truth(void **state)
{
	bool yes = false;

	assert_int_equal(sl_json_bool(&yes, value_of("true")), 0);
	assert_true(yes);
	assert_int_equal(sl_json_bool(&yes, value_of("false")), 0);
	assert_false(yes);
	assert_int_equal(sl_json_bool(&yes, value_of("1")), -EINVAL);
	assert_int_equal(sl_json_bool(&yes, value_of("null")), -EINVAL);
	assert_int_equal(sl_json_bool(&yes, value_of("\"true\"")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unescapes_text),
		cmocka_unit_test(bounds_text),
		cmocka_unit_test(refuses_other_things_as_text),
		cmocka_unit_test(plain_text_needs_no_copy),
		cmocka_unit_test(reads_whole_numbers),
		cmocka_unit_test(reads_real_numbers),
		cmocka_unit_test(reads_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
