// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/router.h"
#include "userspace/router/settings.h"
#include "userspace/service/program.h"

static const char purpose[] =
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

static void summary(FILE *out, const void *filled)
{
	const struct sl_router_settings *settings = filled;

	(void)fprintf(out, "%zu providers, %zu policies", settings->policies.provider_count,
		      settings->policies.policy_count);
}

static int run(const struct sl_program_options *options, struct sl_log *log)
{
	struct sl_router *router = NULL;
	int err = sl_router_new(&router, options, log);

	if (!err)
		err = sl_router_run(router);
	sl_router_free(router);
	return err;
}

int main(int argc, char **argv)
{
	static const struct sl_program program = { &sl_router_schema, purpose, notes, summary,
						   run };

	return sl_program_main(&program, argc, argv, stdout, stderr);
}
