/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong in a run, drawn from its seed: each of a kind, at a time, for a while,
 * to somebody. Kinds are the run's own.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/rng.h"

#define SL_MISHAPS_MAX 16u

struct sl_mishap_kind {
	const char *name;
	double for_s[2]; /* how long it lasts; 0, 0: it happens and is over */
	double amount[2];
};

struct sl_mishap {
	uint32_t kind;
	uint32_t subject; /* modulo how many there are of them */
	uint64_t at_ns, for_ns;
	double amount;
};

struct sl_mishaps {
	const struct sl_mishap_kind *kinds;
	struct sl_mishap at[SL_MISHAPS_MAX];
	bool is_left_out[SL_MISHAPS_MAX];
	size_t count;
};

struct sl_mishap_script {
	const struct sl_mishap_kind *kinds;
	size_t kind_count;
	uint64_t most; /* mishaps of one run, at least one */
	uint64_t from_ns, until_ns;
};
void sl_mishaps_draw(struct sl_mishaps *ret, const struct sl_mishap_script *script,
		     struct sl_rng *rng);

/* The strongest of @kind that lasts at @now_ns, of anybody; 0: none. */
double sl_mishaps_amount(const struct sl_mishaps *mishaps, uint32_t kind, uint64_t now_ns);
/* Does one of @kind befall number @subject of @subjects at @now_ns? */
bool sl_mishaps_hit(const struct sl_mishaps *mishaps, uint32_t kind, uint32_t subject,
		    uint32_t subjects, uint64_t now_ns);
/* The next after *@at (0 at first) of @kind that begins after @from_ns, until @until_ns; NULL. */
const struct sl_mishap *sl_mishaps_begun(const struct sl_mishaps *mishaps, size_t *at,
					 uint32_t kind, uint64_t from_ns, uint64_t until_ns);
/* The same of those that end then. */
const struct sl_mishap *sl_mishaps_ended(const struct sl_mishaps *mishaps, size_t *at,
					 uint32_t kind, uint64_t from_ns, uint64_t until_ns);

/* One line each, with its number. */
void sl_mishaps_print(const struct sl_mishaps *mishaps, FILE *out);
