// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

#include "userspace/conf/conf.h"

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1u << 18);
	size_t got;

	assert_non_null(file);
	assert_non_null(text);
	got = fread(text, 1, (1u << 18) - 1, file);
	assert_true(got > 0);
	fclose(file);
	return text;
}

/* To renew it: sluiced --config-help >docs/ops/configuration.md */
static void the_manual_is_what_the_tables_say(void **state)
{
	char *manual = read_whole("docs/ops/configuration.md");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sl_conf_describe(out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, manual);
	free(text);
	free(manual);
}

static void a_manual_that_cannot_be_written_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(sl_conf_describe(full), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_is_what_the_tables_say),
		cmocka_unit_test(a_manual_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
