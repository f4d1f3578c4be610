// SPDX-License-Identifier: Apache-2.0
#include "userspace/service/program.h"
#include "userspace/usage/config.h"
#include "userspace/usage/usage.h"

static const char purpose[] =
	"usage: sluice-usage [--config FILE] [OPTION]...\n"
	"\n"
	"Keeps what jobs cost: usage events from JetStream into an SQLite file, each once.\n"
	"Stays in the foreground, logs JSON lines to standard error.\n"
	"\n";
static const char notes[] =
	"\n"
	"Signals: SIGTERM and SIGINT write what is in hand and end. SIGHUP reads times and\n"
	"retention again.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad configuration.\n"
	"See what it has: sluicectl usage report\n";

static void summary(FILE *out, const void *filled)
{
	const struct sl_usage_config *config = filled;

	(void)fprintf(out, "the ledger is %s", config->ledger);
}

static int run(const struct sl_program_options *options, struct sl_log *log)
{
	struct sl_usage *usage = NULL;
	int err = sl_usage_start(&usage, options, log);

	if (!err)
		err = sl_usage_run(usage);
	sl_usage_free(usage);
	return err;
}

int main(int argc, char **argv)
{
	static const struct sl_program program = { &sl_usage_schema, purpose, notes, summary, run };

	return sl_program_main(&program, argc, argv, stdout, stderr);
}
