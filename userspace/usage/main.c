// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/usage/config.h"
#include "userspace/usage/usage.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

static const char help[] =
	"usage: sluice-usage [--config FILE] [OPTION]...\n"
	"\n"
	"Keeps what jobs cost: usage events from JetStream into an SQLite file, each once.\n"
	"Stays in the foreground, logs JSON lines to standard error.\n"
	"\n";
static const char help_end[] =
	"\n"
	"Signals: SIGTERM and SIGINT write what is in hand and end. SIGHUP reads times and\n"
	"retention again.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad configuration.\n"
	"See what it has: sluicectl usage report\n";

static int check(const struct sl_program_options *options)
{
	struct sl_conf_error error = { .message = "" };
	struct sl_usage_config config;

	if (sl_usage_config_load(&config, options->config_path, environ, &error) != 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return EXIT_USAGE;
	}
	(void)printf("%s is good: the ledger is %s\n", options->config_path, config.ledger);
	return 0;
}

static int run(const struct sl_program_options *options)
{
	sl_cleanup(sl_log_freep) struct sl_log *log = NULL;
	struct sl_usage *usage = NULL;
	int err =
		sl_log_new(&log, STDERR_FILENO, SL_LOG_JSON, (enum sl_log_level)options->log_level);

	if (!err)
		sl_log_set_component(log, "usage");
	if (!err)
		err = sl_usage_start(&usage, options, log);
	if (!err)
		err = sl_usage_run(usage);
	sl_usage_free(usage);
	if (!err)
		return 0;
	return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct sl_text_error error = { .message = "" };
	struct sl_program_options options;

	if (sl_program_options_parse(&options, argc, argv, &error) != 0) {
		(void)fprintf(stderr, "sluice-usage: %s\nTry: sluice-usage --help\n",
			      error.message);
		return EXIT_USAGE;
	}
	switch (options.task) {
	case SL_PROGRAM_HELP:
		(void)printf("%s%s%s", help, sl_program_options_help, help_end);
		return 0;
	case SL_PROGRAM_VERSION:
		(void)printf("sluice-usage " SL_VERSION "\n");
		return 0;
	case SL_PROGRAM_CONFIG_HELP:
		return sl_conf_describe_schema(stdout, &sl_usage_schema) == 0 ? 0 : EXIT_FAILED;
	case SL_PROGRAM_CHECK:
		return check(&options);
	case SL_PROGRAM_RUN:
		break;
	}
	return run(&options);
}
