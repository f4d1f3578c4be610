// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/cli/command.h"

static void print_names(void *context, FILE *out)
{
	(void)fprintf(out, "%s\n", (const char *)context);
}

/* Asks for the words after @line, of which the last may be typed in part. */
static void expect(const char *line, const char *want)
{
	const char *words[16];
	char copy[256], names[] = "alpha", *rest = copy, *out_text = NULL;
	size_t count = 0, size = 0;
	FILE *out = open_memstream(&out_text, &size);

	assert_non_null(out);
	assert_true(strlen(line) < sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	for (char *word; (word = strsep(&rest, " "));)
		words[count++] = word;
	sl_complete_print(out, count, words, print_names, names);
	assert_int_equal(fclose(out), 0);
	if (strcmp(out_text, want) != 0)
		print_message("after: %s\n", line);
	assert_string_equal(out_text, want);
	free(out_text);
}

static void words_come_from_the_table(void **state)
{
	expect("ten", "tenants\n");
	expect("tenants ", "list\nget\nset\ntop\n");
	expect("tenants t", "top\n");
	expect("tenants get ", "alpha\n");
	expect("tenants get x ", "");
	expect("tenants top --so", "--sort\n--socket\n");
	expect("tenants top --sort ", "drops\noffered\nbytes\nused\nname\n");
	expect("tenants top --sort drops --on", "--once\n");
	expect("quota ", "node\nshow\nexplain\nset\nraise\nlower\nclear\ndrain\nundrain\n");
	expect("quota set x new", "new_connections\n");
	expect("quota show ", "alpha\n");
	expect("mode set ", "enforce\nshadow\noff\n");
	expect("mode set s", "shadow\n");
	expect("limit set ", "alpha\n");
	expect("limit set alpha egress.b", "egress.bytes_per_s=\negress.bytes_burst=\n");
	expect("limit set alpha blocked=true conn", "connections=\n");
	expect("flows bind ", "tcp\nudp\n");
	expect("flows bind tcp ", "");
	expect("flows bind tcp a b ", "alpha\n");
	expect("drops --tenant ", "alpha\n");
	expect("explain --interface ", "@interfaces\n");
	expect("--config ", "@files\n");
	expect("--config x sta", "status\n");
	expect("--js", "--json\n");
	expect("nothing ", "");
	expect("compl", "");
}

static void nothing_typed_offers_every_noun_once(void **state)
{
	const char *words[] = { "" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	sl_complete_print(out, 1, words, NULL, NULL);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "tenants\n"));
	assert_null(strstr(strstr(text, "tenants\n") + 1, "tenants\n"));
	assert_non_null(strstr(text, "status\n"));
	assert_null(strstr(text, "complete"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_from_the_table),
		cmocka_unit_test(nothing_typed_offers_every_noun_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
