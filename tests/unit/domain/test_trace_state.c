// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/domain/trace_state.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_state(const char *header, const char *want)
{
	char got[SL_TRACESTATE_MAX + 1];

	memset(got, 'x', sizeof(got));
	sl_trace_state(got, sl_span_of(header));
	assert_string_equal(got, want);
}

static void keeps_what_is_valid(void **state)
{
	assert_state("", "");
	assert_state("foo=1", "foo=1");
	assert_state("foo=1,bar=2", "foo=1,bar=2");
	assert_state("foo=1 \t, \t bar=2, \t baz=3", "foo=1,bar=2,baz=3");
	assert_state("foo=1,", "foo=1");
	assert_state(",foo=1,,, ,bar=2,\t", "foo=1,bar=2");
	assert_state(", ,", "");
	assert_state("foo=bar=", "");
	assert_state("foo= bar baz", "foo= bar baz"); /* a space inside of a value is its part */
	assert_state("foo=!\"#$%&'()*+-./0123456789:;<>?@[\\]^_`{|}~",
		     "foo=!\"#$%&'()*+-./0123456789:;<>?@[\\]^_`{|}~");
	assert_state("a_-*/=1", "a_-*/=1");
	assert_state("fw529a3039@dt=FfAAA", "fw529a3039@dt=FfAAA");
	assert_state("0tenant@vendor=1", "0tenant@vendor=1");
	assert_state("0=1", "0=1"); /* level 2 */
}

static void drops_all_when_one_is_malformed(void **state)
{
	static const char *const malformed[] = {
		"foo",	     "foo=",	     "=1",	     "foo =1",	   "FOO=1",
		"foo.bar=1", "@foo=1",	     "foo=1,bar",    "foo=1,=2",   "foo=\x01",
		"foo=\x7f",  "foo=a\tb",     "foo=\xc3\xa9", "\xc3\xa9=1", "foo=1;bar=2=3",
		"fOo=1",     "foo=1,b ar=2", "-foo=1",	     "_foo=1",	   "foo=1\r\nx: y",
	};

	for (size_t i = 0; i < COUNT(malformed); i++)
		assert_state(malformed[i], "");
}

static void of_one_key_the_first_stays(void **state)
{
	assert_state("foo=1,bar=2,foo=3", "foo=1,bar=2");
	assert_state("foo=1,foo=1", "foo=1");
}

static void bounds_a_key_and_a_value(void **state)
{
	char text[600], got[SL_TRACESTATE_MAX + 1];

	memset(text, 'k', sizeof(text));
	memcpy(text + 256, "=1", 3);
	assert_state(text, text);
	memset(text, 'k', sizeof(text));
	memcpy(text + 257, "=1", 3);
	assert_state(text, "");
	memset(text, 'v', sizeof(text));
	memcpy(text, "k=", 2);
	sl_trace_state(got, (struct sl_span){ text, 2 + 256 });
	assert_int_equal(strlen(got), 258);
	sl_trace_state(got, (struct sl_span){ text, 2 + 257 });
	assert_string_equal(got, "");
}

/* "k0=1,k1=1,..." */
static size_t members(char *text, size_t size, int count, const char *value)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += (size_t)snprintf(text + length, size - length, "%sk%d=%s", i ? "," : "",
					   i, value);
	return length;
}

static void takes_32_members(void **state)
{
	char text[512];

	members(text, sizeof(text), 32, "1");
	assert_state(text, text);
	members(text, sizeof(text), 33, "1");
	assert_state(text, "");
}

static void cuts_whole_members_from_the_right(void **state)
{
	char text[4096], value[101], want[4096];

	memset(value, 'v', 100);
	value[100] = '\0';
	members(text, sizeof(text), 10, value);
	members(want, sizeof(want), 4, value); /* 4 * 103 + 3; a fifth would make 519 */
	assert_state(text, want);
}

static void fits_to_the_last_byte(void **state)
{
	char text[1024];

	memset(text, 'v', sizeof(text));
	memcpy(text, "a=", 2);
	text[255] = ',';
	memcpy(text + 256, "b=", 2);
	text[SL_TRACESTATE_MAX] = '\0';
	assert_state(text, text);
	text[SL_TRACESTATE_MAX] = 'v';
	text[SL_TRACESTATE_MAX + 1] = '\0';
	text[255] = '\0';
	{
		char first[256];

		memcpy(first, text, sizeof(first));
		text[255] = ',';
		assert_state(text, first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_valid),
		cmocka_unit_test(drops_all_when_one_is_malformed),
		cmocka_unit_test(of_one_key_the_first_stays),
		cmocka_unit_test(bounds_a_key_and_a_value),
		cmocka_unit_test(takes_32_members),
		cmocka_unit_test(cuts_whole_members_from_the_right),
		cmocka_unit_test(fits_to_the_last_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
