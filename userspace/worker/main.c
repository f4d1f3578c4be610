// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "userspace/service/program.h"
#include "userspace/worker/config.h"
#include "userspace/worker/worker.h"

static const char purpose[] =
	"usage: sluice-worker [--config FILE] [OPTION]...\n"
	"\n"
	"Takes assignments from JetStream, runs them by its handlers, and reports the results.\n"
	"Stays in the foreground, logs JSON lines to standard error.\n"
	"\n";
static const char notes[] =
	"\n"
	"Signals: SIGTERM and SIGINT let running jobs finish and give the rest back; a second\n"
	"one does not wait. SIGHUP reads the handlers again.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad configuration.\n";

static void summary(FILE *out, const void *filled)
{
	const struct sl_worker_config *config = filled;

	(void)fprintf(out, "%zu handlers, %u jobs at once", config->handler_count,
		      config->concurrency);
}

static int run(const struct sl_program_options *options, struct sl_log *log)
{
	struct sl_worker *worker = NULL;
	int err = sl_worker_start(&worker, options, log);

	if (!err)
		err = sl_worker_run(worker);
	if (sl_worker_free(worker) != 0) {
		sl_log(log, SL_LOG_WARN, "a handler does not come back: ending without it");
		_exit(err ? SL_EXIT_FAILED : 0);
	}
	return err;
}

int main(int argc, char **argv)
{
	static const struct sl_program program = { &sl_worker_schema, purpose, notes, summary,
						   run };

	return sl_program_main(&program, argc, argv, stdout, stderr);
}
