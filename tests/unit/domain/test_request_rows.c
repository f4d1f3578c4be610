// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/request_rows.h"

static void a_name_is_put_together(void **state)
{
	char long_name[SL_TENANT_NAME_BYTES];
	char name[SL_TENANT_NAME_BYTES] = "";
	const struct sl_span none = { 0 };

	memset(long_name, 'x', sizeof(long_name));
	assert_int_equal(sl_request_row_name(name, SL_SPAN("acme"), SL_SPAN("premium")), 0);
	assert_string_equal(name, "acme/premium");
	assert_int_equal(sl_request_row_name(name, none, SL_SPAN("premium")), 0);
	assert_string_equal(name, "*/premium");
	assert_int_equal(sl_request_row_name(name, none, none), 0);
	assert_string_equal(name, SL_ROW_ALL);
	/* 4 + 1 + 50 and the NUL are all there is room for. */
	assert_int_equal(
		sl_request_row_name(name, SL_SPAN("acme"), (struct sl_span){ long_name, 50 }), 0);
	assert_int_equal(strlen(name), SL_TENANT_NAME_BYTES - 1);
	assert_int_equal(
		sl_request_row_name(name, SL_SPAN("acme"), (struct sl_span){ long_name, 51 }),
		-ENAMETOOLONG);
	assert_int_equal(
		sl_request_row_name(name, (struct sl_span){ long_name, 56 }, SL_SPAN("premium")),
		-ENAMETOOLONG);
	assert_int_equal(sl_request_row_name(name, (struct sl_span){ long_name, 55 }, SL_SPAN("p")),
			 -ENAMETOOLONG);
}

static void names_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool row, good;
	} cases[] = {
		{ "acme", false, true },
		{ "acme/premium", true, true },
		{ "*/premium", true, true },
		{ "*", true, true },
		{ "", false, false },
		{ "/premium", true, false },
		{ "acme/", true, false },
		{ "*/", true, false },
		{ "a/b/c", true, false },
		{ "**", true, false },
		{ "acme/*", true, false },
		{ "*x", true, false },
		{ "unknown/x", true, false },
		{ "a b", false, false },
		{ "acme/pre mium", true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[SL_TENANT_NAME_BYTES] = "untouched";
		struct sl_text_error error = { "" };

		assert_int_equal(sl_request_row_is(sl_span_of(cases[i].text)), cases[i].row);
		assert_int_equal(!sl_request_row_parse(name, cases[i].text, &error), cases[i].good);
		assert_string_equal(name, cases[i].good ? cases[i].text : "untouched");
		assert_int_equal(!error.message[0], cases[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_put_together),
		cmocka_unit_test(names_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
