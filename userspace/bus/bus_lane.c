// SPDX-License-Identifier: Apache-2.0
/*
 * Lanes: the wildcards that replies come to. Of a "nobody listens" nats.c tells only its
 * lane, so those who share one are of one kind: what is true of one is then true of all.
 */
#include <string.h>

#include "userspace/bus/bus_private.h"

#define LANES_KEPT 8u /* for kinds that have none yet */

/* FNV-1a (Fowler, Noll, Vo), 32 bits */
#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

/* The subject; of the server's own ("$JS.API", "$KV.BUCKET") two words: the rest names
 * what is asked for, not who answers. */
uint32_t sl_bus_lane_kind(const char *subject)
{
	uint32_t hash = FNV_BASIS;
	uint32_t words = subject[0] == '$' ? 2 : UINT32_MAX;

	for (const char *at = subject; *at; at++) {
		if (*at == '.' && --words == 0)
			break;
		hash = (hash ^ (unsigned char)*at) * FNV_PRIME;
	}
	return hash;
}

void sl_bus_lane_enter(struct sl_bus_requests *requests, struct sl_bus_request *request)
{
	struct sl_bus_lane *lane = &requests->lanes[request->lane];

	request->older = lane->newest;
	request->newer = NULL;
	if (lane->newest)
		lane->newest->newer = request;
	lane->newest = request;
	requests->busy |= 1ull << request->lane;
}

void sl_bus_lane_leave(struct sl_bus_requests *requests, struct sl_bus_request *request)
{
	struct sl_bus_lane *lane = &requests->lanes[request->lane];

	if (request->older)
		request->older->newer = request->newer;
	if (request->newer)
		request->newer->older = request->older;
	else
		lane->newest = request->older;
	if (!lane->newest)
		requests->busy &= ~(1ull << request->lane);
}

/* A lane that others of the kind are on, @first or after it; SL_BUS_LANES: there is none */
static uint32_t shared_lane(const struct sl_bus_requests *requests, uint32_t first, uint32_t kind)
{
	for (uint32_t i = 0; i < SL_BUS_LANES; i++) {
		uint32_t at = (first + i) % SL_BUS_LANES;
		const struct sl_bus_request *newest = requests->lanes[at].newest;

		if (newest && newest->kind == kind)
			return at;
	}
	return SL_BUS_LANES;
}

uint32_t sl_bus_lane_choose(struct sl_bus_requests *requests, uint32_t kind)
{
	uint32_t first = requests->next_lane++ % SL_BUS_LANES;
	uint64_t idle = ~requests->busy;
	uint64_t from_first = idle >> first << first;

	if (__builtin_popcountll(idle) <= (int)LANES_KEPT) {
		uint32_t shared = shared_lane(requests, first, kind);

		if (shared < SL_BUS_LANES)
			return shared;
	}
	if (from_first)
		return (uint32_t)__builtin_ctzll(from_first);
	return idle ? (uint32_t)__builtin_ctzll(idle) : first;
}
