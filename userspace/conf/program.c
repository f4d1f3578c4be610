// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/program.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	OPTION_CHECK = 256,
	OPTION_CONFIG_HELP,
	OPTION_LOG_LEVEL,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "config-help", no_argument, NULL, OPTION_CONFIG_HELP },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct sl_choice levels[] = {
	{ "error", 0 }, { "warn", 1 }, { "info", 2 }, { "debug", 3 }, { NULL, 0 },
};

const char sl_program_options_help[] =
	"  -c, --config FILE     the configuration; read again on SIGHUP\n"
	"      --check           only say whether the configuration is good\n"
	"      --config-help     print every key of the configuration\n"
	"      --log-level L     error, warn, info (default) or debug\n"
	"  -V, --version\n"
	"  -h, --help\n";

__attribute__((format(printf, 2, 3))) static int refuse(struct sl_text_error *error,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return -EINVAL;
}

static int take(struct sl_program_options *options, int option, const char *argument,
		struct sl_text_error *error)
{
	struct sl_text_error why;

	switch (option) {
	case 'c':
		options->config_path = argument;
		return 0;
	case 'V':
		options->task = SL_PROGRAM_VERSION;
		return 0;
	case 'h':
		options->task = SL_PROGRAM_HELP;
		return 0;
	case OPTION_CHECK:
		options->task = SL_PROGRAM_CHECK;
		return 0;
	case OPTION_CONFIG_HELP:
		options->task = SL_PROGRAM_CONFIG_HELP;
		return 0;
	case OPTION_LOG_LEVEL:
		if (sl_parse_choice(&options->log_level, argument, levels, &why) == 0)
			return 0;
		return refuse(error, "--log-level: %.200s", why.message);
	default:
		return -EINVAL;
	}
}

int sl_program_options_parse(struct sl_program_options *ret, int argc, char **argv,
			     struct sl_text_error *error)
{
	struct sl_program_options options = { .task = SL_PROGRAM_RUN, .log_level = 2 };
	int option, err;

	optind = 0; /* glibc: begin anew, also when a test calls twice */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:Vh", long_options, NULL)) != -1) {
		if (option == ':')
			return refuse(error, "%.100s needs a value", argv[optind - 1]);
		if (option == '?')
			return refuse(error, "%.100s is not an option", argv[optind - 1]);
		err = take(&options, option, optarg, error);
		if (err)
			return err;
	}
	if (optind < argc)
		return refuse(error, "\"%.100s\": no argument is expected here", argv[optind]);
	if (options.task == SL_PROGRAM_CHECK && !options.config_path)
		return refuse(error, "--check needs --config FILE; start from docs/examples/");
	*ret = options;
	return 0;
}
