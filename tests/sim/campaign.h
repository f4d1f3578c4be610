/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short runs, each of a few nodes and tenants with faults drawn from its seed; and
 * what to do with one that fails: leave out of it what it does not need (delta debugging,
 * Zeller and Hildebrandt, 2002), and print the command that shows it again.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/world.h"

#define SL_SIM_NODES_DRAWN   6
#define SL_SIM_TENANTS_DRAWN 4

/* One run of a campaign; what is left out of it is in the arrays. */
struct sl_sim_case {
	struct sl_sim_options options;
	struct sl_faults faults;
	bool without_node[SL_SIM_NODES_DRAWN];
	bool without_tenant[SL_SIM_TENANTS_DRAWN];
};

/* The run of @seed: the same each time. */
void sl_sim_draw(struct sl_sim_case *ret, uint64_t seed, enum sl_sim_break broken);

/* Runs it and says what did not hold; .rule NULL: all did. */
struct sl_sim_finding sl_sim_try(struct sl_sim_case *run);

/* Leaves out faults, nodes and tenants, as long as the same rule still fails. Returns how
 * many runs that took. */
unsigned sl_sim_shrink(struct sl_sim_case *run);

/* What failed, the faults that are left, and the command that shows it again. */
void sl_sim_print_finding(const struct sl_sim_case *run, const struct sl_sim_finding *finding,
			  const char *program);

/* "mint", ...: the name of a deliberate fault. */
const char *sl_sim_break_name(enum sl_sim_break broken);
