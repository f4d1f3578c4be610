// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/counters_read.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/maps_private.h"
#include "userspace/domain/counters.h"

_Static_assert(sizeof(struct sl_counters) % 8 == 0, "the kernel pads each CPU's value to 8 bytes");
_Static_assert(sizeof(struct sl_node) % 8 == 0, "the kernel pads each CPU's value to 8 bytes");

static int fail(struct sl_dp_error *error, int r, enum sl_map_id id)
{
	return sl_dp_fail(error, r, "cannot read the map %s: %s", sl_map_name(id), strerror(-r));
}

static size_t cpus_of(enum sl_map_id id)
{
	return sl_maps_value_bytes(id) / sl_map_shape(id)->value_bytes;
}

/* One entry's values of all CPUs. The caller frees. */
static int look_up(void **ret, const struct sl_maps *maps, enum sl_map_id id, uint32_t index)
{
	sl_autofree void *values = calloc(1, sl_maps_value_bytes(id) + 1);

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(maps->fds[id], &index, values))
		return -errno;
	*ret = SL_TAKE_PTR(values);
	return 0;
}

static void sum(struct sl_counters *ret, const struct sl_counters *values)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t cpu = 0; cpu < cpus_of(SL_MAP_COUNTERS); cpu++)
		sl_counters_add(ret, &values[cpu]);
}

static int read_one(struct sl_counters *ret, const struct sl_maps *maps, enum sl_map_id id,
		    uint32_t tenant, struct sl_dp_error *error)
{
	sl_autofree void *values = NULL;
	int r;

	if (!ret)
		return 0;
	r = look_up(&values, maps, id, tenant);
	if (r)
		return fail(error, r, id);
	sum(ret, values);
	return 0;
}

int sl_counters_read_one(struct sl_counters *ret, struct sl_counters *ret_shadow,
			 const struct sl_maps *maps, uint32_t tenant, struct sl_dp_error *error)
{
	int r;

	if (tenant >= maps->view.tenants)
		return sl_dp_fail(error, -ERANGE, "there is no tenant with the id %u", tenant);
	r = read_one(ret, maps, SL_MAP_COUNTERS, tenant, error);
	return r ? r : read_one(ret_shadow, maps, SL_MAP_SHADOW, tenant, error);
}

struct reading {
	struct sl_counters *ret;
	uint32_t count;
};

static int take(const void *keys, const void *values, uint32_t count, void *context)
{
	const struct reading *reading = context;
	const uint32_t *ids = keys;
	const struct sl_counters *value = values;
	size_t cpus = cpus_of(SL_MAP_COUNTERS);

	for (uint32_t i = 0; i < count; i++) {
		if (ids[i] < reading->count)
			sum(&reading->ret[ids[i]], value + i * cpus);
	}
	/* Ids come in order. */
	return ids[count - 1] + 1 >= reading->count;
}

static int read_all(struct sl_counters *ret, uint32_t count, const struct sl_maps *maps,
		    enum sl_map_id id, struct sl_dp_error *error)
{
	struct reading reading = { .ret = ret, .count = count };
	int r;

	if (!ret || !count)
		return 0;
	r = sl_batch_walk(maps->fds[id], id, take, &reading);
	return r < 0 ? fail(error, r, id) : 0;
}

int sl_counters_read_all(struct sl_counters *ret, struct sl_counters *ret_shadow, uint32_t count,
			 const struct sl_maps *maps, struct sl_dp_error *error)
{
	int r;

	if (count > maps->view.tenants)
		return sl_dp_fail(error, -ERANGE, "there are %u tenants, not %u",
				  maps->view.tenants, count);
	r = read_all(ret, count, maps, SL_MAP_COUNTERS, error);
	return r ? r : read_all(ret_shadow, count, maps, SL_MAP_SHADOW, error);
}

int sl_node_read(struct sl_node *ret, const struct sl_maps *maps, struct sl_dp_error *error)
{
	sl_autofree void *values = NULL;
	const struct sl_node *cpu;
	int r = look_up(&values, maps, SL_MAP_NODE, 0);

	if (r)
		return fail(error, r, SL_MAP_NODE);
	cpu = values;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < cpus_of(SL_MAP_NODE); i++)
		sl_node_add(ret, &cpu[i]);
	return 0;
}

/* ---- how full ---- */

static int add_count(const void *keys, const void *values, uint32_t count, void *context)
{
	(void)keys;
	(void)values;
	*(uint64_t *)context += count;
	return 0;
}

int sl_occupancy_read(struct sl_occupancy *ret, const struct sl_maps *maps, enum sl_map_id id,
		      struct sl_dp_error *error)
{
	uint32_t type = sl_map_shape(id)->type;
	struct sl_occupancy found = { .max = maps->max_entries[id] };
	int r = 0;

	if (id == SL_MAP_FLOWS4 || id == SL_MAP_FLOWS6) {
		const struct sl_flow_table table =
			sl_flow_table_of(maps, id == SL_MAP_FLOWS4 ? 4 : 6);

		ret->used = sl_flow_table_used(&table);
		ret->max = sl_flow_table_room(&table);
		return 0;
	}
	if (type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_RINGBUF)
		return sl_dp_fail(error, -ENOTSUP, "the kernel does not say how full %s is",
				  sl_map_name(id));
	if (type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LPM_TRIE)
		r = sl_batch_walk(maps->fds[id], id, add_count, &found.used);
	else
		found.used = found.max;
	if (r)
		return fail(error, r, id);
	*ret = found;
	return 0;
}
