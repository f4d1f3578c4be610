// SPDX-License-Identifier: Apache-2.0
/* Source prefixes: domain/sources.h says what is to change, and when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/sync_private.h"

static enum sl_map_id map_of(int family)
{
	return family == 0 ? SL_MAP_SOURCES4 : SL_MAP_SOURCES6;
}

struct present {
	struct sl_source_entry *at;
	size_t count;
	size_t key_bytes;
	uint32_t live;
};

static int take_present(const void *keys, const void *values, uint32_t count, void *context)
{
	struct present *present = context;
	struct sl_source_entry *more =
		reallocarray(present->at, present->count + count, sizeof(*more));
	const struct sl_source *value = values;

	if (!more)
		return -ENOMEM;
	present->at = more;
	for (uint32_t i = 0; i < count; i++) {
		struct sl_source_entry *entry = &more[present->count++];

		*entry = (struct sl_source_entry){ .tenant = value[i].tenant[present->live] };
		memcpy(&entry->key, (const char *)keys + i * present->key_bytes,
		       present->key_bytes);
	}
	return 0;
}

static void release_present(struct present *present)
{
	free(present->at);
}

static int find_changes(struct sl_sync_job *job, int family)
{
	enum sl_map_id id = map_of(family);
	sl_cleanup(release_present) struct present present = {
		.key_bytes = sl_map_shape(id)->key_bytes,
		.live = job->live,
	};
	const struct sl_plan *plan = job->plan;
	int r = sl_batch_walk(job->maps->fds[id], id, take_present, &present);

	if (r)
		return r;
	return sl_sources_diff(&job->sources[family], present.at, present.count,
			       family == 0 ? plan->sources4 : plan->sources6,
			       family == 0 ? plan->sources4_count : plan->sources6_count);
}

/* A run of entries on its way into the map. */
struct run {
	unsigned char *keys;
	struct sl_source *values;
	uint32_t count;
};

static void release_run(struct run *run)
{
	free(run->keys);
	free(run->values);
}

static int reserve_run(struct run *run, size_t count, size_t key_bytes)
{
	run->keys = calloc(count ? count : 1, key_bytes);
	run->values = calloc(count ? count : 1, sizeof(*run->values));
	return run->keys && run->values ? 0 : -ENOMEM;
}

static void append(struct run *run, const union sl_prefix_key *key, size_t key_bytes,
		   struct sl_source value)
{
	memcpy(run->keys + run->count * key_bytes, key, key_bytes);
	run->values[run->count++] = value;
}

static int write_changes(struct sl_sync_job *job, int family)
{
	const struct sl_source_changes *changes = &job->sources[family];
	enum sl_map_id id = map_of(family);
	size_t key_bytes = sl_map_shape(id)->key_bytes;
	sl_cleanup(release_run) struct run run = { 0 };
	int r = reserve_run(&run, changes->count, key_bytes);

	for (size_t i = 0; !r && i < changes->count; i++) {
		const struct sl_source_change *change = &changes->at[i];
		struct sl_source value;

		if (!change->write && job->maps->sources_agree)
			continue;
		value.tenant[job->live] = change->before;
		value.tenant[!job->live] = change->after;
		append(&run, &change->key, key_bytes, value);
	}
	job->result.prefixes += run.count;
	return r ? r : sl_batch_update(job->maps->fds[id], id, run.keys, run.values, run.count);
}

static int finish_changes(struct sl_sync_job *job, int family, bool agreed)
{
	const struct sl_source_changes *changes = &job->sources[family];
	enum sl_map_id id = map_of(family);
	size_t key_bytes = sl_map_shape(id)->key_bytes;
	sl_cleanup(release_run) struct run keep = { 0 }, gone = { 0 };
	int r = reserve_run(&keep, changes->count, key_bytes);

	if (!r)
		r = reserve_run(&gone, changes->count, key_bytes);
	for (size_t i = 0; !r && i < changes->count; i++) {
		const struct sl_source_change *change = &changes->at[i];
		const struct sl_source both = { { change->after, change->after } };

		if (change->remove)
			append(&gone, &change->key, key_bytes, both);
		else if (change->write || !agreed)
			append(&keep, &change->key, key_bytes, both);
	}
	if (!r)
		r = sl_batch_update(job->maps->fds[id], id, keep.keys, keep.values, keep.count);
	job->result.prefixes += gone.count;
	return r ? r : sl_batch_delete(job->maps->fds[id], id, gone.keys, gone.count);
}

static int fail(struct sl_dp_error *error, int r, int family)
{
	if (r == -ENOSPC || r == -E2BIG)
		return sl_dp_fail(
			error, -ENOSPC,
			"%s is full: raise sizes.prefixes (and start once with --migrate)",
			sl_map_name(map_of(family)));
	return sl_dp_fail(error, r, "cannot write %s: %s", sl_map_name(map_of(family)),
			  strerror(-r));
}

int sl_sync_sources_write(struct sl_sync_job *job, struct sl_dp_error *error)
{
	for (int family = 0; family < 2; family++) {
		int r = find_changes(job, family);

		if (!r)
			r = write_changes(job, family);
		if (r) {
			job->maps->sources_agree = false;
			return fail(error, r, family);
		}
	}
	return 0;
}

int sl_sync_sources_finish(struct sl_sync_job *job, struct sl_dp_error *error)
{
	bool agreed = job->maps->sources_agree;

	job->maps->sources_agree = false;
	for (int family = 0; family < 2; family++) {
		int r = finish_changes(job, family, agreed);

		if (r)
			return fail(error, r, family);
	}
	job->maps->sources_agree = true;
	return 0;
}
