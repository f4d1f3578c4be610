/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the design: one run of 290 s with each fault at its time, measured against
 * the exact bucket; and the run for size.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stdint.h>

#include "tests/sim/world.h"

#define SL_SIM_DESIGN_SEEDS	13u /* of shift and crash, unless somebody says how many */
#define SL_SIM_DESIGN_SEEDS_MAX 64u

struct sl_sim_design {
	uint64_t seed;
	uint32_t seeds; /* from that one on, 1..SL_SIM_DESIGN_SEEDS_MAX: of shift and crash */
	uint32_t nodes, tenants, places;
	enum sl_demand_model model;
	bool has_trace; /* as in struct sl_sim_options */
	uint32_t traced;
	bool lists_tenants; /* their use in the steady part */
};

/*
 * Runs it, prints the table, and for each figure that has a name a line "measured NAME -
 * VALUE LEAST MOST" to @out (may be NULL), as tests/bench/report.py reads them. Shift and crash
 * are the median of several seeds, of which the further ones have a run of 74 s. Returns how many
 * targets were missed; a rule that does not hold counts as one.
 */
int sl_sim_run_design(const struct sl_sim_design *design, FILE *out);

struct sl_sim_large {
	uint64_t seed;
	uint32_t nodes, tenants;
	uint32_t seconds;    /* that are looked at, when it has begun */
	bool wanders;	     /* demand, by 30 %; else what the target is of */
	bool has_links;	     /* as in struct sl_sim_options */
	uint32_t service_ns; /* of one renewal; 0: the most that bench-redis measured */
};

/*
 * Every tenant on 16 nodes, with 250 units a second for each (the part of a limit that the design
 * gives a node), a tenth of them over their limit, the others steady; prints what the store has
 * to do, and how many questions had no answer in time; with .service_ns more than one in a hundred
 * at the end is a miss. @out, for demand that does not wander, and return as above.
 */
int sl_sim_run_large(const struct sl_sim_large *large, FILE *out);
