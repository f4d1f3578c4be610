// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "userspace/agent/agent.h"
#include "userspace/base/cleanup.h"
#include "userspace/conf/conf.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

static int check(const struct sl_agent_options *options)
{
	struct sl_conf_error error = { .message = "" };
	struct sl_config *config = NULL;

	if (sl_conf_load(&config, options->config_path, &error) != 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return EXIT_USAGE;
	}
	(void)printf("%s is good: %zu interfaces, %zu tenants, %zu services\n",
		     options->config_path, config->interface_count, config->tenant_count,
		     config->service_count);
	sl_config_free(config);
	return 0;
}

static int run(const struct sl_agent_options *options)
{
	sl_cleanup(sl_log_freep) struct sl_log *log = NULL;
	struct sl_agent *agent = NULL;
	int err = sl_log_new(&log, STDERR_FILENO, options->log_format, options->log_level);

	if (!err)
		err = sl_agent_start(&agent, options, log);
	if (!err)
		err = sl_agent_run(agent);
	sl_agent_free(agent);
	if (!err)
		return 0;
	return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct sl_options_error error = { .message = "" };
	struct sl_agent_options options;

	if (sl_options_parse(&options, argc, argv, &error) != 0) {
		(void)fprintf(stderr, "sluiced: %s\nTry: sluiced --help\n", error.message);
		return EXIT_USAGE;
	}
	switch (options.task) {
	case SL_TASK_HELP:
		sl_options_help(stdout);
		return 0;
	case SL_TASK_VERSION:
		(void)printf("sluiced " SL_VERSION "\n");
		return 0;
	case SL_TASK_CONFIG_HELP:
		return sl_conf_describe(stdout) == 0 ? 0 : EXIT_FAILED;
	case SL_TASK_CHECK:
		return check(&options);
	case SL_TASK_RUN:
		break;
	}
	return run(&options);
}
