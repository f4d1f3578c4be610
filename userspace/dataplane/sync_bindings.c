// SPDX-License-Identifier: Apache-2.0
/*
 * Sets without halves: an entry works from when it is written until it is removed.
 * New ones come before the flip, those that the plan does not have go after it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/cgroup.h"
#include "userspace/dataplane/sync_private.h"

/* The new set of a map, its keys sorted. */
struct wanted {
	enum sl_map_id id;
	unsigned char *keys;
	unsigned char *values;
	uint32_t count;
};

static void release_wanted(struct wanted *wanted)
{
	free(wanted->keys);
	free(wanted->values);
}

static int reserve(struct wanted *wanted, size_t count)
{
	wanted->keys = calloc(count ? count : 1, sl_map_shape(wanted->id)->key_bytes);
	wanted->values = calloc(count ? count : 1, sl_map_shape(wanted->id)->value_bytes);
	return wanted->keys && wanted->values ? 0 : -ENOMEM;
}

static void append(struct wanted *wanted, const void *key, const void *value)
{
	size_t key_bytes = sl_map_shape(wanted->id)->key_bytes;
	size_t value_bytes = sl_map_shape(wanted->id)->value_bytes;

	memcpy(wanted->keys + wanted->count * key_bytes, key, key_bytes);
	memcpy(wanted->values + wanted->count * value_bytes, value, value_bytes);
	wanted->count++;
}

static int compare_keys(const void *a, const void *b, void *key_bytes)
{
	return memcmp(a, b, *(const size_t *)key_bytes);
}

struct search {
	const struct sl_map_shape *shape;
	const unsigned char *sorted; /* the new set's keys */
	uint32_t sorted_count;
	struct sl_sync_stale stale;
};

static bool is_wanted(const struct search *search, const unsigned char *key)
{
	size_t low = 0, high = search->sorted_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(key, search->sorted + middle * search->shape->key_bytes,
				   search->shape->key_bytes);

		if (!order)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static int find_stale(const void *keys, const void *values, uint32_t count, void *context)
{
	struct search *search = context;
	struct sl_sync_stale *stale = &search->stale;
	size_t key_bytes = search->shape->key_bytes;
	const unsigned char *key = keys;
	unsigned char *more = reallocarray(stale->keys, stale->count + count, key_bytes);

	(void)values;
	if (!more)
		return -ENOMEM;
	stale->keys = more;
	for (uint32_t i = 0; i < count; i++, key += key_bytes) {
		if (!is_wanted(search, key))
			memcpy(more + stale->count++ * key_bytes, key, key_bytes);
	}
	return 0;
}

/* Writes the set; @ret_stale gets what of the map is not in it. */
static int write_set(struct sl_sync_stale *ret_stale, const struct sl_maps *maps,
		     struct wanted *wanted)
{
	const struct sl_map_shape *shape = sl_map_shape(wanted->id);
	size_t key_bytes = shape->key_bytes;
	struct search search = { .shape = shape };
	int fd = maps->fds[wanted->id];
	sl_autofree unsigned char *sorted = calloc(wanted->count + 1u, key_bytes);
	int r;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, wanted->keys, wanted->count * key_bytes);
	qsort_r(sorted, wanted->count, key_bytes, compare_keys, &key_bytes);
	search.sorted = sorted;
	search.sorted_count = wanted->count;
	r = sl_batch_walk(fd, wanted->id, find_stale, &search);
	if (!r)
		r = sl_batch_update(fd, wanted->id, wanted->keys, wanted->values, wanted->count);
	if (r) {
		free(search.stale.keys);
		return r;
	}
	*ret_stale = search.stale;
	return 0;
}

static int fail(struct sl_dp_error *error, int r, enum sl_map_id id)
{
	if (r == -ENOSPC || r == -E2BIG)
		return sl_dp_fail(error, -ENOSPC, "the map %s is full", sl_map_name(id));
	return sl_dp_fail(error, r, "cannot write the map %s: %s", sl_map_name(id), strerror(-r));
}

static int write_blocks(struct sl_sync_job *job, int family, struct sl_dp_error *error)
{
	sl_cleanup(release_wanted) struct wanted wanted = {
		.id = family == 0 ? SL_MAP_BLOCKS4 : SL_MAP_BLOCKS6,
	};
	const struct sl_block_entry *blocks = family == 0 ? job->plan->blocks4 : job->plan->blocks6;
	size_t count = family == 0 ? job->plan->blocks4_count : job->plan->blocks6_count;
	struct sl_ctl *ctl = job->maps->view.ctl;
	__u32 *present = family == 0 ? &ctl->block_count4 : &ctl->block_count6;
	int r = reserve(&wanted, count);

	for (size_t i = 0; !r && i < count; i++) {
		const struct sl_block value = { .until_ns = blocks[i].until_ns };

		append(&wanted, &blocks[i].key, &value);
	}
	if (!r)
		r = write_set(&job->blocks[family], job->maps, &wanted);
	if (r)
		return fail(error, r, wanted.id);
	job->result.prefixes += wanted.count;
	__atomic_store_n(present, wanted.count + job->blocks[family].count, __ATOMIC_RELEASE);
	return 0;
}

static void note_missing(struct sl_sync_result *result, const char *path)
{
	if (!result->cgroups_missing++)
		(void)snprintf(result->missing, sizeof(result->missing), "%.127s", path);
}

static int write_cgroups(struct sl_sync_job *job, const char *cgroup_dir, struct sl_dp_error *error)
{
	sl_cleanup(release_wanted) struct wanted wanted = { .id = SL_MAP_CGROUPS };
	const struct sl_plan *plan = job->plan;
	char mount[SL_CONFIG_PATH_BYTES];
	int r = 0;

	if (plan->cgroup_count)
		r = sl_cgroup_mount(mount, sizeof(mount), cgroup_dir, error);
	if (r)
		return r;
	r = reserve(&wanted, plan->cgroup_count);
	for (size_t i = 0; !r && i < plan->cgroup_count; i++) {
		uint64_t id;

		/* It may come later, with its container: not a reason to refuse the rest. */
		if (sl_cgroup_id(&id, mount, plan->cgroups[i].path))
			note_missing(&job->result, plan->cgroups[i].path);
		else
			append(&wanted, &id, &plan->cgroups[i].tenant);
	}
	if (!r)
		r = write_set(&job->cgroups, job->maps, &wanted);
	return r ? fail(error, r, wanted.id) : 0;
}

static int write_marks(struct sl_sync_job *job, struct sl_dp_error *error)
{
	sl_cleanup(release_wanted) struct wanted wanted = { .id = SL_MAP_MARKS };
	const struct sl_plan *plan = job->plan;
	int r = reserve(&wanted, plan->mark_count);

	for (size_t i = 0; !r && i < plan->mark_count; i++)
		append(&wanted, &plan->marks[i].mark, &plan->marks[i].tenant);
	if (!r)
		r = write_set(&job->marks, job->maps, &wanted);
	return r ? fail(error, r, wanted.id) : 0;
}

int sl_sync_bindings_write(struct sl_sync_job *job, const char *cgroup_dir,
			   struct sl_dp_error *error)
{
	int r = write_blocks(job, 0, error);

	if (!r)
		r = write_blocks(job, 1, error);
	if (!r)
		r = write_cgroups(job, cgroup_dir, error);
	return r ? r : write_marks(job, error);
}

static int drop(const struct sl_sync_job *job, enum sl_map_id id, const struct sl_sync_stale *stale,
		struct sl_dp_error *error)
{
	int r = sl_batch_delete(job->maps->fds[id], id, stale->keys, stale->count);

	return r ? fail(error, r, id) : 0;
}

int sl_sync_bindings_finish(struct sl_sync_job *job, struct sl_dp_error *error)
{
	struct sl_ctl *ctl = job->maps->view.ctl;
	int r = drop(job, SL_MAP_BLOCKS4, &job->blocks[0], error);

	if (!r)
		r = drop(job, SL_MAP_BLOCKS6, &job->blocks[1], error);
	if (r)
		return r;
	job->result.prefixes += job->blocks[0].count + job->blocks[1].count;
	__atomic_store_n(&ctl->block_count4, (__u32)job->plan->blocks4_count, __ATOMIC_RELEASE);
	__atomic_store_n(&ctl->block_count6, (__u32)job->plan->blocks6_count, __ATOMIC_RELEASE);
	r = drop(job, SL_MAP_CGROUPS, &job->cgroups, error);
	return r ? r : drop(job, SL_MAP_MARKS, &job->marks, error);
}
