// SPDX-License-Identifier: Apache-2.0
/* What every program of the pipeline says, and its exit codes. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/service/program.h"

struct settings {
	uint32_t version;
	uint32_t count;
};

#define SET(member) SL_CONF_MEMBER(settings, member)

static const struct sl_conf_field fields[] = {
	{ "version", &sl_conf_integer, SET(version), .min = 1, .max = 1, .fallback = "1",
	  .help = "Of the file's format." },
	{ "count", &sl_conf_integer, SET(count), .fallback = "7", .max = 9, .help = "How many." },
};
static const struct sl_conf_table root = { NULL, SL_CONF_TABLE(fields), 0 };
static const struct sl_conf_schema schema = {
	.program = "trial", .intro = "# Trial\n", .root = &root, .size = sizeof(struct settings)
};

static struct {
	char config_path[64]; /* a copy: the words do not outlive their call */
	int log_level;
	int count, returns;
} runs;

static int run(const struct sl_program_options *options, struct sl_log *log)
{
	assert_non_null(log);
	(void)snprintf(runs.config_path, sizeof(runs.config_path), "%s", options->config_path);
	runs.log_level = options->log_level;
	runs.count++;
	return runs.returns;
}

static void summary(FILE *out, const void *config)
{
	(void)fprintf(out, "it has %u", ((const struct settings *)config)->count);
}

static const struct sl_program program = { &schema, "purpose\n", "notes\n", summary, run };

/* Runs with up to two words: the code, the start of what is said, all complaints. */
static void expect(const char *first, const char *second, int code, const char *says,
		   const char *complains)
{
	char name[] = "sluice-trial", words[2][128] = { "", "" };
	char *argv[] = { name, words[0], words[1], NULL };
	char *said = NULL, *complained = NULL;
	size_t sizes[2];
	FILE *out = open_memstream(&said, &sizes[0]), *err = open_memstream(&complained, &sizes[1]);

	assert_non_null(out);
	assert_non_null(err);
	(void)snprintf(words[0], sizeof(words[0]), "%s", first ? first : "");
	(void)snprintf(words[1], sizeof(words[1]), "%s", second ? second : "");
	assert_int_equal(sl_program_main(&program, 1 + !!first + !!second, argv, out, err), code);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(err), 0);
	assert_string_equal(complained, complains);
	if (strncmp(said, says, strlen(says)) != 0 || (!*says && *said))
		fail_msg("said \"%s\", not \"%s\"", said, says);
	free(said);
	free(complained);
}

static void write_file(char ret[64], const char *text)
{
	FILE *file;
	int fd;

	(void)snprintf(ret, 64, "/tmp/sluice-program-XXXXXX");
	fd = mkstemp(ret);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_what_is_said(void **state)
{
	runs.count = 0;
	expect("--version", NULL, 0, "sluice-trial " SL_VERSION "\n", "");
	expect("--help", NULL, 0, "purpose\n  -c, --config FILE ", "");
	expect("--config-help", NULL, 0, "# Trial\n", "");
	expect("--no", NULL, SL_EXIT_USAGE, "",
	       "sluice-trial: --no is not an option\nTry: sluice-trial --help\n");
	assert_int_equal(runs.count, 0);
}

static void test_help_ends_with_the_notes(void **state)
{
	char name[] = "sluice-trial", word[] = "-h", *argv[] = { name, word, NULL }, *said = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&said, &size);

	assert_non_null(out);
	assert_int_equal(sl_program_main(&program, 2, argv, out, stderr), 0);
	assert_int_equal(fclose(out), 0);
	assert_true(size > 6);
	assert_string_equal(said + size - 6, "notes\n");
	free(said);
}

static void test_check(void **state)
{
	char path[64], option[128], says[128], complains[128];

	runs.count = 0;
	write_file(path, "version: 1\ncount: 5\n");
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	(void)snprintf(says, sizeof(says), "%s is good: it has 5\n", path);
	expect("--check", option, 0, says, "");
	assert_int_equal(remove(path), 0);

	write_file(path, "version: 1\ncount: 10\n");
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	(void)snprintf(complains, sizeof(complains),
		       "%s:2:8: count: \"10\" is out of range; allowed: 0 to 9\n", path);
	expect("--check", option, SL_EXIT_USAGE, "", complains);
	assert_int_equal(remove(path), 0);
	assert_int_equal(runs.count, 0);
}

static void test_exit_codes(void **state)
{
	static const struct {
		int returns, code;
	} cases[] = { { 0, 0 }, { -EINVAL, SL_EXIT_USAGE }, { -EIO, SL_EXIT_FAILED } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		runs.count = 0;
		runs.returns = cases[i].returns;
		expect("--config=/x", "--log-level=debug", cases[i].code, "", "");
		assert_int_equal(runs.count, 1);
		assert_string_equal(runs.config_path, "/x");
		assert_int_equal(runs.log_level, SL_LOG_DEBUG);
	}
}

static void test_fail_writes_and_returns(void **state)
{
	struct sl_program_error error = { .message = "" };

	assert_int_equal(sl_program_fail(&error, -ENOENT, "no %s", "way"), -ENOENT);
	assert_string_equal(error.message, "no way");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_help_ends_with_the_notes),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_fail_writes_and_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
