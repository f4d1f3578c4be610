// SPDX-License-Identifier: Apache-2.0
/* State from maps of one size to maps of another. */
#include <errno.h>
#include <string.h>

#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/loader_private.h"

/* What a plan writes whole, in halves that belong together: never shared, never copied. */
static bool is_the_plans(enum sl_map_id id)
{
	return id == SL_MAP_CTL || id == SL_MAP_LIMITS || id == SL_MAP_SERVICES4 ||
	       id == SL_MAP_SERVICES6 || id == SL_MAP_SOURCES4 || id == SL_MAP_SOURCES6 ||
	       id == SL_MAP_REQUEST_LIMITS;
}

static bool is_by_tenant(enum sl_map_id id)
{
	return id == SL_MAP_BUCKETS || id == SL_MAP_CONNS || id == SL_MAP_COUNTERS ||
	       id == SL_MAP_SHADOW || id == SL_MAP_REQUEST_WORDS;
}

static bool is_of_flows(enum sl_map_id id)
{
	return id == SL_MAP_FLOWS4 || id == SL_MAP_FLOWS6;
}

static bool is_kept(const struct sl_maps *before, enum sl_map_id id, uint32_t entries)
{
	/* A flow stands where the old seed put it. */
	if (is_the_plans(id) || (is_of_flows(id) && !before->view.ctl))
		return false;
	return before->fds[id] >= 0 && before->max_entries[id] == entries;
}

bool sl_migrate_shares(const struct sl_maps *before, enum sl_map_id id,
		       const struct sl_sizes *sizes)
{
	return is_kept(before, id, sl_map_entries(id, sizes));
}

struct copy {
	const struct sl_maps *to;
	const struct sl_maps *from;
	enum sl_map_id id;
	enum sl_migrate_pass pass;
};

static bool is_same_owner(const struct copy *copy, uint32_t tenant)
{
	return copy->from->view.names[tenant].gen == copy->to->view.names[tenant].gen;
}

static bool is_wanted(const struct copy *copy, const void *key)
{
	uint32_t index;

	if (sl_map_shape(copy->id)->key_bytes != sizeof(index) || copy->id == SL_MAP_MARKS)
		return true;
	memcpy(&index, key, sizeof(index));
	if (index >= copy->to->max_entries[copy->id])
		return false;
	return copy->pass == SL_MIGRATE_ALL || !is_by_tenant(copy->id) ||
	       is_same_owner(copy, index);
}

static int copy_entries(const void *keys, const void *values, uint32_t count, void *context)
{
	const struct copy *copy = context;
	size_t key_bytes = sl_map_shape(copy->id)->key_bytes;
	size_t value_bytes = sl_maps_value_bytes(copy->id);
	const char *key = keys, *value = values;
	uint32_t first = 0;

	/* In runs, so that what is left out costs no more system calls than its gaps. */
	for (uint32_t i = 0; i <= count; i++) {
		int r;

		if (i < count && is_wanted(copy, key + i * key_bytes))
			continue;
		r = sl_batch_update(copy->to->fds[copy->id], copy->id, key + first * key_bytes,
				    value + first * value_bytes, i - first);
		if (r)
			return r;
		first = i + 1;
	}
	return 0;
}

static int copy_map(const struct copy *copy)
{
	int r = sl_batch_walk(copy->from->fds[copy->id], copy->id, copy_entries,
			      (void *)(uintptr_t)copy);

	/* A smaller hash that is full took what fits. */
	return r == -E2BIG || r == -ENOSPC ? 0 : r;
}

/* A source's cell is chosen by the low bits of its hash: more cells, more of these bits. */
static void copy_cells(const struct sl_maps *to, const struct sl_maps *from)
{
	for (uint32_t table = 0; table < 2; table++) {
		const struct sl_cell *old =
			from->view.cells + (size_t)table * (from->view.cells_mask + 1);
		struct sl_cell *new = to->view.cells + (size_t)table *(to->view.cells_mask + 1);

		for (uint32_t i = 0; i <= to->view.cells_mask; i++)
			new[i] = old[i & from->view.cells_mask];
	}
}

static void copy_flows(const struct sl_maps *to, const struct sl_maps *from, enum sl_map_id id)
{
	const uint8_t family = id == SL_MAP_FLOWS4 ? 4 : 6;
	const struct sl_flow_table new = sl_flow_table_of(to, family);
	const struct sl_flow_table old = sl_flow_table_of(from, family);

	/* Twice, for a gateway binds on and may move a flow behind the first walk. */
	for (int walk = 0; walk < 2; walk++) {
		struct sl_flow_spec flow;
		uint64_t place = 0;

		/* A smaller table takes what fits. */
		while (sl_flow_table_next(&flow, &old, &place)) {
			if (flow.tenant < to->view.tenants && !sl_flow_table_bind(&new, &flow))
				sl_flow_use(to);
		}
	}
}

static void copy_ctl(const struct sl_maps *to, const struct sl_maps *from)
{
	struct sl_ctl *ctl = to->view.ctl;
	const struct sl_ctl *old = from->view.ctl;

	ctl->event_tat_cu = old->event_tat_cu;
	ctl->reset_tat_cu = old->reset_tat_cu;
	ctl->proven_tat_cu = old->proven_tat_cu;
	ctl->sockets_open = old->sockets_open;
	ctl->config_generation = old->config_generation;
	ctl->started_ns = old->started_ns;
	ctl->flows_in_use = old->flows_in_use;
}

static bool is_copied(const struct copy *copy)
{
	if (is_the_plans(copy->id) || is_of_flows(copy->id) || copy->from->fds[copy->id] < 0 ||
	    copy->id == SL_MAP_CELLS || copy->id == SL_MAP_SOCKETS || copy->id == SL_MAP_EVENTS ||
	    copy->id == SL_MAP_EXPLANATIONS)
		return false;
	/* Sources are proven by place; with other places they have to prove themselves again. */
	if (copy->id == SL_MAP_PROVEN)
		return false;
	return copy->pass == SL_MIGRATE_ALL || is_by_tenant(copy->id);
}

int sl_migrate_copy(const struct sl_maps *to, const struct sl_maps *from, enum sl_migrate_pass pass,
		    struct sl_dp_error *error)
{
	struct copy copy = { .to = to, .from = from, .pass = pass };

	for (copy.id = 0; copy.id < SL_MAP_COUNT; copy.id++) {
		int r = 0;

		if (is_copied(&copy) && to->max_entries[copy.id] != from->max_entries[copy.id])
			r = copy_map(&copy);
		if (r)
			return sl_dp_fail(error, r, "cannot copy the map %s: %s",
					  sl_map_name(copy.id), strerror(-r));
	}
	for (enum sl_map_id id = SL_MAP_FLOWS4; id <= SL_MAP_FLOWS6; id++) {
		if (pass == SL_MIGRATE_ALL && from->fds[id] >= 0 &&
		    !is_kept(from, id, to->max_entries[id]))
			copy_flows(to, from, id);
	}
	if (from->view.cells && to->view.cells_mask != from->view.cells_mask)
		copy_cells(to, from);
	if (from->view.ctl)
		copy_ctl(to, from);
	return 0;
}
