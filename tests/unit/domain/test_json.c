// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/domain/json_texts.h"
#include "userspace/domain/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const wanted[] = { "a", "b", "c.d", "c.e", "c", "tenant_id", "task.type" };

enum {
	A,
	B,
	C_D,
	C_E,
	C,
	TENANT,
	TYPE
};

static int pick(struct sl_json_value *ret, const char *text)
{
	return sl_json_pick(ret, wanted, COUNT(wanted), sl_span_of(text), NULL);
}

/* An exact copy on the heap, so that the address sanitizer sees one byte too many. */
static int check_bytes(const char *bytes, size_t length, struct sl_json_error *error)
{
	char *copy = malloc(length ? length : 1);
	enum sl_json_type type = SL_JSON_ABSENT;
	int err;

	assert_non_null(copy);
	if (length)
		memcpy(copy, bytes, length);
	err = sl_json_check(&type, (struct sl_span){ copy, length }, error);
	assert_true(err ? type == SL_JSON_ABSENT : type != SL_JSON_ABSENT);
	free(copy);
	return err;
}

static int check(const char *text)
{
	return check_bytes(text, strlen(text), NULL);
}

static void accepts_what_rfc_8259_allows(void **state)
{
	for (size_t i = 0; i < COUNT(sl_valid_json); i++)
		if (check(sl_valid_json[i]) != 0)
			fail_msg("refused: %s", sl_valid_json[i]);
}

static void refuses_the_rest(void **state)
{
	char nested[256];

	for (size_t i = 0; i < COUNT(sl_invalid_json); i++) {
		if (check(sl_invalid_json[i]) != -EINVAL)
			fail_msg("accepted: %s", sl_invalid_json[i]);
		/* And as a part of something valid, past the eight byte steps. */
		(void)snprintf(nested, sizeof(nested), "{\"some text\":[\"0123456\",%s]}",
			       sl_invalid_json[i]);
		if (check(nested) != -EINVAL)
			fail_msg("accepted: %s", nested);
	}
}

static void refuses_each_raw_nul(void **state)
{
	static const char text[] = "{\"a\":[1,\"xyz\",true]} ";

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(check_bytes(copy, sizeof(text) - 1, NULL), -EINVAL);
	}
	assert_int_equal(check_bytes("{}\0", 3, NULL), -EINVAL);
	assert_int_equal(check_bytes("1\0", 2, NULL), -EINVAL);
}

/* Whatever the step in which it is met. */
static void judges_each_byte_at_each_place(void **state)
{
	for (int byte = 0; byte < 256; byte++) {
		bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';

		for (size_t i = 1; i <= 20; i++) {
			char text[] = "\"abcdefghijklmnopqrst\"";

			text[i] = (char)byte;
			assert_int_equal(check_bytes(text, sizeof(text) - 1, NULL) == 0,
					 plain || (byte == '\\' && strchr("bfnrt", text[i + 1])));
		}
	}
}

static void every_prefix_is_refused(void **state)
{
	static const char text[] = "{\"a\":[-1.5e+3,\"\\u00e9\xc3\xa9\\n\",true,null,{\"b\":{}}]}";

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(check_bytes(text, i, NULL), -EINVAL);
	assert_int_equal(check_bytes(text, sizeof(text) - 1, NULL), 0);
}

static int check_depth(const char *open, const char *close, size_t depth)
{
	size_t open_bytes = strlen(open), close_bytes = strlen(close), length = 0;
	char *text = malloc(depth * (open_bytes + close_bytes) + 1);
	int err;

	assert_non_null(text);
	for (size_t i = 0; i < depth; i++, length += open_bytes)
		memcpy(text + length, open, open_bytes);
	text[length++] = '1';
	for (size_t i = 0; i < depth; i++, length += close_bytes)
		memcpy(text + length, close, close_bytes);
	err = check_bytes(text, length, NULL);
	free(text);
	return err;
}

static void bounds_the_depth(void **state)
{
	assert_int_equal(check_depth("[", "]", SL_JSON_DEPTH_MAX), 0);
	assert_int_equal(check_depth("[", "]", SL_JSON_DEPTH_MAX + 1), -EMSGSIZE);
	assert_int_equal(check_depth("{\"a\":", "}", SL_JSON_DEPTH_MAX), 0);
	assert_int_equal(check_depth("{\"a\":", "}", SL_JSON_DEPTH_MAX + 1), -EMSGSIZE);
	assert_int_equal(check_depth("[", "]", 400000), -EMSGSIZE);
	assert_int_equal(check_depth("{\"a\":[", "]}", SL_JSON_DEPTH_MAX / 2), 0);
	assert_int_equal(check_depth("{\"a\":[", "]}", 100000), -EMSGSIZE);
}

static void bounds_a_depth_inside_of_what_is_wanted(void **state)
{
	struct sl_json_value values[COUNT(wanted)];
	char text[256] = "{\"c\":{\"d\":";
	size_t length = strlen(text);

	for (int i = 0; i < SL_JSON_DEPTH_MAX - 2; i++)
		text[length++] = '[';
	for (int i = 0; i < SL_JSON_DEPTH_MAX - 2; i++)
		text[length++] = ']';
	memcpy(text + length, "}}", 3);
	assert_int_equal(pick(values, text), 0);
	memmove(text + 11, text + 10, length + 3 - 10);
	text[10] = '[';
	text[length] = ']'; /* one more of each */
	memcpy(text + length + 1, "]}}", 4);
	assert_int_equal(pick(values, text), -EMSGSIZE);
}

static void bounds_a_number(void **state)
{
	char digits[SL_JSON_NUMBER_BYTES + 2];

	memset(digits, '7', sizeof(digits));
	assert_int_equal(check_bytes(digits, SL_JSON_NUMBER_BYTES, NULL), 0);
	assert_int_equal(check_bytes(digits, SL_JSON_NUMBER_BYTES + 1, NULL), -EMSGSIZE);
}

static void says_where_and_what(void **state)
{
	struct sl_json_error error = { 0 };

	assert_int_equal(check_bytes("{\"a\":01}", 8, &error), -EINVAL);
	assert_int_equal(error.offset, 5);
	assert_string_equal(error.message, "a number that begins with 0");
	assert_int_equal(check_bytes("{} x", 4, &error), -EINVAL);
	assert_int_equal(error.offset, 3);
	assert_string_equal(error.message, "something follows the value");
	assert_int_equal(
		sl_json_pick(NULL, wanted, COUNT(wanted), SL_SPAN("{\"b\":1, \"b\":2}"), &error),
		-EINVAL);
	assert_int_equal(error.offset, 8);
	assert_string_equal(error.message, "a member is there twice");
}

static void assert_raw(struct sl_json_value value, enum sl_json_type type, const char *raw)
{
	assert_int_equal(value.type, type);
	assert_int_equal(value.raw.length, strlen(raw));
	assert_memory_equal(value.raw.at, raw, strlen(raw));
}

static void picks_what_is_wanted(void **state)
{
	struct sl_json_value values[COUNT(wanted)];

	assert_int_equal(pick(values, " {\"x\":{\"a\":9},\"c\":{\"e\":[1, 2],\"a\":5,\"d\":\"y\"} ,"
				      "\"a\" : -1.50 ,\"task\":7,\"tenant_id\":\"acme\"}"),
			 0);
	assert_raw(values[A], SL_JSON_NUMBER, "-1.50");
	assert_int_equal(values[B].type, SL_JSON_ABSENT);
	assert_raw(values[C_D], SL_JSON_STRING, "\"y\"");
	assert_raw(values[C_E], SL_JSON_ARRAY, "[1, 2]");
	assert_raw(values[C], SL_JSON_OBJECT, "{\"e\":[1, 2],\"a\":5,\"d\":\"y\"}");
	assert_raw(values[TENANT], SL_JSON_STRING, "\"acme\"");
	assert_int_equal(values[TYPE].type, SL_JSON_ABSENT); /* task is there, but no object */
	assert_int_equal(pick(values, "{}"), 0);
	for (size_t i = 0; i < COUNT(wanted); i++)
		assert_int_equal(values[i].type, SL_JSON_ABSENT);
	assert_int_equal(pick(values, "{\"\":1,\"a\":null,\"b\":true,\"c\":{}}"), 0);
	assert_raw(values[A], SL_JSON_NULL, "null");
	assert_raw(values[B], SL_JSON_BOOL, "true");
	assert_raw(values[C], SL_JSON_OBJECT, "{}");
}

static void unescapes_a_name_before_comparing(void **state)
{
	struct sl_json_value values[COUNT(wanted)];

	assert_int_equal(pick(values, "{\"tenant\\u005fid\":1,\"t\\u0061sk\":{\"\\u0074ype\":2}}"),
			 0);
	assert_raw(values[TENANT], SL_JSON_NUMBER, "1");
	assert_raw(values[TYPE], SL_JSON_NUMBER, "2");
}

static void refuses_a_second_member_of_a_wanted_name(void **state)
{
	static const char *const twice[] = {
		"{\"a\":1,\"a\":1}",
		"{\"a\":1,\"x\":{},\"\\u0061\":2}",
		"{\"c\":{\"d\":1,\"d\":1}}",
		"{\"c\":{\"d\":1},\"c\":{\"e\":1}}",
		"{\"task\":1,\"task\":{\"type\":1}}", /* the outer one counts as wanted */
		"{\"a\":null,\"a\":null}",
	};
	struct sl_json_value values[COUNT(wanted)];

	for (size_t i = 0; i < COUNT(twice); i++)
		assert_int_equal(pick(values, twice[i]), -EINVAL);
	assert_int_equal(pick(values, "{\"x\":{\"a\":1},\"a\":2,\"c\":{\"a\":3}}"), 0);
	assert_raw(values[A], SL_JSON_NUMBER, "2");
}

static void leaves_the_values_alone_on_error(void **state)
{
	struct sl_json_value values[COUNT(wanted)] = { { SL_JSON_BOOL, SL_SPAN("mine") } };

	assert_int_equal(pick(values, "{\"a\":1,"), -EINVAL);
	assert_raw(values[A], SL_JSON_BOOL, "mine");
}

static void tells_another_top_value_from_no_json(void **state)
{
	struct sl_json_value values[COUNT(wanted)];

	assert_int_equal(pick(values, "[]"), -EPROTO);
	assert_int_equal(pick(values, " \"x\" "), -EPROTO);
	assert_int_equal(pick(values, "null"), -EPROTO);
	assert_int_equal(pick(values, "1"), -EPROTO);
	assert_int_equal(pick(values, "[1"), -EINVAL);
	assert_int_equal(pick(values, "[] x"), -EINVAL);
	assert_int_equal(pick(values, ""), -EINVAL);
	assert_int_equal(
		sl_json_pick(values, wanted, COUNT(wanted), (struct sl_span){ NULL, 0 }, NULL),
		-EINVAL);
}

static void bounds_what_is_wanted(void **state)
{
	const char *many[SL_JSON_WANTED_MAX + 1];
	struct sl_json_value values[SL_JSON_WANTED_MAX + 1];

	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = "a";
	assert_int_equal(sl_json_pick(values, many, SL_JSON_WANTED_MAX, SL_SPAN("{\"a\":1}"), NULL),
			 0);
	assert_raw(values[SL_JSON_WANTED_MAX - 1], SL_JSON_NUMBER, "1");
	assert_int_equal(sl_json_pick(values, many, COUNT(many), SL_SPAN("{}"), NULL), -EINVAL);
}

static void walks_over_members_and_items(void **state)
{
	struct sl_json_value key, item;
	size_t place = 0;
	struct sl_json_value object = { SL_JSON_OBJECT, SL_SPAN("{ \"a\" : [1], \"b\":2 }") };
	struct sl_json_value array = { SL_JSON_ARRAY, SL_SPAN("[ {} ,\"x\"]") };
	struct sl_json_value empty = { SL_JSON_ARRAY, SL_SPAN("[ ]") };
	struct sl_json_value cut = { SL_JSON_ARRAY, SL_SPAN("[1 2]") };
	struct sl_json_value text = { SL_JSON_STRING, SL_SPAN("\"[]\"") };

	assert_int_equal(sl_json_next(&key, &item, &place, object), 1);
	assert_raw(key, SL_JSON_STRING, "\"a\"");
	assert_raw(item, SL_JSON_ARRAY, "[1]");
	assert_int_equal(sl_json_next(&key, &item, &place, object), 1);
	assert_raw(key, SL_JSON_STRING, "\"b\"");
	assert_raw(item, SL_JSON_NUMBER, "2");
	assert_int_equal(sl_json_next(&key, &item, &place, object), 0);

	place = 0;
	assert_int_equal(sl_json_next(NULL, &item, &place, array), 1);
	assert_raw(item, SL_JSON_OBJECT, "{}");
	assert_int_equal(sl_json_next(&key, &item, &place, array), 1);
	assert_int_equal(key.type, SL_JSON_ABSENT);
	assert_raw(item, SL_JSON_STRING, "\"x\"");
	assert_int_equal(sl_json_next(NULL, &item, &place, array), 0);

	place = 0;
	assert_int_equal(sl_json_next(NULL, &item, &place, empty), 0);
	assert_int_equal(sl_json_next(NULL, &item, &place, cut), 1);
	assert_int_equal(sl_json_next(NULL, &item, &place, cut), -EINVAL);
	place = 0;
	assert_int_equal(sl_json_next(NULL, &item, &place, text), -EINVAL);
}

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* CPU time of one pick of @unit over and over in an array: the least of a few. */
static double time_of(const char *unit, size_t bytes)
{
	size_t unit_bytes = strlen(unit), length = 0;
	struct sl_json_value values[COUNT(wanted)];
	char *text = malloc(bytes + unit_bytes + 16);
	double best = 1e9;

	assert_non_null(text);
	length = (size_t)sprintf(text, "{\"x\":[");
	while (length + unit_bytes < bytes) {
		memcpy(text + length, unit, unit_bytes);
		length += unit_bytes;
	}
	memcpy(text + length, "1]}", 3);
	length += 3;
	for (int i = 0; i < 5; i++) {
		double start = seconds();

		assert_int_equal(sl_json_pick(values, wanted, COUNT(wanted),
					      (struct sl_span){ text, length }, NULL),
				 0);
		start = seconds() - start;
		best = start < best ? start : best;
	}
	free(text);
	return best;
}

/* Sixteen times the text takes about sixteen times as long, whatever is in it. */
static void time_is_linear(void **state)
{
	static const char *const units[] = {
		"\"some words\",",
		"\"\\ud83d\\ude00\\n\\\\\",",
		"\"\xe2\x82\xac\xf0\x9f\x98\x80\",",
		"{\"tenant_id\":{\"a\":[]}},",
		"-1.5e+3,",
		"1e300,",
		"      ",
	};

	for (size_t i = 0; i < COUNT(units); i++) {
		double small = time_of(units[i], 64 << 10), large = time_of(units[i], 1 << 20);

		if (large > small * 64 && large > 0.02)
			fail_msg("%s: %f s, then %f s", units[i], small, large);
		if (large > 0.25)
			fail_msg("%s: 1 MiB takes %f s", units[i], large);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_rfc_8259_allows),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(refuses_each_raw_nul),
		cmocka_unit_test(judges_each_byte_at_each_place),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(bounds_a_depth_inside_of_what_is_wanted),
		cmocka_unit_test(bounds_a_number),
		cmocka_unit_test(says_where_and_what),
		cmocka_unit_test(picks_what_is_wanted),
		cmocka_unit_test(unescapes_a_name_before_comparing),
		cmocka_unit_test(refuses_a_second_member_of_a_wanted_name),
		cmocka_unit_test(leaves_the_values_alone_on_error),
		cmocka_unit_test(tells_another_top_value_from_no_json),
		cmocka_unit_test(bounds_what_is_wanted),
		cmocka_unit_test(walks_over_members_and_items),
		cmocka_unit_test(time_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
