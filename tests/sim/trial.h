/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campaign of one kind of run: each is drawn from its seed, what goes wrong in it too
 * (mishap.h); one that fails is shrunk to the mishaps that it needs, and the command that
 * shows it again is printed.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/mishap.h"

struct sl_trial_finding {
	const char *rule; /* NULL: all held */
	uint64_t at_ns;
	uint32_t subject; /* a tenant, or what the rule is about */
	double is, bound;
};

struct sl_trial;
struct sl_trial_kind {
	const char *option; /* "--share" */
	struct sl_mishap_script script;
	const char *const *breaks; /* names of deliberate faults; the first is none */
	unsigned break_count;
	struct sl_trial_finding (*run)(const struct sl_trial *trial);
};

/* One run. */
struct sl_trial {
	const struct sl_trial_kind *kind;
	uint64_t seed;
	unsigned broken; /* of kind->breaks */
	struct sl_mishaps mishaps;
	bool has_trace;
};

struct sl_trial_order {
	uint64_t seed, seeds; /* seeds 0: one, shown as it is */
	const char *broken;   /* NULL: none */
	const char *without;  /* NULL, or "1,4": mishaps to leave out */
	bool has_trace;
};

extern const struct sl_trial_kind sl_share_trial;    /* share_world.c */
extern const struct sl_trial_kind sl_pressure_trial; /* pressure_world.c */

/* EXIT_SUCCESS or EXIT_FAILURE. Ends the program for a name that is none. */
int sl_trial_main(const struct sl_trial_kind *kind, const struct sl_trial_order *order);

/* The first finding stays. */
void sl_trial_fail(struct sl_trial_finding *finding, struct sl_trial_finding what);
