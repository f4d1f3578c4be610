// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks without a plan. The trie answers with the longest prefix, so a narrow block
 * must last at least as long as the wide one it stands in: a new entry takes over the
 * deadline of what covers it, and gives its own to what it covers.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/maps_private.h"
#include "userspace/dataplane/sync.h"
#include "userspace/domain/prefix.h"

struct table {
	const struct sl_maps *maps;
	enum sl_map_id id;
	uint8_t family;
	struct sl_block_listed *at;
	size_t count;
};

static struct table table_of(const struct sl_maps *maps, uint8_t family)
{
	return (struct table){
		.maps = maps,
		.id = family == 4 ? SL_MAP_BLOCKS4 : SL_MAP_BLOCKS6,
		.family = family,
	};
}

static void release_table(struct table *table)
{
	free(table->at);
}

static int take(const void *keys, const void *values, uint32_t count, void *context)
{
	struct table *table = context;
	size_t key_bytes = sl_map_shape(table->id)->key_bytes;
	const struct sl_block *value = values;
	struct sl_block_listed *more = reallocarray(table->at, table->count + count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	table->at = more;
	for (uint32_t i = 0; i < count; i++) {
		union sl_prefix_key key = { 0 };
		struct sl_block_listed *entry = &more[table->count++];

		memcpy(&key, (const char *)keys + i * key_bytes, key_bytes);
		*entry = (struct sl_block_listed){ .until_ns = value[i].until_ns };
		entry->prefix.address.family = table->family;
		entry->prefix.bits = (uint8_t)key.v6.prefix_bits;
		memcpy(entry->prefix.address.bytes, key.v6.address,
		       key_bytes - sizeof(key.v6.prefix_bits));
	}
	return 0;
}

static int read_table(struct table *table)
{
	return sl_batch_walk(table->maps->fds[table->id], table->id, take, table);
}

static __u32 *counter_of(const struct table *table)
{
	struct sl_ctl *ctl = table->maps->view.ctl;

	return table->family == 4 ? &ctl->block_count4 : &ctl->block_count6;
}

static void set_count(const struct table *table, size_t count)
{
	__atomic_store_n(counter_of(table), (__u32)count, __ATOMIC_RELEASE);
}

/* The later of two deadlines; 0 is never. */
static uint64_t later(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return 0;
	return a > b ? a : b;
}

static int put(const struct table *table, const union sl_prefix_key *key, uint64_t until_ns)
{
	const struct sl_block value = { .until_ns = until_ns };

	return bpf_map_update_elem(table->maps->fds[table->id], key, &value, BPF_ANY) ? -errno : 0;
}

/* Deadlines along the nesting, @key's first; *@ret_new: it was not in the table. */
static int put_nested(const struct table *table, const union sl_prefix_key *key, uint64_t until_ns,
		      bool *ret_new)
{
	bool is_new = true;
	int r;

	for (size_t i = 0; i < table->count; i++) {
		union sl_prefix_key other = sl_prefix_key_of(&table->at[i].prefix);

		if (!sl_prefix_compare(&other, key))
			is_new = false;
		else if (sl_prefix_covers(&other, key))
			until_ns = later(until_ns, table->at[i].until_ns);
	}
	r = put(table, key, until_ns);
	for (size_t i = 0; !r && i < table->count; i++) {
		union sl_prefix_key other = sl_prefix_key_of(&table->at[i].prefix);
		uint64_t needs = later(until_ns, table->at[i].until_ns);

		if (sl_prefix_compare(&other, key) && sl_prefix_covers(key, &other) &&
		    needs != table->at[i].until_ns)
			r = put(table, &other, needs);
	}
	*ret_new = is_new;
	return r;
}

int sl_sync_block_add(struct sl_maps *maps, const struct sl_prefix_spec *prefix, uint64_t until_ns,
		      struct sl_dp_error *error)
{
	sl_cleanup(release_table) struct table table = table_of(maps, prefix->address.family);
	union sl_prefix_key key = sl_prefix_key_of(prefix);
	bool is_new = false;
	int r = read_table(&table);

	if (!r)
		r = put_nested(&table, &key, until_ns, &is_new);
	if (r == -ENOSPC || r == -E2BIG)
		return sl_dp_fail(
			error, -ENOSPC,
			"the map %s is full (%zu blocks): remove some, or raise sizes.blocks",
			sl_map_name(table.id), table.count);
	if (r)
		return sl_dp_fail(error, r, "cannot write the map %s: %s", sl_map_name(table.id),
				  strerror(-r));
	set_count(&table, table.count + is_new);
	return 0;
}

int sl_sync_block_del(struct sl_maps *maps, const struct sl_prefix_spec *prefix,
		      struct sl_dp_error *error)
{
	sl_cleanup(release_table) struct table table = table_of(maps, prefix->address.family);
	union sl_prefix_key key = sl_prefix_key_of(prefix);
	int r;

	if (bpf_map_delete_elem(maps->fds[table.id], &key))
		return sl_dp_fail(error, -errno, "%s",
				  errno == ENOENT ? "this prefix is not blocked" : strerror(errno));
	r = read_table(&table);
	if (r)
		return sl_dp_fail(error, r, "cannot read the map %s: %s", sl_map_name(table.id),
				  strerror(-r));
	set_count(&table, table.count);
	return 0;
}

int sl_sync_block_list(struct sl_block_listed **ret, size_t *ret_count, const struct sl_maps *maps,
		       struct sl_dp_error *error)
{
	sl_cleanup(release_table) struct table table = table_of(maps, 4);
	int r = read_table(&table);

	if (!r) {
		/* The second family behind the first, in one array. */
		table.family = 6;
		table.id = SL_MAP_BLOCKS6;
		r = read_table(&table);
	}
	if (r)
		return sl_dp_fail(error, r, "cannot read the blocks: %s", strerror(-r));
	*ret_count = table.count;
	*ret = SL_TAKE_PTR(table.at);
	return 0;
}

size_t sl_sync_block_expire(struct sl_maps *maps, uint64_t now_ns)
{
	size_t removed = 0;

	for (uint8_t family = 4; family <= 6; family += 2) {
		sl_cleanup(release_table) struct table table = table_of(maps, family);
		size_t kept = 0;

		if (read_table(&table))
			continue;
		for (size_t i = 0; i < table.count; i++) {
			union sl_prefix_key key = sl_prefix_key_of(&table.at[i].prefix);

			if (table.at[i].until_ns && table.at[i].until_ns <= now_ns &&
			    !bpf_map_delete_elem(maps->fds[table.id], &key))
				removed++;
			else
				kept++;
		}
		set_count(&table, kept);
	}
	return removed;
}
