// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/batch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/maps_private.h"

#define BATCH_BYTES   (1u << 20)
#define BATCH_MIN     16u
#define BATCH_MAX     4096u
#define BATCH_LIMIT   (1u << 17) /* of a hash bucket that does not fit a batch */
#define ERR_NOT_KNOWN 524	 /* ENOTSUPP of the kernel, which libc does not name */

struct walk {
	int fd;
	size_t key_bytes;
	size_t value_bytes;
	uint32_t room;
	void *keys;
	void *values;
};

static void release_walk(struct walk *walk)
{
	free(walk->keys);
	free(walk->values);
}

static int reserve(struct walk *walk, uint32_t room)
{
	free(walk->keys);
	free(walk->values);
	walk->keys = calloc(room, walk->key_bytes);
	walk->values = calloc(room, walk->value_bytes);
	walk->room = room;
	return walk->keys && walk->values ? 0 : -ENOMEM;
}

static uint32_t batch_room(size_t entry_bytes)
{
	size_t room = BATCH_BYTES / entry_bytes;

	return (uint32_t)(room < BATCH_MIN ? BATCH_MIN : room > BATCH_MAX ? BATCH_MAX : room);
}

static int walk_on(struct walk *walk, sl_batch_fn *function, void *context)
{
	unsigned char place[2][64]; /* a key, or the number of a hash bucket */
	bool first = true;
	int now = 0;

	for (;;) {
		uint32_t count = walk->room;
		int r = bpf_map_lookup_batch(walk->fd, first ? NULL : place[now], place[!now],
					     walk->keys, walk->values, &count, NULL);
		int error = r ? errno : 0;

		if (error == ENOSPC && walk->room < BATCH_LIMIT) {
			r = reserve(walk, walk->room * 2);
			if (r)
				return r;
			continue;
		}
		if (error && error != ENOENT)
			return -error;
		r = count ? function(walk->keys, walk->values, count, context) : 0;
		if (r || error)
			return r;
		first = false;
		now = !now;
	}
}

int sl_batch_walk(int fd, enum sl_map_id id, sl_batch_fn *function, void *context)
{
	sl_cleanup(release_walk) struct walk walk = {
		.fd = fd,
		.key_bytes = sl_map_shape(id)->key_bytes,
		.value_bytes = sl_maps_value_bytes(id),
	};
	int r;

	if (!walk.value_bytes)
		return -ENOSYS;
	r = reserve(&walk, batch_room(walk.key_bytes + walk.value_bytes));
	return r ? r : walk_on(&walk, function, context);
}

static int update_singly(int fd, enum sl_map_id id, const void *keys, const void *values,
			 uint32_t count)
{
	const char *key = keys;
	const char *value = values;

	for (uint32_t i = 0; i < count; i++) {
		if (bpf_map_update_elem(fd, key, value, BPF_ANY))
			return -errno;
		key += sl_map_shape(id)->key_bytes;
		value += sl_maps_value_bytes(id);
	}
	return 0;
}

int sl_batch_update(int fd, enum sl_map_id id, const void *keys, const void *values, uint32_t count)
{
	uint32_t done = count;

	if (!count || !bpf_map_update_batch(fd, keys, values, &done, NULL))
		return 0;
	if (errno == ERR_NOT_KNOWN || errno == EOPNOTSUPP)
		return update_singly(fd, id, keys, values, count);
	return -errno;
}

int sl_batch_delete(int fd, enum sl_map_id id, const void *keys, uint32_t count)
{
	const char *key = keys;

	/* One by one: a batch ends at the first key that is not there. */
	for (uint32_t i = 0; i < count; i++) {
		if (bpf_map_delete_elem(fd, key) && errno != ENOENT)
			return -errno;
		key += sl_map_shape(id)->key_bytes;
	}
	return 0;
}
