// SPDX-License-Identifier: Apache-2.0
/*
 * sim: runs the code of userspace/quota and userspace/pressure against simulated faults.
 * docs/simulator.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/arguments.h"
#include "tests/sim/campaign.h"
#include "tests/sim/design.h"
#include "tests/sim/trial.h"
#include "userspace/base/cleanup.h"

#define SHOWN_MAX 5

static enum sl_sim_break break_of(const char *name)
{
	for (int i = 0; i < SL_BREAKS; i++)
		if (!name || !strcmp(name, sl_sim_break_name((enum sl_sim_break)i)))
			return (enum sl_sim_break)i;
	sl_die("--break: none of that name: %s", name);
}

/* "1,4": sets those. */
static void leave_out(bool *is_out, size_t count, const char *list)
{
	while (list && *list) {
		char *end;
		unsigned long number = strtoul(list, &end, 10);

		if (end == list || number >= count || (*end && *end != ','))
			sl_die("not a list of numbers below %zu: %s", count, list);
		is_out[number] = true;
		list = *end ? end + 1 : end;
	}
}

static int replay(const struct sl_sim_arguments *arguments)
{
	struct sl_sim_finding finding;
	struct sl_sim_case run;

	sl_sim_draw(&run, arguments->seed, break_of(arguments->broken));
	leave_out(run.faults.is_left_out, run.faults.count, arguments->without[0]);
	leave_out(run.without_node, run.options.nodes, arguments->without[1]);
	leave_out(run.without_tenant, run.options.tenants, arguments->without[2]);
	run.options.has_trace = arguments->has_trace;
	run.options.traced = arguments->traced;
	finding = sl_sim_try(&run);
	if (!finding.rule) {
		printf("# seed %llu: all rules hold\n", (unsigned long long)run.options.seed);
		return EXIT_SUCCESS;
	}
	sl_sim_print_finding(&run, &finding, "build/bin/sim");
	return EXIT_FAILURE;
}

/* Seeds from .seed on. The first few that fail are shrunk and shown. */
static int search(const struct sl_sim_arguments *arguments)
{
	uint64_t failed = 0;

	for (uint64_t i = 0; i < arguments->seeds; i++) {
		struct sl_sim_finding finding;
		struct sl_sim_case run;
		unsigned runs;

		sl_sim_draw(&run, arguments->seed + i, break_of(arguments->broken));
		finding = sl_sim_try(&run);
		if (finding.rule && arguments->lists)
			printf("seed %llu tenant %u at %.3f s: is %.4f, bound %.4f: %s\n",
			       (unsigned long long)run.options.seed, finding.tenant,
			       (double)finding.at_ns / 1e9, finding.is, finding.bound,
			       finding.rule);
		if (!finding.rule || failed++ >= SHOWN_MAX || arguments->lists)
			continue;
		runs = sl_sim_shrink(&run);
		finding = sl_sim_try(&run);
		printf("# shrunk in %u runs\n", runs);
		sl_sim_print_finding(&run, &finding, "build/bin/sim");
	}
	printf("%llu seeds, %llu failed\n", (unsigned long long)arguments->seeds,
	       (unsigned long long)failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static FILE *open_out(const struct sl_sim_arguments *arguments)
{
	FILE *out = arguments->out ? fopen(arguments->out, "we") : NULL;

	if (arguments->out && !out)
		sl_die("--out: cannot write %s", arguments->out);
	return out;
}

static int run_design(const struct sl_sim_arguments *arguments)
{
	const struct sl_sim_design design = {
		.seed = arguments->seed,
		.seeds = arguments->seeds ? (uint32_t)arguments->seeds : SL_SIM_DESIGN_SEEDS,
		.nodes = arguments->nodes ? arguments->nodes : 50,
		.tenants = arguments->tenants ? arguments->tenants : 200,
		.model = arguments->model,
		.has_trace = arguments->has_trace,
		.traced = arguments->traced,
		.lists_tenants = arguments->lists,
	};
	sl_autofclose FILE *out = open_out(arguments);

	return sl_sim_run_design(&design, out) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_large(const struct sl_sim_arguments *arguments)
{
	const struct sl_sim_large large = {
		.seed = arguments->seed,
		.nodes = arguments->nodes ? arguments->nodes : 1000,
		.tenants = arguments->tenants ? arguments->tenants : 10000,
		.seconds = arguments->large_s,
		.wanders = arguments->wanders,
		.service_ns = arguments->service_us * 1000,
		.has_links = arguments->has_links,
	};
	sl_autofclose FILE *out = open_out(arguments);

	return sl_sim_run_large(&large, out) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sl_sim_arguments arguments;

	sl_sim_arguments_parse(&arguments, argc, argv);
	if (arguments.is_design)
		return run_design(&arguments);
	if (arguments.large_s)
		return run_large(&arguments);
	if (arguments.kind)
		return sl_trial_main(
			arguments.kind,
			&(struct sl_trial_order){ arguments.seed, arguments.seeds, arguments.broken,
						  arguments.without[0], arguments.has_trace });
	return arguments.seeds ? search(&arguments) : replay(&arguments);
}
