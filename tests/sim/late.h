/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody would pass who knows all of a tenant's demand, but late, and shares the limit out
 * among its places as the store does: the mark for what leases do of the very same demand.
 *
 * Source: the rules of userspace/quota/store_renew.c without acks, floors and lost messages.
 * Owner:  sl_late_release(). Thread: one at a time.
 */
#pragma once

#include <stdint.h>

struct sl_late_place {
	uint32_t now;	   /* has arrived in this tick */
	uint32_t known;	   /* in the second that is known */
	uint32_t *arrived; /* in each of the last ticks, a ring */
	double tokens;
};

struct sl_late {
	uint32_t places;
	uint32_t ticks, second; /* of the ring, of the second that is known */
	uint32_t at;
	double tick_s;
	struct sl_late_place *place;
};

/* Of demand of one second, in the middle @lag_s ago. Ends the program when memory is out. */
void sl_late_init(struct sl_late *late, uint32_t places, double lag_s, double tick_s);
void sl_late_release(struct sl_late *late); /* also of zeros */

void sl_late_arrive(struct sl_late *late, uint32_t place, uint32_t count);

/* The tick is over: what would have passed of it; of zeros 0. Limit and burst in units. */
double sl_late_pass(struct sl_late *late, double rate_per_s, double burst);
