// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/design.h"

#define SEEDS_MAX 10000000u

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
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char help[] =
	"usage: sim [--share | --pressure] [--seed N] [--seeds COUNT]\n"
	"       sim --design [--seed N] [--seeds COUNT] [--out FILE]\n"
	"       sim --large SECONDS [--wander] [--links] [--service US] [--out FILE]\n"
	"\n"
	"Runs the code of global quotas (of shares across tenants, of backpressure) in virtual\n"
	"time against faults, and checks its rules after every event. docs/simulator.md.\n"
	"\n"
	"  --seed N            the first, or the only one (default 0)\n"
	"  --seeds COUNT       so many from there on; what fails is shrunk and shown\n"
	"  --list              a line for each that fails instead; with --design each tenant's use\n"
	"  --trace TENANT      what that tenant's nodes said; with --pressure every second, of any\n"
	"  --break WHAT        a fault in the code under test: one of the rules has to find it\n"
	"  --without-faults N,...  and --without-nodes, --without-tenants: leaves those out\n"
	"  --design            the table: 50 nodes, 200 tenants; shift and crash of COUNT seeds\n"
	"  --large SECONDS     1,000 nodes, 10,000 tenants: renewals a second\n"
	"  --wander            their demand wanders\n"
	"  --links             and their connections close when an answer is late\n"
	"  --service US        what a renewal takes of Redis\n"
	"  --nodes N, --tenants N  of --design and --large\n"
	"  --demand MODEL      of --design: zipf, diurnal, flash or adversary\n"
	"  --out FILE          writes the figures for make bench\n"
	"  --help\n"
	"\n"
	"Exit codes: 0 all rules hold, 1 one does not or a target is missed, 2 wrong use.\n";

static enum sl_demand_model model_of(const char *name)
{
	for (int i = 0; i < SL_DEMAND_MODELS; i++)
		if (!strcmp(name, sl_demand_name((enum sl_demand_model)i)))
			return (enum sl_demand_model)i;
	sl_die("--demand: none of that name: %s", name);
}

static void take(struct sl_sim_arguments *arguments, int option)
{
	switch (option) {
	case 's':
		arguments->seed = sl_option_amount("seed", optarg, 0, UINT64_MAX / 2);
		break;
	case 'n':
		arguments->seeds = sl_option_amount("seeds", optarg, 1, SEEDS_MAX);
		break;
	case 'b':
		arguments->broken = optarg;
		break;
	case 't':
		arguments->has_trace = true;
		arguments->traced = (uint32_t)sl_option_amount("trace", optarg, 0, 1000);
		break;
	case 'd':
		arguments->is_design = true;
		break;
	case 'S':
		arguments->kind = &sl_share_trial;
		break;
	case 'P':
		arguments->kind = &sl_pressure_trial;
		break;
	case 'L':
		arguments->lists = true;
		break;
	case 'l':
		arguments->large_s = (uint32_t)sl_option_amount("large", optarg, 1, 3600);
		break;
	case 'w':
		arguments->wanders = true;
		break;
	case 'c':
		arguments->has_links = true;
		break;
	case 'u':
		arguments->service_us = (uint32_t)sl_option_amount("service", optarg, 1, 100000);
		break;
	case 'N':
		arguments->nodes = (uint32_t)sl_option_amount("nodes", optarg, 1, 2000);
		break;
	case 'T':
		arguments->tenants = (uint32_t)sl_option_amount("tenants", optarg, 1, 100000);
		break;
	case 'm':
		arguments->model = model_of(optarg);
		break;
	case 'o':
		arguments->out = optarg;
		break;
	case '0':
	case '1':
	case '2':
		arguments->without[option - '0'] = optarg;
		break;
	case 'h':
		(void)fputs(help, stdout);
		exit(EXIT_SUCCESS);
	default:
		sl_die("see --help");
	}
}

static void check(const struct sl_sim_arguments *arguments)
{
	if ((arguments->wanders || arguments->has_links || arguments->service_us) &&
	    !arguments->large_s)
		sl_die("--wander, --links, --service: only with --large");
	if (arguments->is_design && arguments->seeds > SL_SIM_DESIGN_SEEDS_MAX)
		sl_die("--seeds: at most %u with --design", SL_SIM_DESIGN_SEEDS_MAX);
}

void sl_sim_arguments_parse(struct sl_sim_arguments *ret, int argc, char **argv)
{
	struct sl_sim_arguments arguments = { .seed = 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take(&arguments, option);
	if (optind < argc)
		sl_die("\"%s\": no argument is expected here; see --help", argv[optind]);
	check(&arguments);
	*ret = arguments;
}
