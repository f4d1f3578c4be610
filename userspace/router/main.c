// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/router/router.h"
#include "userspace/router/settings.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

static const char usage[] =
	"usage: sluice-router [--config FILE] [OPTION]...\n"
	"\n"
	"Answers DecideRequests of a Beamline platform over NATS, gives work to workers and\n"
	"meters their results. Without a file it takes its settings from the environment.\n"
	"\n";
static const char notes[] =
	"\n"
	"Signals: SIGHUP reads the configuration again; SIGTERM and SIGINT finish what was begun\n"
	"and end the router. Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad\n"
	"configuration.\n";

static int check(const struct sl_program_options *options)
{
	struct sl_conf_error error = { .message = "" };
	struct sl_router_settings settings;

	if (sl_router_settings_read(&settings, options->config_path, environ, &error) != 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return EXIT_USAGE;
	}
	(void)printf("%s is good: %zu providers, %zu policies\n", options->config_path,
		     settings.policies.provider_count, settings.policies.policy_count);
	sl_router_settings_clear(&settings);
	return 0;
}

static int run(const struct sl_program_options *options)
{
	sl_cleanup(sl_log_freep) struct sl_log *log = NULL;
	struct sl_router *router = NULL;
	int err =
		sl_log_new(&log, STDERR_FILENO, SL_LOG_JSON, (enum sl_log_level)options->log_level);

	if (!err) {
		sl_log_set_component(log, "router");
		err = sl_router_new(&router, options, log);
	}
	if (!err)
		err = sl_router_run(router);
	sl_router_free(router);
	if (!err)
		return 0;
	return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct sl_program_options options;
	struct sl_text_error error = { .message = "" };

	if (sl_program_options_parse(&options, argc, argv, &error) != 0) {
		(void)fprintf(stderr, "sluice-router: %s\nTry: sluice-router --help\n",
			      error.message);
		return EXIT_USAGE;
	}
	switch (options.task) {
	case SL_PROGRAM_HELP:
		(void)printf("%s%s%s", usage, sl_program_options_help, notes);
		return 0;
	case SL_PROGRAM_VERSION:
		(void)printf("sluice-router " SL_VERSION "\n");
		return 0;
	case SL_PROGRAM_CONFIG_HELP:
		return sl_conf_describe_schema(stdout, &sl_router_schema) == 0 ? 0 : EXIT_FAILED;
	case SL_PROGRAM_CHECK:
		return check(&options);
	case SL_PROGRAM_RUN:
		break;
	}
	return run(&options);
}
