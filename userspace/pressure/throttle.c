/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pressure/throttle.h"

#define WELL_DEN 20u /* refused are at most one in so many of the accepted */
#define SLICE_NS (SL_THROTTLE_WINDOW_NS / SL_THROTTLE_SLICES)

/* Nearly all that was sent in the newest slice was accepted: it is better, and what was
 * refused here was refused for nothing. */
static void forgive(struct sl_throttle *throttle)
{
	const uint64_t place = throttle->slice % SL_THROTTLE_SLICES;
	const uint32_t accepts = throttle->accepts[place], refusals = throttle->refusals[place];

	if (accepts < SL_THROTTLE_REQUESTS_MIN || (uint64_t)refusals * WELL_DEN > accepts)
		return;
	sl_throttle_forget(throttle);
	throttle->requests[place] = accepts + refusals;
	throttle->accepts[place] = accepts;
	throttle->refusals[place] = refusals;
}

/* Slices that are over make room. Time that went back stays in the newest slice. */
static void turn(struct sl_throttle *throttle, uint64_t now_ns)
{
	uint64_t slice = now_ns / SLICE_NS;

	if (slice <= throttle->slice)
		return;
	forgive(throttle);
	if (slice - throttle->slice > SL_THROTTLE_SLICES)
		throttle->slice = slice - SL_THROTTLE_SLICES;
	while (throttle->slice < slice) {
		uint64_t place = ++throttle->slice % SL_THROTTLE_SLICES;

		throttle->requests[place] = 0;
		throttle->accepts[place] = 0;
		throttle->refusals[place] = 0;
	}
}

static uint64_t sum(const uint32_t counts[SL_THROTTLE_SLICES])
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < SL_THROTTLE_SLICES; i++)
		all += counts[i];
	return all;
}

static void count(uint32_t counts[SL_THROTTLE_SLICES], uint64_t slice)
{
	uint32_t *here = &counts[slice % SL_THROTTLE_SLICES];

	if (*here < UINT32_MAX)
		(*here)++;
}

bool sl_throttle_is_known(struct sl_throttle *throttle, uint64_t now_ns)
{
	turn(throttle, now_ns);
	return sum(throttle->requests) >= SL_THROTTLE_REQUESTS_MIN;
}

double sl_throttle_refuses(struct sl_throttle *throttle, double ratio, uint64_t now_ns)
{
	double requests, accepts, share;

	if (!sl_throttle_is_known(throttle, now_ns))
		return 0;
	requests = (double)sum(throttle->requests);
	accepts = (double)sum(throttle->accepts);
	share = (requests - (ratio < 1 ? 1 : ratio) * accepts) / (requests + 1);
	if (share < 0)
		return 0;
	return share < SL_THROTTLE_REFUSE_MAX ? share : SL_THROTTLE_REFUSE_MAX;
}

bool sl_throttle_draws(struct sl_throttle *throttle, double share, uint64_t now_ns, uint64_t random)
{
	turn(throttle, now_ns);
	/* 53 bits of it, as many as a double holds: 0 <= x < 1. */
	if ((double)(random >> 11) * 0x1p-53 >= share)
		return true;
	count(throttle->requests, throttle->slice);
	return false;
}

bool sl_throttle_admits(struct sl_throttle *throttle, double ratio, uint64_t now_ns,
			uint64_t random)
{
	const double share = sl_throttle_refuses(throttle, ratio, now_ns);

	return sl_throttle_draws(throttle, share, now_ns, random);
}

void sl_throttle_report(struct sl_throttle *throttle, bool accepted, uint64_t now_ns)
{
	turn(throttle, now_ns);
	count(throttle->requests, throttle->slice);
	if (accepted)
		count(throttle->accepts, throttle->slice);
	else
		count(throttle->refusals, throttle->slice);
}

void sl_throttle_forget(struct sl_throttle *throttle)
{
	*throttle = (struct sl_throttle){ .slice = throttle->slice };
}
