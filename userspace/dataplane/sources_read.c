// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/sources_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/dataplane/batch.h"

struct present {
	struct sl_source_entry *at;
	size_t count;
	size_t key_bytes;
	uint32_t live;
};

static void release_present(struct present *present)
{
	free(present->at);
}

static int take(const void *keys, const void *values, uint32_t count, void *context)
{
	struct present *present = context;
	const struct sl_source *value = values;
	struct sl_source_entry *more =
		reallocarray(present->at, present->count + count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	present->at = more;
	for (uint32_t i = 0; i < count; i++) {
		struct sl_source_entry *entry = &more[present->count];

		if (value[i].tenant[present->live] == SL_TENANT_NONE)
			continue;
		*entry = (struct sl_source_entry){ .tenant = value[i].tenant[present->live] };
		memcpy(&entry->key, (const char *)keys + i * present->key_bytes,
		       present->key_bytes);
		present->count++;
	}
	return 0;
}

int sl_sources_read(struct sl_source_entry **ret, size_t *ret_count, const struct sl_maps *maps,
		    int family, struct sl_dp_error *error)
{
	enum sl_map_id id = family == 4 ? SL_MAP_SOURCES4 : SL_MAP_SOURCES6;
	sl_cleanup(release_present) struct present present = {
		.key_bytes = sl_map_shape(id)->key_bytes,
		.live = sl_maps_view(maps)->ctl->epoch & 1,
	};
	int r = sl_batch_walk(sl_maps_fd(maps, id), id, take, &present);

	if (r)
		return sl_dp_fail(error, r, "cannot read %s: %s", sl_map_name(id), strerror(-r));
	*ret = SL_TAKE_PTR(present.at);
	*ret_count = present.count;
	return 0;
}
