// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conf/refused.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct refused no_documents[] = {
	{ "", "t.yaml:1:1: nothing in it" },
	{ "# only a comment\n", "t.yaml:1:1: nothing in it" },
	{ V "---\n" V, "t.yaml:2:1: a second document; one is allowed" },
	{ V "mode: [off\n", "t.yaml:3:1: not YAML: while parsing a flow sequence, did not find "
			    "expected ',' or ']'" },
	{ V "\tmode: off\n", "t.yaml:2:1: not YAML: while scanning a plain scalar, found a tab "
			     "character that violates indentation" },
	{ V "mode: \xff\n", "t.yaml:2:7: not YAML: invalid leading UTF-8 octet" },
	{ V "a: &x b\n", "t.yaml:2:4: anchors and aliases are refused; for tenants alike use "
			 "\"defaults\"" },
	{ V "a: *x\n", "t.yaml:2:4: anchors and aliases are refused; for tenants alike use "
		       "\"defaults\"" },
	{ V "mode: !!str off\n", "t.yaml:2:7: tags are refused; the key says what its value is" },
	{ "[[[[[[[[[[[[[[[[[[", "t.yaml:1:17: nested too deep" },
	{ "? [a]\n: b\n", "t.yaml:1:3: a key must be a single word" },
};

static void what_is_no_such_document_is_refused(void **state)
{
	assert_refused(no_documents, COUNT(no_documents));
}

static void a_nul_does_not_end_the_file(void **state)
{
	static const char text[] = "version: 1\nmode: off\0\nnonsense: true\n";
	struct sl_conf_error error;
	struct sl_config *config = NULL;

	assert_int_equal(sl_conf_parse(&config, "t.yaml", text, sizeof(text) - 1, &error), -EINVAL);
	assert_string_equal(error.message, "t.yaml:2:10: a NUL byte");
}

static void long_names_leave_the_message_room(void **state)
{
	struct sl_conf_error error;
	struct sl_config *config = NULL;
	char name[1000], text[5000];
	size_t len = 0;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	len += (size_t)snprintf(text, sizeof(text), "version: 1\n");
	memset(text + len, 'k', 4000);
	memcpy(text + len + 4000, ": 1\n", 5);

	/* The key is longer than YAML lets a plain one be, so it needs the "?" form. */
	assert_int_equal(sl_conf_parse(&config, name, text, strlen(text), &error), -EINVAL);
	assert_in_range(strlen(error.message), 128, sizeof(error.message) - 1);
	memmove(text + len + 2, text + len, 4005);
	memcpy(text + len, "? ", 2);
	memcpy(text + len + 4002, "\n: 1\n", 6);
	assert_int_equal(sl_conf_parse(&config, name, text, strlen(text), &error), -EINVAL);
	assert_non_null(strstr(error.message, "kkk...: unknown key; allowed: version, mode"));
}

static void more_than_16_mib_is_refused(void **state)
{
	const size_t size = (16u << 20) + 1;
	struct sl_conf_error error;
	struct sl_config *config = NULL;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, '#', size);
	assert_int_equal(sl_conf_parse(&config, "t.yaml", text, size, &error), -EFBIG);
	assert_string_equal(error.message, "t.yaml:1:1: more than 16 MiB");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_such_document_is_refused),
		cmocka_unit_test(a_nul_does_not_end_the_file),
		cmocka_unit_test(long_names_leave_the_message_room),
		cmocka_unit_test(more_than_16_mib_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
