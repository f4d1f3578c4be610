// SPDX-License-Identifier: Apache-2.0
/*
 * Entries lie in one array, slot 0 being nobody: chains, the order of use and the
 * free ones are links of slot numbers. The array is touched only as it fills, so
 * that a large bound costs no memory before it is needed.
 */
#include "userspace/base/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/siphash.h"

#define ENTRIES_LIMIT (1u << 26)
#define KEY_BYTES     1024 /* longer keys are hashed part by part */

struct entry {
	uint64_t hash[2];
	uint64_t put_ns;
	uint32_t chain; /* next of the bucket, or next free */
	uint32_t newer, older;
};

struct sl_table {
	struct sl_table_options options;
	struct sl_table_stats stats;
	char *slots; /* [entries_max + 1] */
	size_t slot_size;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t newest, oldest;
	uint32_t free;	  /* given back */
	uint32_t touched; /* slots ever used */
};

static struct entry *entry_at(const struct sl_table *table, uint32_t slot)
{
	return (struct entry *)(void *)(table->slots + slot * table->slot_size);
}

static void *value_of(struct entry *entry)
{
	return entry + 1;
}

int sl_table_new(struct sl_table **ret, const struct sl_table_options *options)
{
	sl_cleanup(sl_table_freep) struct sl_table *table = calloc(1, sizeof(*table));
	uint32_t buckets = 16;

	if (!table)
		return -ENOMEM;
	if (options->entries_max == 0 || options->entries_max > ENTRIES_LIMIT)
		return -EINVAL;
	while (buckets < options->entries_max)
		buckets *= 2;
	table->options = *options;
	table->slot_size = sizeof(struct entry) + ((options->value_size + 15) & ~(size_t)15);
	table->slots = calloc((size_t)options->entries_max + 1, table->slot_size);
	table->buckets = calloc(buckets, sizeof(*table->buckets));
	table->bucket_mask = buckets - 1;
	if (!table->slots || !table->buckets)
		return -ENOMEM;
	*ret = SL_TAKE_PTR(table);
	return 0;
}

void sl_table_free(struct sl_table *table)
{
	if (!table)
		return;
	if (table->slots && table->buckets)
		sl_table_clear(table);
	free(table->slots);
	free(table->buckets);
	free(table);
}

void sl_table_freep(struct sl_table **table)
{
	sl_table_free(*table);
}

/* ---- keys ------------------------------------------------------------------------- */

struct sl_table_key sl_table_key(const struct sl_table *table, const struct sl_span *parts,
				 size_t count)
{
	struct sl_table_key key = { { table->options.secret[0], table->options.secret[1] } };
	char bytes[KEY_BYTES];
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		const size_t length = parts[i].length;

		if (at + sizeof(length) + length > sizeof(bytes)) {
			/* What was gathered becomes the key of what follows. */
			sl_siphash(key.hash, key.hash, bytes, at);
			at = 0;
		}
		memcpy(bytes + at, &length, sizeof(length));
		at += sizeof(length);
		if (at + length > sizeof(bytes)) {
			sl_siphash(key.hash, key.hash, bytes, at);
			sl_siphash(key.hash, key.hash, parts[i].at, length);
			at = 0;
		} else if (length) {
			memcpy(bytes + at, parts[i].at, length);
			at += length;
		}
	}
	sl_siphash(key.hash, key.hash, bytes, at);
	return key;
}

/* ---- links ------------------------------------------------------------------------ */

static uint32_t *bucket_of(const struct sl_table *table, struct sl_table_key key)
{
	return &table->buckets[key.hash[0] & table->bucket_mask];
}

static void unlink_use(struct sl_table *table, struct entry *entry)
{
	if (entry->newer)
		entry_at(table, entry->newer)->older = entry->older;
	else
		table->newest = entry->older;
	if (entry->older)
		entry_at(table, entry->older)->newer = entry->newer;
	else
		table->oldest = entry->newer;
}

static void link_newest(struct sl_table *table, uint32_t slot)
{
	struct entry *entry = entry_at(table, slot);

	entry->newer = 0;
	entry->older = table->newest;
	if (table->newest)
		entry_at(table, table->newest)->newer = slot;
	else
		table->oldest = slot;
	table->newest = slot;
}

static void remove_slot(struct sl_table *table, uint32_t slot)
{
	struct entry *entry = entry_at(table, slot);
	uint32_t *link = bucket_of(table, (struct sl_table_key){ { entry->hash[0], 0 } });

	while (*link != slot)
		link = &entry_at(table, *link)->chain;
	*link = entry->chain;
	unlink_use(table, entry);
	if (table->options.drop)
		table->options.drop(value_of(entry));
	entry->chain = table->free;
	table->free = slot;
	table->stats.entries--;
}

static bool is_old(const struct sl_table *table, const struct entry *entry, uint64_t now_ns)
{
	return table->options.ttl_ns && now_ns > entry->put_ns &&
	       now_ns - entry->put_ns >= table->options.ttl_ns;
}

static uint32_t find(struct sl_table *table, struct sl_table_key key, uint64_t now_ns)
{
	uint32_t slot = *bucket_of(table, key);

	while (slot) {
		const struct entry *entry = entry_at(table, slot);

		if (entry->hash[0] == key.hash[0] && entry->hash[1] == key.hash[1])
			break;
		slot = entry->chain;
	}
	if (slot && is_old(table, entry_at(table, slot), now_ns)) {
		remove_slot(table, slot);
		table->stats.expirations++;
		return 0;
	}
	return slot;
}

/* ---- use --------------------------------------------------------------------------- */

void *sl_table_peek(struct sl_table *table, struct sl_table_key key, uint64_t now_ns)
{
	const uint32_t slot = find(table, key, now_ns);

	return slot ? value_of(entry_at(table, slot)) : NULL;
}

void *sl_table_get(struct sl_table *table, struct sl_table_key key, uint64_t now_ns)
{
	const uint32_t slot = find(table, key, now_ns);

	if (!slot)
		return NULL;
	if (slot != table->newest) {
		unlink_use(table, entry_at(table, slot));
		link_newest(table, slot);
	}
	return value_of(entry_at(table, slot));
}

static uint32_t take_slot(struct sl_table *table, uint64_t now_ns)
{
	uint32_t slot;

	if (!table->free && table->touched == table->options.entries_max) {
		const bool old = is_old(table, entry_at(table, table->oldest), now_ns);

		table->stats.expirations += old;
		table->stats.evictions += !old;
		remove_slot(table, table->oldest);
	}
	if (!table->free)
		return ++table->touched;
	slot = table->free;
	table->free = entry_at(table, slot)->chain;
	return slot;
}

void *sl_table_put(struct sl_table *table, struct sl_table_key key, uint64_t now_ns)
{
	void *value = sl_table_get(table, key, now_ns);
	uint32_t *bucket = bucket_of(table, key);
	struct entry *entry;
	uint32_t slot;

	if (value) {
		entry_at(table, table->newest)->put_ns = now_ns;
		return value;
	}
	slot = take_slot(table, now_ns);
	entry = entry_at(table, slot);
	*entry = (struct entry){
		.hash = { key.hash[0], key.hash[1] },
		.put_ns = now_ns,
		.chain = *bucket,
	};
	*bucket = slot;
	link_newest(table, slot);
	table->stats.entries++;
	memset(value_of(entry), 0, table->options.value_size);
	return value_of(entry);
}

void sl_table_remove(struct sl_table *table, struct sl_table_key key)
{
	const uint32_t slot = find(table, key, 0);

	if (slot)
		remove_slot(table, slot);
}

bool sl_table_remove_oldest(struct sl_table *table)
{
	if (!table->oldest)
		return false;
	remove_slot(table, table->oldest);
	return true;
}

void sl_table_clear(struct sl_table *table)
{
	while (sl_table_remove_oldest(table))
		;
}

void *sl_table_next(struct sl_table *table, uint32_t *state, uint64_t now_ns)
{
	uint32_t slot = *state ? entry_at(table, *state)->older : table->newest;

	while (slot && is_old(table, entry_at(table, slot), now_ns))
		slot = entry_at(table, slot)->older;
	if (!slot)
		return NULL;
	*state = slot;
	return value_of(entry_at(table, slot));
}

struct sl_table_stats sl_table_stats(const struct sl_table *table)
{
	return table->stats;
}
