/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded hash table that forgets: values of one size, found by a keyed hash of
 * any bytes, the least recently used given up when there is no room, each gone after
 * its time to live. Nothing is allocated after sl_table_new().
 *
 * Keys are not kept, only 128 bits of their SipHash: who does not know the secret
 * cannot make two keys meet, and by chance they do not.
 *
 * Owner:  values belong to the table; a pointer is valid until the next put. What a
 *         value points to is released by @drop.
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

struct sl_table;

struct sl_table_options {
	uint32_t entries_max; /* at least 1 */
	size_t value_size;
	uint64_t ttl_ns;	   /* from the put; 0: no end */
	uint64_t secret[2];	   /* random */
	void (*drop)(void *value); /* before a value goes; may be NULL */
};

struct sl_table_stats {
	uint32_t entries;     /* with those that expired and were not looked at since */
	uint64_t evictions;   /* gave way to a newer one before their time */
	uint64_t expirations; /* were found too old */
};

/* -EINVAL: no entries, or more than fit; -ENOMEM. */
int sl_table_new(struct sl_table **ret, const struct sl_table_options *options);
void sl_table_free(struct sl_table *table); /* NULL is fine */
void sl_table_freep(struct sl_table **table);

/* A key of several parts; { "ab", "c" } and { "a", "bc" } are two keys. */
struct sl_table_key {
	uint64_t hash[2];
};
struct sl_table_key sl_table_key(const struct sl_table *table, const struct sl_span *parts,
				 size_t count);

/* NULL: not there, or too old. Counts as a use. */
void *sl_table_get(struct sl_table *table, struct sl_table_key key, uint64_t now_ns);

/* The same without counting as a use. */
void *sl_table_peek(struct sl_table *table, struct sl_table_key key, uint64_t now_ns);

/* The value of the key: that there is, its time to live begun anew, or a new one, all zero. */
void *sl_table_put(struct sl_table *table, struct sl_table_key key, uint64_t now_ns);

void sl_table_remove(struct sl_table *table, struct sl_table_key key);
/* The least recently used; false: there is none. */
bool sl_table_remove_oldest(struct sl_table *table);
void sl_table_clear(struct sl_table *table);

/* From the most recently used; NULL at the end. *state begins as 0; nothing is put meanwhile. */
void *sl_table_next(struct sl_table *table, uint32_t *state, uint64_t now_ns);

struct sl_table_stats sl_table_stats(const struct sl_table *table);
