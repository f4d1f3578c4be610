/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/reservations.h"

#include <errno.h>
#include <stdlib.h>

/* A place of the ring; a handle is its number since ever, plus 1. */
struct place {
	struct sl_reservation item;
	uint64_t handle; /* 0: taken out */
	uint64_t next;	 /* the next of the chain, younger; 0: none */
};

struct sl_reservations {
	size_t mask;
	size_t count;
	uint64_t first; /* handle of the oldest place in use; == end: none */
	uint64_t end;
	uint64_t *chains; /* [mask + 1]: handle of the oldest; 0: none */
	struct place places[];
};

int sl_reservations_new(struct sl_reservations **ret, size_t count)
{
	struct sl_reservations *made;
	size_t room = 2;

	while (room < count)
		room *= 2;
	made = calloc(1, sizeof(*made) + room * sizeof(made->places[0]));
	if (!made)
		return -ENOMEM;
	made->chains = calloc(room, sizeof(*made->chains));
	if (!made->chains) {
		free(made);
		return -ENOMEM;
	}
	made->mask = room - 1;
	made->first = made->end = 1;
	*ret = made;
	return 0;
}

void sl_reservations_free(struct sl_reservations *reservations)
{
	if (!reservations)
		return;
	free(reservations->chains);
	free(reservations);
}

size_t sl_reservations_count(const struct sl_reservations *reservations)
{
	return reservations->count;
}

static struct place *place_of(struct sl_reservations *r, uint64_t handle)
{
	return &r->places[handle & r->mask];
}

static uint64_t *chain_of(struct sl_reservations *r, uint64_t key)
{
	return &r->chains[key & r->mask];
}

static void take_out(struct sl_reservation *ret, struct sl_reservations *r, uint64_t handle)
{
	struct place *place = place_of(r, handle);
	uint64_t *link = chain_of(r, place->item.key);

	while (*link != handle)
		link = &place_of(r, *link)->next;
	*link = place->next;
	*ret = place->item;
	place->handle = 0;
	r->count--;
	while (r->first != r->end && !place_of(r, r->first)->handle)
		r->first++;
}

uint64_t sl_reservations_add(struct sl_reservations *reservations,
			     const struct sl_reservation *item, struct sl_reservation *ret_gone,
			     bool *ret_full)
{
	struct sl_reservations *r = reservations;
	uint64_t *link = chain_of(r, item->key);
	uint64_t handle = r->end;

	*ret_full = r->end - r->first > r->mask;
	if (*ret_full)
		take_out(ret_gone, r, r->first);
	while (*link)
		link = &place_of(r, *link)->next;
	*link = handle;
	*place_of(r, handle) = (struct place){ .item = *item, .handle = handle };
	r->end++;
	r->count++;
	return handle;
}

bool sl_reservations_take(struct sl_reservation *ret, struct sl_reservations *reservations,
			  uint64_t key)
{
	uint64_t handle = *chain_of(reservations, key);

	while (handle && place_of(reservations, handle)->item.key != key)
		handle = place_of(reservations, handle)->next;
	if (!handle)
		return false;
	take_out(ret, reservations, handle);
	return true;
}

bool sl_reservations_take_one(struct sl_reservation *ret, struct sl_reservations *reservations,
			      uint64_t handle)
{
	if (!handle || place_of(reservations, handle)->handle != handle)
		return false;
	take_out(ret, reservations, handle);
	return true;
}

bool sl_reservations_expire(struct sl_reservation *ret, struct sl_reservations *reservations,
			    uint64_t before_ns)
{
	struct sl_reservations *r = reservations;

	if (r->first == r->end || (int64_t)(place_of(r, r->first)->item.made_ns - before_ns) >= 0)
		return false;
	take_out(ret, r, r->first);
	return true;
}
