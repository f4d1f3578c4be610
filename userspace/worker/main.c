// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/worker/config.h"
#include "userspace/worker/worker.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

static const char help[] =
	"usage: sluice-worker [--config FILE] [OPTION]...\n"
	"\n"
	"Takes assignments from JetStream, runs them by its handlers, and reports the results.\n"
	"Stays in the foreground, logs JSON lines to standard error.\n"
	"\n";
static const char help_end[] =
	"\n"
	"Signals: SIGTERM and SIGINT let running jobs finish and give the rest back; a second\n"
	"one does not wait. SIGHUP reads the handlers again.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad configuration.\n";

static int check(const struct sl_program_options *options)
{
	struct sl_conf_error error = { .message = "" };
	struct sl_worker_config config;

	if (sl_worker_config_load(&config, options->config_path, environ, &error) != 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return EXIT_USAGE;
	}
	(void)printf("%s is good: %zu handlers, %u jobs at once\n", options->config_path,
		     config.handler_count, config.concurrency);
	sl_worker_config_clear(&config);
	return 0;
}

static int run(const struct sl_program_options *options)
{
	sl_cleanup(sl_log_freep) struct sl_log *log = NULL;
	struct sl_worker *worker = NULL;
	int err =
		sl_log_new(&log, STDERR_FILENO, SL_LOG_JSON, (enum sl_log_level)options->log_level);

	if (!err)
		sl_log_set_component(log, "worker");
	if (!err)
		err = sl_worker_start(&worker, options, log);
	if (!err)
		err = sl_worker_run(worker);
	if (sl_worker_free(worker) != 0) {
		sl_log(log, SL_LOG_WARN, "a handler does not come back: ending without it");
		_exit(err ? EXIT_FAILED : 0);
	}
	if (!err)
		return 0;
	return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct sl_text_error error = { .message = "" };
	struct sl_program_options options;

	if (sl_program_options_parse(&options, argc, argv, &error) != 0) {
		(void)fprintf(stderr, "sluice-worker: %s\nTry: sluice-worker --help\n",
			      error.message);
		return EXIT_USAGE;
	}
	switch (options.task) {
	case SL_PROGRAM_HELP:
		(void)printf("%s%s%s", help, sl_program_options_help, help_end);
		return 0;
	case SL_PROGRAM_VERSION:
		(void)printf("sluice-worker " SL_VERSION "\n");
		return 0;
	case SL_PROGRAM_CONFIG_HELP:
		return sl_conf_describe_schema(stdout, &sl_worker_schema) == 0 ? 0 : EXIT_FAILED;
	case SL_PROGRAM_CHECK:
		return check(&options);
	case SL_PROGRAM_RUN:
		break;
	}
	return run(&options);
}
