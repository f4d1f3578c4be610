/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks how much, where. Every pair of tenant and node has a mean for each tick, and
 * draws what arrives from it.
 *
 *   zipf       half of the tenants under their limit, half over it up to 20 times; spread
 *              over nodes by Zipf(1.2), with noise that is autoregressive (sigma 0.3,
 *              2 s). The model of the design.
 *   diurnal    zipf, times a wave over a day that is one minute long; nodes lie in
 *              different time zones, so that demand wanders round them
 *   flash      a tenth of usual, then all of a sudden 20 times it, for a few seconds,
 *              on a quarter of the nodes; each tenant at its own times
 *   adversary  six times the limit, all on one node, which is another one every second
 *
 * Thread: one at a time. Owner: the caller of sl_demand_release().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/rng.h"

enum sl_demand_model {
	SL_DEMAND_ZIPF,
	SL_DEMAND_DIURNAL,
	SL_DEMAND_FLASH,
	SL_DEMAND_ADVERSARY,
	SL_DEMAND_MODELS,
};

const char *sl_demand_name(enum sl_demand_model model);

/* One tenant on one node. */
struct sl_demand_pair {
	double weight; /* of the tenant's demand, of the places it has */
	double noise;
	double mean; /* for each tick */
	double exp_minus_mean;
	struct sl_rng rng;
};

/* One tenant; @pair are its places, in the order of its nodes. */
struct sl_demand {
	enum sl_demand_model model;
	double per_s; /* offered on average */
	double phase; /* 0..1 */
	double sigma; /* of the noise */
	uint32_t places;
	struct sl_demand_pair *pair;
	bool *is_away; /* that place takes no traffic: the others take its part */
	struct sl_rng rng;
	uint64_t flash_from_ns, flash_until_ns;
};

/* @ratio: offered over limit; 0: drawn, as the design has it. */
void sl_demand_init(struct sl_demand *demand, enum sl_demand_model model, uint64_t seed,
		    uint32_t tenant, uint32_t places, double limit_per_s, double ratio);
/* From here on without noise: only what arrives is by chance. */
void sl_demand_steady(struct sl_demand *demand);
void sl_demand_release(struct sl_demand *demand);

/* Whether a place takes no traffic. */
void sl_demand_set_away(struct sl_demand *demand, uint32_t place, bool is_away);

/* Demand moves to other places. */
void sl_demand_shift(struct sl_demand *demand);

/* Every 100 ms: the means from here on. */
void sl_demand_update(struct sl_demand *demand, uint64_t now_ns, uint64_t tick_ns);

/* Has demand stood where it is for @for_ns? Of flash: has one lasted so long. Noise and the
 * wave of a day count as standing. */
bool sl_demand_stands(const struct sl_demand *demand, uint64_t now_ns, uint64_t for_ns);

/* By how much, of itself, the demand of a node with @per_s arrivals differs from what it was
 * @ago_s before: the standard deviation. */
double sl_demand_deviation(const struct sl_demand *demand, double per_s, double ago_s);

/* What arrives at a place in one tick. */
uint32_t sl_demand_arrive(struct sl_demand_pair *pair);
