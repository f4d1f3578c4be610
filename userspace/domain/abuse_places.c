/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/abuse_places.h"

#include <stdbool.h>

#define COUNT_MAX (1u << 31)

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

struct sl_abuse_place *sl_abuse_place_at(const struct sl_abuse_table *table, size_t index)
{
	return (void *)((char *)table->places + index * table->stride);
}

/* The lowest bit of a key may say nothing. */
static size_t first_of(const struct sl_abuse_table *table, uint64_t key)
{
	return (key >> 1) % (table->count / SL_ABUSE_WAYS) * SL_ABUSE_WAYS;
}

struct sl_abuse_place *sl_abuse_place_find(const struct sl_abuse_table *table, uint64_t key)
{
	size_t first = first_of(table, key);

	for (size_t i = first; i < first + SL_ABUSE_WAYS; i++) {
		struct sl_abuse_place *place = sl_abuse_place_at(table, i);

		if (load(&place->key) == key)
			return place;
	}
	return NULL;
}

uint64_t sl_abuse_place_left_ns(const struct sl_abuse_place *place, uint64_t now_ns)
{
	int64_t left_ns = (int64_t)(load(&place->until_ns) - now_ns);

	return left_ns > 0 && load(&place->until_ns) ? (uint64_t)left_ns : 0;
}

/* clang-tidy does not see that the builtin writes. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
uint32_t sl_abuse_count(uint32_t *counter)
{
	uint32_t now = __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);

	if (now <= COUNT_MAX)
		return now;
	__atomic_store_n(counter, COUNT_MAX, __ATOMIC_RELAXED);
	return COUNT_MAX;
}

/* How much is lost with a place; UINT64_MAX: it may not be given away. */
static uint64_t worth(const struct sl_abuse_place *place, uint64_t window_ns, uint64_t now_ns)
{
	if (!load(&place->key))
		return 0;
	if (sl_abuse_place_left_ns(place, now_ns))
		return UINT64_MAX;
	if ((int64_t)(now_ns - load(&place->begin_ns)) >= (int64_t)window_ns)
		return 1;
	return 2 + (uint64_t)__atomic_load_n(&place->requests, __ATOMIC_RELAXED);
}

static void empty(const struct sl_abuse_table *table, struct sl_abuse_place *place)
{
	uint32_t *words = (void *)(place + 1);

	__atomic_store_n(&place->told, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&place->requests, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&place->marked, 0, __ATOMIC_RELAXED);
	for (size_t i = 0; i < (table->stride - sizeof(*place)) / sizeof(*words); i++)
		__atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
}

static struct sl_abuse_place *settle(const struct sl_abuse_table *table, uint64_t key,
				     uint64_t window_ns, uint64_t now_ns)
{
	size_t first = first_of(table, key);
	struct sl_abuse_place *least = NULL;
	uint64_t least_worth = UINT64_MAX, before;

	for (size_t i = first; i < first + SL_ABUSE_WAYS; i++) {
		struct sl_abuse_place *place = sl_abuse_place_at(table, i);
		uint64_t here = worth(place, window_ns, now_ns);

		if (here >= least_worth)
			continue;
		least = place;
		least_worth = here;
	}
	if (!least)
		return NULL;
	before = load(&least->key);
	if (!__atomic_compare_exchange_n(&least->key, &before, key, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return NULL;
	__atomic_store_n(&least->until_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&least->begin_ns, now_ns, __ATOMIC_RELAXED);
	empty(table, least);
	return least;
}

/* True for one of those who find the window over. */
static bool begins(struct sl_abuse_place *place, uint64_t window_ns, uint64_t now_ns)
{
	uint64_t begin_ns = load(&place->begin_ns);

	return (int64_t)(now_ns - begin_ns) >= (int64_t)window_ns &&
	       __atomic_compare_exchange_n(&place->begin_ns, &begin_ns, now_ns, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

struct sl_abuse_place *sl_abuse_place_get(const struct sl_abuse_table *table, uint64_t key,
					  uint64_t window_ns, uint64_t now_ns)
{
	struct sl_abuse_place *found = sl_abuse_place_find(table, key);

	if (!found)
		return settle(table, key, window_ns, now_ns);
	if (begins(found, window_ns, now_ns))
		empty(table, found);
	return found;
}
