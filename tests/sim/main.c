// SPDX-License-Identifier: Apache-2.0
/*
 * sim: runs the code of userspace/quota and userspace/pressure against simulated faults.
 * docs/simulator.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/campaign.h"
#include "tests/sim/design.h"
#include "tests/sim/trial.h"
#include "userspace/base/cleanup.h"

#define SEEDS_MAX 10000000u
#define SHOWN_MAX 5

struct arguments {
	uint64_t seed, seeds;
	bool has_seed, has_trace;
	uint32_t traced;
	const char *broken;		  /* NULL: nothing is */
	const struct sl_trial_kind *kind; /* NULL: leases */
	const char *without[3];		  /* faults, nodes, tenants */
	bool is_design, lists;		  /* --list: all that failed, or each tenant's use */
	uint32_t large_s, service_us;
	bool wanders, has_links;
	uint32_t nodes, tenants;
	const char *out;
	enum sl_demand_model model;
};

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

static int replay(const struct arguments *arguments)
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
static int search(const struct arguments *arguments)
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

static enum sl_demand_model model_of(const char *name)
{
	for (int i = 0; i < SL_DEMAND_MODELS; i++)
		if (!strcmp(name, sl_demand_name((enum sl_demand_model)i)))
			return (enum sl_demand_model)i;
	sl_die("--demand: none of that name: %s", name);
}

static FILE *open_out(const struct arguments *arguments)
{
	FILE *out = arguments->out ? fopen(arguments->out, "we") : NULL;

	if (arguments->out && !out)
		sl_die("--out: cannot write %s", arguments->out);
	return out;
}

static int run_design(const struct arguments *arguments)
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

static int run_large(const struct arguments *arguments)
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

static const struct option options[] = {
	{ "design", no_argument, NULL, 'd' },
	{ "list", no_argument, NULL, 'L' },
	{ "share", no_argument, NULL, 'S' },
	{ "pressure", no_argument, NULL, 'P' },
	{ "large", required_argument, NULL, 'l' },
	{ "wander", no_argument, NULL, 'w' },
	{ "links", no_argument, NULL, 'c' },
	{ "service", required_argument, NULL, 'u' },
	{ "nodes", required_argument, NULL, 'N' },
	{ "tenants", required_argument, NULL, 'T' },
	{ "demand", required_argument, NULL, 'm' },
	{ "out", required_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 's' },
	{ "seeds", required_argument, NULL, 'n' },
	{ "break", required_argument, NULL, 'b' },
	{ "trace", required_argument, NULL, 't' },
	{ "without-faults", required_argument, NULL, '0' },
	{ "without-nodes", required_argument, NULL, '1' },
	{ "without-tenants", required_argument, NULL, '2' },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct arguments arguments = { .seed = 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			arguments.seed = sl_option_amount("seed", optarg, 0, UINT64_MAX / 2);
			break;
		case 'n':
			arguments.seeds = sl_option_amount("seeds", optarg, 1, SEEDS_MAX);
			break;
		case 'b':
			arguments.broken = optarg;
			break;
		case 't':
			arguments.has_trace = true;
			arguments.traced = (uint32_t)sl_option_amount("trace", optarg, 0, 1000);
			break;
		case 'd':
			arguments.is_design = true;
			break;
		case 'S':
			arguments.kind = &sl_share_trial;
			break;
		case 'P':
			arguments.kind = &sl_pressure_trial;
			break;
		case 'L':
			arguments.lists = true;
			break;
		case 'l':
			arguments.large_s = (uint32_t)sl_option_amount("large", optarg, 1, 3600);
			break;
		case 'w':
			arguments.wanders = true;
			break;
		case 'c':
			arguments.has_links = true;
			break;
		case 'u':
			arguments.service_us =
				(uint32_t)sl_option_amount("service", optarg, 1, 100000);
			break;
		case 'N':
			arguments.nodes = (uint32_t)sl_option_amount("nodes", optarg, 1, 2000);
			break;
		case 'T':
			arguments.tenants =
				(uint32_t)sl_option_amount("tenants", optarg, 1, 100000);
			break;
		case 'm':
			arguments.model = model_of(optarg);
			break;
		case 'o':
			arguments.out = optarg;
			break;
		case '0':
		case '1':
		case '2':
			arguments.without[option - '0'] = optarg;
			break;
		default:
			return SL_EXIT_USAGE;
		}
	}
	if ((arguments.wanders || arguments.has_links || arguments.service_us) &&
	    !arguments.large_s)
		sl_die("--wander, --links, --service: only with --large");
	if (arguments.is_design && arguments.seeds > SL_SIM_DESIGN_SEEDS_MAX)
		sl_die("--seeds: at most %u with --design", SL_SIM_DESIGN_SEEDS_MAX);
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
