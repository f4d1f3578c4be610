// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/exec_assignment.h"
#include "userspace/domain/fields.h"

struct all {
	char id[5];
	char text[5];
	char prose[5];
	double amount;
	uint64_t whole;
	int64_t integer;
	struct sl_span raw, object;
};

#define AT(member) SL_FIELD_AT(struct all, member)

static const struct sl_field fields[] = {
	{ "id", SL_FIELD_IDENTIFIER, AT(id), SL_FIELD_REQUIRED },
	{ "text", SL_FIELD_TEXT, AT(text), 0 },
	{ "prose", SL_FIELD_PROSE, AT(prose), 0 },
	{ "amount", SL_FIELD_AMOUNT, AT(amount), 0 },
	{ "whole", SL_FIELD_WHOLE, AT(whole), 0 },
	{ "integer", SL_FIELD_INTEGER, AT(integer), 0 },
	{ "raw", SL_FIELD_RAW, AT(raw), 0 },
	{ "object", SL_FIELD_OBJECT, AT(object), 0 },
};

static int read_all(struct all *ret, const char *text, struct sl_fields_error *error)
{
	*ret = (struct all){ .whole = 77 };
	return sl_fields_read(ret, fields, sizeof(fields) / sizeof(fields[0]), sl_span_of(text),
			      error);
}

static void every_kind_is_read(void **state)
{
	struct all all;

	assert_int_equal(
		read_all(&all,
			 "{\"id\":\"a-b.\",\"text\":\"a \xc3\xa9\",\"prose\":\"x\\n\","
			 "\"amount\":0.5,\"whole\":9007199254740992,"
			 "\"integer\":-9007199254740992,\"raw\":null,\"object\":{\"k\":1}}",
			 NULL),
		0);
	assert_string_equal(all.id, "a-b.");
	assert_string_equal(all.text, "a \xc3\xa9");
	assert_string_equal(all.prose, "x\n");
	assert_true(all.amount == 0.5);
	assert_true(all.whole == 1ull << 53 && all.integer == -(1ll << 53));
	assert_int_equal(all.raw.length, 0); /* null is as good as nothing */
	assert_true(sl_span_is(all.object, "{\"k\":1}"));
	assert_int_equal(read_all(&all, "{\"id\":\"a\",\"prose\":\"too long\"}", NULL), 0);
	assert_string_equal(all.prose, "");
	assert_int_equal(all.whole, 77); /* the caller's */
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
		bool missing;
	} cases[] = {
		{ "{}", "id is missing", true },
		{ "{\"id\":null}", "id is missing", true },
		{ "{\"id\":\"five!\"}", "id must have 1 to 4 bytes", false },
		{ "{\"id\":\"\xc3\xa9\"}", "id must be printable ASCII", false },
		{ "{\"id\":\"a\\u0000\"}", "id must be printable ASCII", false },
		{ "{\"id\":\"a\",\"text\":\"a\\tb\"}", "text must be text without", false },
		{ "{\"id\":\"a\",\"amount\":-0.1}", "amount must be a number", false },
		{ "{\"id\":\"a\",\"amount\":1e16}", "amount must be a number", false },
		{ "{\"id\":\"a\",\"whole\":-1}", "whole must be a whole number, 0", false },
		{ "{\"id\":\"a\",\"whole\":9007199254740993}", "whole must be", false },
		{ "{\"id\":\"a\",\"integer\":1.5}", "integer must be a whole", false },
		{ "{\"id\":\"a\",\"object\":[]}", "object must be an object", false },
		{ "{\"id\":\"a\",\"id\":\"b\"}", "byte", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_fields_error error = { .message = "" };
		struct all all;

		assert_int_equal(read_all(&all, cases[i].text, &error), -EINVAL);
		if (!strstr(error.message, cases[i].says))
			print_message("%zu: %s\n", i, error.message);
		assert_non_null(strstr(error.message, cases[i].says));
		assert_int_equal(error.missing, cases[i].missing);
	}
}

static void a_refused_assignment_is_identified(void **state)
{
	struct sl_exec_assignment read;

	assert_int_equal(sl_exec_assignment_identify(
				 &read, SL_SPAN("{\"assignment_id\":\"a\",\"tenant_id\":7,"
						"\"request_id\":\"r\",\"job\":null,"
						"\"executor\":{\"provider_id\":\"p\"}}")),
			 0);
	assert_string_equal(read.assignment_id, "a");
	assert_string_equal(read.request_id, "r");
	assert_string_equal(read.tenant_id, "");
	assert_string_equal(read.provider_id, "p");
	assert_string_equal(read.job_type, "unknown");
	assert_int_equal(sl_exec_assignment_identify(&read, SL_SPAN("{\"request_id\":\"r\"}")),
			 -EINVAL);
	assert_int_equal(sl_exec_assignment_identify(&read, SL_SPAN("{nonsense")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_refused_assignment_is_identified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
