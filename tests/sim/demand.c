// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/demand.h"

#include <math.h>
#include <stdlib.h>

#include "tests/harness/options.h"

#define RNG_TENANT 1
#define RNG_PAIR   2

#define S_NS		1000000000ull
#define ZIPF		1.2
#define NOISE_SIGMA	0.3
#define NOISE_S		2.0
#define DAY_S		60.0
#define DAY_HIGH	0.8 /* of the whole tenant */
#define DAY_MOVES	0.9 /* of one place */
#define FLASH_TIMES	20.0
#define FLASH_BASE	0.1
#define FLASH_PAUSE_S	12.0
#define FLASH_S		4.0
#define ADVERSARY_TIMES 6.0

static const char *const names[SL_DEMAND_MODELS] = { "zipf", "diurnal", "flash", "adversary" };

const char *sl_demand_name(enum sl_demand_model model)
{
	return names[model];
}

/* Half under the limit, 30 % over it, 15 % far over, 5 % abusive. */
static double draw_ratio(struct sl_rng *rng)
{
	double u = sl_rng_unit(rng);

	if (u < .50)
		return sl_rng_between(rng, .3, .9);
	if (u < .80)
		return sl_rng_between(rng, 1.2, 3);
	if (u < .95)
		return sl_rng_between(rng, 3, 8);
	return sl_rng_between(rng, 10, 20);
}

void sl_demand_shift(struct sl_demand *demand)
{
	double sum = 0;

	for (uint32_t i = 0; i < demand->places; i++) {
		demand->pair[i].weight = pow(i + 1, -ZIPF);
		sum += demand->pair[i].weight;
	}
	for (uint32_t i = demand->places; i-- > 0;) {
		uint32_t other = (uint32_t)sl_rng_below(&demand->rng, i + 1);
		double weight = demand->pair[other].weight;

		demand->pair[other].weight = demand->pair[i].weight;
		demand->pair[i].weight = weight / sum;
	}
}

static void *table(size_t count, size_t size)
{
	void *ret = calloc(count, size);

	if (!ret)
		sl_die("no memory for the demand of %zu places", count);
	return ret;
}

void sl_demand_init(struct sl_demand *demand, enum sl_demand_model model, uint64_t seed,
		    uint32_t tenant, uint32_t places, double limit_per_s, double ratio)
{
	*demand = (struct sl_demand){
		.model = model,
		.places = places,
		.sigma = NOISE_SIGMA,
		.pair = table(places, sizeof(*demand->pair)),
		.is_away = table(places, sizeof(*demand->is_away)),
		.rng = sl_rng_of(seed, RNG_TENANT, tenant),
	};
	demand->phase = sl_rng_unit(&demand->rng);
	if (ratio <= 0)
		ratio = draw_ratio(&demand->rng);
	if (model == SL_DEMAND_ADVERSARY)
		ratio = ADVERSARY_TIMES;
	demand->per_s = ratio * limit_per_s;
	for (uint32_t i = 0; i < places; i++)
		demand->pair[i].rng = sl_rng_of(seed, RNG_PAIR, ((uint64_t)tenant << 32) | i);
	sl_demand_shift(demand);
}

void sl_demand_steady(struct sl_demand *demand)
{
	demand->sigma = 0;
}

void sl_demand_release(struct sl_demand *demand)
{
	free(demand->pair);
	free(demand->is_away);
}

void sl_demand_set_away(struct sl_demand *demand, uint32_t place, bool is_away)
{
	demand->is_away[place] = is_away;
}

static double wave(double t_s, double phase)
{
	return sin(2 * M_PI * (t_s / DAY_S + phase));
}

/* Times usual, of the whole tenant. */
static double height(struct sl_demand *demand, uint64_t now_ns)
{
	double t_s = (double)now_ns / S_NS;

	if (demand->model == SL_DEMAND_DIURNAL)
		return 1 + DAY_HIGH * wave(t_s, demand->phase);
	if (demand->model != SL_DEMAND_FLASH)
		return 1;
	if (now_ns >= demand->flash_until_ns) {
		double pause_s = sl_rng_exponential(&demand->rng, FLASH_PAUSE_S);
		double for_s = sl_rng_between(&demand->rng, 1, 2 * FLASH_S);

		demand->flash_from_ns = now_ns + (uint64_t)(pause_s * 1e9);
		demand->flash_until_ns = demand->flash_from_ns + (uint64_t)(for_s * 1e9);
		sl_demand_shift(demand);
	}
	return now_ns >= demand->flash_from_ns ? FLASH_BASE * FLASH_TIMES : FLASH_BASE;
}

/* Of one place, of the tenant's demand, before all are made to sum to one. */
static double share(const struct sl_demand *demand, uint32_t place, uint64_t now_ns)
{
	double weight = demand->pair[place].weight;

	switch (demand->model) {
	case SL_DEMAND_DIURNAL:
		return weight * (1 + DAY_MOVES * wave((double)now_ns / S_NS,
						      (double)place / demand->places));
	case SL_DEMAND_FLASH:
		if (now_ns < demand->flash_from_ns)
			return weight;
		return (place + (uint32_t)(demand->flash_from_ns / S_NS)) % 4 == 0 ? 1 : 0.001;
	case SL_DEMAND_ADVERSARY:
		return place == now_ns / S_NS % demand->places ? 1 : 0;
	case SL_DEMAND_ZIPF:
	case SL_DEMAND_MODELS:
		break;
	}
	return weight;
}

void sl_demand_update(struct sl_demand *demand, uint64_t now_ns, uint64_t tick_ns)
{
	static const double keep = 0.951229424500714; /* exp(-0.1 s / 2 s) */
	const double new = demand->sigma *sqrt(1 - keep * keep);
	const double mean = demand->sigma * demand->sigma / 2; /* of the logarithm */
	double per_tick = demand->per_s * height(demand, now_ns) * (double)tick_ns / S_NS;
	double here = 0;

	for (uint32_t i = 0; i < demand->places; i++) {
		struct sl_demand_pair *pair = &demand->pair[i];
		double part = share(demand, i, now_ns);

		pair->noise = keep * pair->noise + new *sl_rng_normal(&pair->rng);
		pair->mean = demand->is_away[i] ? 0 : part * exp(pair->noise - mean);
		here += demand->is_away[i] ? 0 : part;
	}
	for (uint32_t i = 0; i < demand->places; i++) {
		struct sl_demand_pair *pair = &demand->pair[i];

		pair->mean *= here > 0 ? per_tick / here : 0;
		pair->exp_minus_mean = exp(-pair->mean);
	}
}

bool sl_demand_stands(const struct sl_demand *demand, uint64_t now_ns, uint64_t for_ns)
{
	if (demand->model != SL_DEMAND_FLASH)
		return true;
	return now_ns >= demand->flash_from_ns + for_ns && now_ns < demand->flash_until_ns;
}

double sl_demand_deviation(const struct sl_demand *demand, double per_s, double ago_s)
{
	const double noise = demand->sigma * sqrt(2 * (1 - exp(-ago_s / NOISE_S)));
	const double day = demand->model == SL_DEMAND_DIURNAL ? 2 * M_PI / DAY_S : 0;
	const double wave = ago_s * day * sqrt((DAY_HIGH * DAY_HIGH + DAY_MOVES * DAY_MOVES) / 2);

	return sqrt(noise * noise + wave * wave + 1 / per_s);
}

uint32_t sl_demand_arrive(struct sl_demand_pair *pair)
{
	return sl_rng_poisson(&pair->rng, pair->mean, pair->exp_minus_mean);
}
