// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/rate_change.h"

#include <stdbool.h>

#define S_CU	     (1000000000ull << SL_CREDIT_SHIFT)
#define BURST_CU_MAX (SL_BURST_NS_MAX << SL_CREDIT_SHIFT)
/* 2^53 is 2.4 hours a unit: the charge of a packet of 1,024 segments still fits. */
#define COST_ZERO     (1ull << 53)
#define COST_PER_S_MU (S_CU * 1000) /* of one milli-unit per second */

typedef unsigned __int128 wide;

struct sl_rate sl_rate_of_mu(uint64_t rate_mu_per_s, uint64_t burst_mu, enum sl_unit unit)
{
	const bool bytes = unit == SL_UNIT_BYTES;
	/* Of bytes a milli-unit is the unit that is charged. */
	const uint64_t unit_cu = bytes ? S_CU : COST_PER_S_MU;
	const unsigned int shift = bytes ? SL_BYTE_COST_SHIFT : 0;
	const uint64_t units = bytes ? burst_mu : burst_mu / 1000;
	const uint64_t least = bytes ? SL_BYTES_PER_S_MIN : 1;
	uint64_t rate = rate_mu_per_s < least ? least : rate_mu_per_s;
	wide cost, burst_cu;

	if (!rate_mu_per_s)
		return (struct sl_rate){ .cost = COST_ZERO, .burst_cu = COST_ZERO };
	cost = (((wide)unit_cu << shift) + rate / 2) / rate;
	if (!cost)
		cost = 1;
	burst_cu = (cost * units) >> shift;
	if (burst_cu > BURST_CU_MAX)
		burst_cu = BURST_CU_MAX;
	return (struct sl_rate){ .cost = (uint64_t)cost, .burst_cu = (uint64_t)burst_cu };
}

uint64_t sl_rate_to_mu(const struct sl_rate *rate, enum sl_unit unit)
{
	const bool bytes = unit == SL_UNIT_BYTES;
	const wide unit_cu = bytes ? (wide)S_CU << SL_BYTE_COST_SHIFT : COST_PER_S_MU;

	if (!rate->cost || rate->cost >= COST_ZERO)
		return 0;
	/* The cost was rounded to the nearest: a half more is the most that it came from. */
	return (uint64_t)(2 * unit_cu / (2 * (wide)rate->cost + 1));
}

/* @cu under the old rate is as many units as the result under the new one. */
static uint64_t rescale(uint64_t cu, const struct sl_rate *old, const struct sl_rate *new)
{
	wide scaled = (wide)cu * new->cost / old->cost;

	/* Half of what a signed difference of credits can hold. */
	return scaled > INT64_MAX / 2 ? INT64_MAX / 2 : (uint64_t)scaled;
}

uint64_t sl_rate_change_tat(uint64_t tat_cu, uint64_t now_cu, const struct sl_rate *old,
			    const struct sl_rate *new)
{
	int64_t ahead = (int64_t)(tat_cu - now_cu);
	uint64_t used = ahead > 0 ? (uint64_t)ahead : 0;
	uint64_t held;

	if (new->cost == COST_ZERO)
		return now_cu + new->burst_cu;
	if (!old->cost)
		return now_cu;
	if (used > old->burst_cu)
		return now_cu + new->burst_cu + rescale(used - old->burst_cu, old, new);
	held = rescale(old->burst_cu - used, old, new);
	return now_cu + new->burst_cu - (held < new->burst_cu ? held : new->burst_cu);
}
