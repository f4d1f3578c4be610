/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations whose outcome is not known yet: a bounded list in the order in which they
 * were made, found by key. All live equally long, so the oldest is the first to end.
 *
 * Owner:  sl_reservations_free().
 * Thread: one at a time; time is a parameter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice/requests.h"

struct sl_reservation {
	uint64_t key; /* a keyed hash of what names it; two may have the same */
	uint64_t reserved_ns;
	uint64_t made_ns; /* CLOCK_MONOTONIC */
	struct sl_request_limit limit;
	uint32_t gen; /* of the tenant's id */
	char tenant[SL_TENANT_NAME_BYTES];
};

struct sl_reservations;

/* Room for @count, made a power of two of 2 at least. -ENOMEM. */
int sl_reservations_new(struct sl_reservations **ret, size_t count);
void sl_reservations_free(struct sl_reservations *reservations);
size_t sl_reservations_count(const struct sl_reservations *reservations);

/* Its handle, never 0. When there is no room the oldest goes, into @ret_gone: true in *ret_full. */
uint64_t sl_reservations_add(struct sl_reservations *reservations,
			     const struct sl_reservation *item, struct sl_reservation *ret_gone,
			     bool *ret_full);

/* Takes out the oldest of that key, or the one of the handle. False: there is none. */
bool sl_reservations_take(struct sl_reservation *ret, struct sl_reservations *reservations,
			  uint64_t key);
bool sl_reservations_take_one(struct sl_reservation *ret, struct sl_reservations *reservations,
			      uint64_t handle);

/* Takes out the oldest when it was made before @before_ns. */
bool sl_reservations_expire(struct sl_reservation *ret, struct sl_reservations *reservations,
			    uint64_t before_ns);
