// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/cut.h"

#define HALVINGS     60
#define FLOOR_PART   0.05
#define PERMILLE_MAX 1000u

/* What a tenant may still want in a round. */
typedef double wants_fn(const struct sl_cut *cut);

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double above(double a, double b)
{
	return a > b ? a - b : 0;
}

static double weight_of(const struct sl_cut *cut)
{
	return cut->weight > 0 ? cut->weight : 1;
}

static double wants_floor(const struct sl_cut *cut)
{
	return above(least(cut->demand_per_s, cut->guarantee_per_s * FLOOR_PART), cut->rate_per_s);
}

static double wants_guarantee(const struct sl_cut *cut)
{
	return above(least(cut->demand_per_s, cut->guarantee_per_s), cut->rate_per_s);
}

static double wants_all(const struct sl_cut *cut)
{
	return above(cut->demand_per_s, cut->rate_per_s);
}

/* Of a round among those of a class; SL_CRITICALITIES: of all. */
struct round {
	struct sl_cut *cuts;
	size_t count;
	unsigned int criticality;
	wants_fn *wants;
};

static bool takes_part(const struct round *round, const struct sl_cut *cut)
{
	return round->criticality == SL_CRITICALITIES ||
	       (unsigned int)cut->criticality == round->criticality;
}

/* What all get when each gets at most @level for its weight. */
static double given_at(const struct round *round, double level)
{
	double sum = 0;

	for (size_t i = 0; i < round->count; i++)
		if (takes_part(round, &round->cuts[i]))
			sum += least(round->wants(&round->cuts[i]),
				     weight_of(&round->cuts[i]) * level);
	return sum;
}

static double level_for(const struct round *round, double amount)
{
	double low = 0, high = 0;

	for (size_t i = 0; i < round->count; i++) {
		double needs = round->wants(&round->cuts[i]) / weight_of(&round->cuts[i]);

		high = takes_part(round, &round->cuts[i]) && needs > high ? needs : high;
	}
	if (given_at(round, high) <= amount)
		return high;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;

		if (given_at(round, middle) <= amount)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Returns what is left of @amount. */
static double give(const struct round *round, double amount)
{
	const double level = level_for(round, amount);

	for (size_t i = 0; i < round->count; i++) {
		struct sl_cut *cut = &round->cuts[i];
		double part;

		if (!takes_part(round, cut))
			continue;
		part = least(round->wants(cut), weight_of(cut) * level);
		cut->rate_per_s += part;
		amount -= part;
	}
	return amount > 0 ? amount : 0;
}

static double give_by_class(struct sl_cut *cuts, size_t count, wants_fn *wants, double amount,
			    unsigned int lowest)
{
	for (unsigned int i = SL_CRITICALITIES; i > lowest; i--)
		amount = give(&(struct round){ cuts, count, i - 1, wants }, amount);
	return amount;
}

static uint32_t permille_of(const struct sl_cut *cut)
{
	double lost = above(cut->demand_per_s, cut->rate_per_s);
	uint32_t permille;

	if (!(cut->demand_per_s > 0) || lost < cut->demand_per_s * 1e-9)
		return 0;
	permille = (uint32_t)(lost / cut->demand_per_s * PERMILLE_MAX + 0.5);
	return permille < PERMILLE_MAX ? permille : PERMILLE_MAX;
}

void sl_cut_share(struct sl_cut *cuts, size_t count, double capacity_per_s,
		  enum sl_pressure_state state)
{
	const unsigned int lowest = state == SL_PRESSURE_STOP ? SL_CRITICAL_PLUS : SL_SHEDDABLE;
	double left = capacity_per_s > 0 ? capacity_per_s : 0;

	for (size_t i = 0; i < count; i++)
		cuts[i].rate_per_s = 0;
	if (state == SL_PRESSURE_OK || state == SL_PRESSURE_WARN)
		left = give(&(struct round){ cuts, count, SL_CRITICALITIES, wants_floor }, left);
	left = give_by_class(cuts, count, wants_guarantee, left, lowest);
	(void)give_by_class(cuts, count, wants_all, left, lowest);
	for (size_t i = 0; i < count; i++)
		cuts[i].shed_permille = permille_of(&cuts[i]);
}
