// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/late.h"

#include <math.h>
#include <stdlib.h>

#include "tests/harness/options.h"

#define COST_MOST 2.0 /* units: what a bucket holds at the least */
#define ASKED	  1.1 /* of what arrives */
#define ROOM	  0.9 /* of the limit: what headroom is given of */

static void *table(size_t count, size_t size)
{
	void *ret = calloc(count, size);

	if (!ret)
		sl_die("no memory for what is known of %zu", count);
	return ret;
}

void sl_late_init(struct sl_late *late, uint32_t places, double lag_s, double tick_s)
{
	*late = (struct sl_late){ .places = places,
				  .ticks = (uint32_t)((lag_s + .5) / tick_s),
				  .second = (uint32_t)(1 / tick_s),
				  .tick_s = tick_s,
				  .place = table(places, sizeof(*late->place)) };
	for (uint32_t i = 0; i < places; i++)
		late->place[i].arrived = table(late->ticks, sizeof(*late->place[i].arrived));
}

void sl_late_release(struct sl_late *late)
{
	for (uint32_t i = 0; i < late->places; i++)
		free(late->place[i].arrived);
	free(late->place);
}

void sl_late_arrive(struct sl_late *late, uint32_t place, uint32_t count)
{
	if (place < late->places)
		late->place[place].now += count;
}

/* The oldest tick leaves what is known, and the first one that is old enough enters. */
static void turn(struct sl_late *late)
{
	for (uint32_t i = 0; i < late->places; i++) {
		struct sl_late_place *place = &late->place[i];

		place->known -= place->arrived[late->at];
		place->known += place->arrived[(late->at + late->second) % late->ticks];
		place->arrived[late->at] = place->now;
		place->now = 0;
	}
	late->at = (late->at + 1) % late->ticks;
}

/* What the store calls lambda. */
static double part_of(double want, double rate)
{
	if (want > rate)
		return rate / want;
	return want * 2 > rate * ROOM ? fmax(1, rate * ROOM / want) : 2;
}

double sl_late_pass(struct sl_late *late, double rate_per_s, double burst)
{
	double want = 0, passed = 0, part;

	if (!late->places)
		return 0;
	for (uint32_t i = 0; i < late->places; i++)
		want += ASKED * late->place[i].known;
	part = part_of(want, rate_per_s);
	for (uint32_t i = 0; i < late->places; i++) {
		struct sl_late_place *place = &late->place[i];
		const double share = ASKED * place->known * part;
		const double most = fmax(COST_MOST, burst * share / rate_per_s);
		double take;

		place->tokens = fmin(place->tokens + share * late->tick_s, most);
		take = fmin(place->now, floor(place->tokens));
		place->tokens -= take;
		passed += take;
	}
	turn(late);
	return passed;
}
