/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of sim.
 *
 * Owner: texts are borrowed from argv. Thread: none: getopt has state of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/demand.h"
#include "tests/sim/trial.h"

struct sl_sim_arguments {
	uint64_t seed, seeds;
	bool has_trace;
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

/* Ends the program for --help, and where an argument is wrong. */
void sl_sim_arguments_parse(struct sl_sim_arguments *ret, int argc, char **argv);
