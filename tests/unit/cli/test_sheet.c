// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/sheet.h"

static const struct sl_column columns[] = {
	{ "name", "NAME", SL_KIND_TEXT, 0 },  { "packets", "PACKETS", SL_KIND_COUNT, 0 },
	{ "secret", NULL, SL_KIND_PLAIN, 0 }, { "left_ns", "FOR", SL_KIND_DURATION, 0 },
	{ "ok", "OK", SL_KIND_BOOL, 0 },
};

static struct sl_doc *make(void)
{
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_table(doc, "rows", NULL, columns, 5);
	sl_put_text(sheet, "a\033[2J");
	sl_put_number(sheet, 1234567);
	sl_put_number(sheet, 1);
	sl_put_number(sheet, 250000000000);
	sl_put_bool(sheet, true);
	sl_put_text(sheet, "=1+2,\"x\"");
	sl_put_word(sheet, "unlimited");
	sl_put_number(sheet, 2);
	sl_put_none(sheet);
	sl_put_bool(sheet, false);
	sl_shade(sheet, SL_SHADE_BAD);
	return doc;
}

/* What @doc prints in @format; free() it. */
static char *print(const struct sl_doc *doc, enum sl_format format, bool colour)
{
	struct sl_cli cli = { .format = format, .colour = colour };
	char *text = NULL;
	size_t size = 0;

	cli.out = open_memstream(&text, &size);
	assert_non_null(cli.out);
	assert_int_equal(sl_doc_print(doc, &cli), 0);
	assert_int_equal(fclose(cli.out), 0);
	return text;
}

static void expect(enum sl_format format, bool colour, const char *want)
{
	struct sl_doc *doc = make();
	char *text = print(doc, format, colour);

	assert_string_equal(text, want);
	free(text);
	sl_doc_free(doc);
}

static void text_lines_up_and_is_clean(void **state)
{
	expect(SL_FORMAT_TEXT, false,
	       "NAME        PACKETS    FOR  OK\n"
	       "a\\x1b[2J      1.23M  4m10s  yes\n"
	       "=1+2,\"x\"  unlimited      -  no\n");
}

static void colour_is_beside_the_padding(void **state)
{
	struct sl_doc *doc = make();
	char *text = print(doc, SL_FORMAT_TEXT, true);

	assert_non_null(strstr(text, "      -  \033[31mno\033[0m\n"));
	free(text);
	sl_doc_free(doc);
}

static void json_has_numbers_as_they_are(void **state)
{
	expect(SL_FORMAT_JSON, false,
	       "{\n  \"rows\": [\n    {\n      \"name\": \"a\\u001B[2J\",\n"
	       "      \"packets\": 1234567,\n      \"secret\": 1,\n"
	       "      \"left_ns\": 250000000000,\n      \"ok\": true\n    },\n    {\n"
	       "      \"name\": \"=1+2,\\\"x\\\"\",\n      \"packets\": \"unlimited\",\n"
	       "      \"secret\": 2,\n      \"left_ns\": null,\n      \"ok\": false\n    }\n"
	       "  ]\n}\n");
}

static void csv_is_quoted_and_runs_no_formula(void **state)
{
	expect(SL_FORMAT_CSV, false,
	       "name,packets,secret,left_ns,ok\n"
	       "a\\x1b[2J,1234567,1,250000000000,true\n"
	       "\"'=1+2,\"\"x\"\"\",unlimited,2,,false\n");
}

static void a_record_reads_downwards(void **state)
{
	static const struct sl_column two[] = { { "mode", "mode", SL_KIND_TEXT, 0 },
						{ "rate", "the rate", SL_KIND_RATE, 0 } };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	char *text;

	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_record(doc, "node", "Node", two, 2);
	sl_put_text(sheet, "off");
	sl_put_real(sheet, 1.5e6);
	sl_show_as(sheet, SL_KIND_BYTE_RATE);
	sheet = sl_doc_table(doc, "none", "None", columns, 5);
	sl_sheet_when_empty(sheet, "nothing");
	text = print(doc, SL_FORMAT_TEXT, false);
	assert_string_equal(text, "Node\nmode      off\nthe rate  1.50 MB/s\n\nNone\nnothing\n");
	free(text);
	text = print(doc, SL_FORMAT_JSON, false);
	assert_string_equal(text, "{\n  \"node\": {\n    \"mode\": \"off\",\n    \"rate\": "
				  "1500000.0\n  },\n  \"none\": []\n}\n");
	free(text);
	/* Of a record and a table, CSV is the table. */
	text = print(doc, SL_FORMAT_CSV, false);
	assert_string_equal(text, "name,packets,secret,left_ns,ok\n");
	free(text);
	sl_doc_free(doc);
}

static void a_row_left_open_is_an_error(void **state)
{
	struct sl_cli cli = { .out = stdout };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_table(doc, "rows", NULL, columns, 5);
	sl_put_text(sheet, "x");
	assert_int_equal(sl_doc_print(doc, &cli), -EINVAL);
	sl_doc_free(doc);
}

static void a_full_disk_is_an_error(void **state)
{
	struct sl_cli cli = { .out = fopen("/dev/full", "w"), .format = SL_FORMAT_TEXT };
	struct sl_doc *doc = make();

	assert_non_null(cli.out);
	assert_int_equal(sl_doc_print(doc, &cli), -EIO);
	cli.format = SL_FORMAT_JSON;
	assert_int_equal(sl_doc_print(doc, &cli), -EIO);
	(void)fclose(cli.out);
	sl_doc_free(doc);
}

static void a_flushed_sheet_goes_on(void **state)
{
	struct sl_cli cli = { .format = SL_FORMAT_JSON };
	static const struct sl_column one[] = { { "n", "N", SL_KIND_PLAIN, 4 } };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	char *text = NULL;
	size_t size = 0;

	cli.out = open_memstream(&text, &size);
	assert_non_null(cli.out);
	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_table(doc, "rows", NULL, one, 1);
	sl_put_number(sheet, 1);
	assert_int_equal(sl_sheet_flush(sheet, &cli, true), 0);
	sl_put_number(sheet, UINT64_MAX);
	assert_int_equal(sl_sheet_flush(sheet, &cli, false), 0);
	cli.format = SL_FORMAT_TEXT;
	sl_put_number(sheet, 3);
	assert_int_equal(sl_sheet_flush(sheet, &cli, true), 0);
	assert_int_equal(fclose(cli.out), 0);
	assert_string_equal(text, "{\"n\":1}\n{\"n\":1.844674407e19}\n   N\n   3\n");
	free(text);
	sl_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_up_and_is_clean),
		cmocka_unit_test(colour_is_beside_the_padding),
		cmocka_unit_test(json_has_numbers_as_they_are),
		cmocka_unit_test(csv_is_quoted_and_runs_no_formula),
		cmocka_unit_test(a_record_reads_downwards),
		cmocka_unit_test(a_row_left_open_is_an_error),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_flushed_sheet_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
