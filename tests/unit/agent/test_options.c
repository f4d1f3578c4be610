// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/agent/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGS_MAX     8

static int parse(struct sl_agent_options *ret, struct sl_options_error *error,
		 const char *const args[ARGS_MAX])
{
	char words[ARGS_MAX][300], *argv[ARGS_MAX + 2];
	int argc = 0;

	argv[argc++] = words[0];
	memcpy(words[0], "sluiced", 8);
	for (size_t i = 0; i < ARGS_MAX - 1 && args[i]; i++) {
		(void)snprintf(words[i + 1], sizeof(words[0]), "%s", args[i]);
		argv[argc++] = words[i + 1];
	}
	argv[argc] = NULL;
	return sl_options_parse(ret, argc, argv, error);
}

static const struct {
	const char *args[ARGS_MAX];
	const char *message;
} bad[] = {
	{ { NULL }, "needs --config FILE" },
	{ { "--check" }, "needs --config FILE" },
	{ { "--config" }, "--config needs a value" },
	{ { "--nothing" }, "--nothing is not an option" },
	{ { "-x" }, "-x is not an option" },
	{ { "-c", "x", "y" }, "\"y\": no argument is expected here" },
	{ { "-c", "x", "--log-format", "xml" }, "--log-format: \"xml\" is not allowed" },
	{ { "-c", "x", "--log-level", "loud" }, "--log-level: \"loud\" is not allowed" },
	{ { "-c", "x", "--pin-dir", "a" }, "\"a\" is not an absolute path" },
	{ { "-c", "x", "--socket", "" }, "\"\" is not an absolute path" },
};

static void wrong_use_is_named(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sl_agent_options options = { .config_path = "untouched" };
		struct sl_options_error error = { .message = "" };

		assert_int_equal(parse(&options, &error, bad[i].args), -EINVAL);
		if (strncmp(error.message, bad[i].message, strlen(bad[i].message)) != 0)
			fail_msg("%zu: %s", i, error.message);
		assert_string_equal(options.config_path, "untouched");
	}
}

static void options_arrive(void **state)
{
	static const char *const run[ARGS_MAX] = { "--config=x",
						   "--migrate",
						   "--log-format=json",
						   "--log-level=debug",
						   "--foreground",
						   "--no-sandbox",
						   NULL };
	static const char *const help[ARGS_MAX] = { "--help", NULL };
	static const char *const check[ARGS_MAX] = { "-c", "x", "--check", NULL };
	struct sl_agent_options options;
	struct sl_options_error error;

	assert_int_equal(parse(&options, &error, run), 0);
	assert_int_equal(options.task, SL_TASK_RUN);
	assert_true(options.migrate);
	assert_true(options.no_sandbox);
	assert_int_equal(options.log_format, SL_LOG_JSON);
	assert_int_equal(options.log_level, SL_LOG_DEBUG);
	assert_int_equal(parse(&options, &error, help), 0);
	assert_int_equal(options.task, SL_TASK_HELP);
	assert_int_equal(options.log_level, SL_LOG_INFO);
	assert_false(options.no_sandbox);
	assert_int_equal(parse(&options, &error, check), 0);
	assert_int_equal(options.task, SL_TASK_CHECK);
}

static void paths_replace_those_of_the_file(void **state)
{
	struct sl_config config = { .pin_dir = "/pins",
				    .socket_path = "/socket",
				    .state_dir = "/s" };
	struct sl_agent_options options = { .pin_dir = "/other" };
	static char longest[SL_CONFIG_PATH_BYTES + 1];

	assert_int_equal(sl_options_apply(&options, &config), 0);
	assert_string_equal(config.pin_dir, "/other");
	assert_string_equal(config.socket_path, "/socket");
	memset(longest, '/', sizeof(longest) - 1);
	options.state_dir = longest;
	assert_int_equal(sl_options_apply(&options, &config), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_use_is_named),
		cmocka_unit_test(options_arrive),
		cmocka_unit_test(paths_replace_those_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
