// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/rng.h"

#include <math.h>

#define POISSON_BY_SUM_MAX 12.0 /* above it a normal is near enough, and faster */

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

struct sl_rng sl_rng_of(uint64_t seed, uint32_t kind, uint64_t number)
{
	uint64_t state = seed;
	struct sl_rng rng;

	state = splitmix(&state) ^ kind;
	state = splitmix(&state) ^ number;
	for (int i = 0; i < 4; i++)
		rng.state[i] = splitmix(&state);
	return rng;
}

static uint64_t rotate(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

uint64_t sl_rng_next(struct sl_rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

double sl_rng_unit(struct sl_rng *rng)
{
	return (double)(sl_rng_next(rng) >> 11) * 0x1p-53;
}

uint64_t sl_rng_below(struct sl_rng *rng, uint64_t end)
{
	return (uint64_t)(((unsigned __int128)sl_rng_next(rng) * end) >> 64);
}

double sl_rng_between(struct sl_rng *rng, double from, double to)
{
	return from + (to - from) * sl_rng_unit(rng);
}

/* Marsaglia's polar method; the second of the pair is not kept, streams stay small. */
double sl_rng_normal(struct sl_rng *rng)
{
	double x, y, r;

	do {
		x = 2 * sl_rng_unit(rng) - 1;
		y = 2 * sl_rng_unit(rng) - 1;
		r = x * x + y * y;
	} while (r >= 1 || r == 0);
	return x * sqrt(-2 * log(r) / r);
}

double sl_rng_exponential(struct sl_rng *rng, double mean)
{
	return -mean * log1p(-sl_rng_unit(rng));
}

uint32_t sl_rng_poisson(struct sl_rng *rng, double mean, double exp_minus_mean)
{
	double left, term;
	uint32_t n = 0;

	if (mean <= 0)
		return 0;
	if (mean > POISSON_BY_SUM_MAX) {
		double x = mean + sqrt(mean) * sl_rng_normal(rng) + 0.5;

		return x > 0 ? (uint32_t)x : 0;
	}
	left = sl_rng_unit(rng);
	term = exp_minus_mean;
	while (left >= term && n < 100) {
		left -= term;
		n++;
		term *= mean / n;
	}
	return n;
}
