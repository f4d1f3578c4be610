// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/map_table.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/domain/flow_table.h"
#include "userspace/domain/services.h"

#define BINDINGS_MIN 1024u

#define ARRAY(map_name, map_flags, value)                                                          \
	{                                                                                          \
		.name = (map_name), .type = BPF_MAP_TYPE_ARRAY, .flags = (map_flags),              \
		.key_bytes = sizeof(__u32), .value_bytes = sizeof(value)                           \
	}
#define PERCPU(map_name, value)                                                                    \
	{                                                                                          \
		.name = (map_name), .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_bytes = sizeof(__u32), \
		.value_bytes = sizeof(value)                                                       \
	}
#define HASH(map_name, key, value)                                                                 \
	{                                                                                          \
		.name = (map_name), .type = BPF_MAP_TYPE_HASH, .key_bytes = sizeof(key),           \
		.value_bytes = sizeof(value)                                                       \
	}
#define TRIE(map_name, key, value)                                                                 \
	{                                                                                          \
		.name = (map_name), .type = BPF_MAP_TYPE_LPM_TRIE, .flags = BPF_F_NO_PREALLOC,     \
		.key_bytes = sizeof(key), .value_bytes = sizeof(value)                             \
	}

static const struct sl_map_shape shapes[] = {
	[SL_MAP_CTL] = ARRAY("sl_ctl", BPF_F_MMAPABLE, struct sl_ctl),
	[SL_MAP_LIMITS] = ARRAY("sl_limits", BPF_F_MMAPABLE, struct sl_limit),
	[SL_MAP_NAMES] = ARRAY("sl_names", BPF_F_MMAPABLE, struct sl_name),
	[SL_MAP_SERVICES4] = ARRAY("sl_services4", BPF_F_MMAPABLE, struct sl_service4_line),
	[SL_MAP_SERVICES6] = ARRAY("sl_services6", BPF_F_MMAPABLE, struct sl_service6_line),
	[SL_MAP_FLOWS4] = ARRAY("sl_flows4", BPF_F_MMAPABLE, struct sl_flow4_line),
	[SL_MAP_FLOWS6] = ARRAY("sl_flows6", BPF_F_MMAPABLE, struct sl_flow6_line),
	[SL_MAP_SOURCES4] = TRIE("sl_sources4", struct sl_prefix4, struct sl_source),
	[SL_MAP_SOURCES6] = TRIE("sl_sources6", struct sl_prefix6, struct sl_source),
	[SL_MAP_BLOCKS4] = TRIE("sl_blocks4", struct sl_prefix4, struct sl_block),
	[SL_MAP_BLOCKS6] = TRIE("sl_blocks6", struct sl_prefix6, struct sl_block),
	[SL_MAP_CGROUPS] = HASH("sl_cgroups", __u64, __u32),
	[SL_MAP_MARKS] = HASH("sl_marks", __u32, __u32),
	[SL_MAP_BUCKETS] = ARRAY("sl_buckets", BPF_F_MMAPABLE, struct sl_bucket),
	[SL_MAP_CELLS] = ARRAY("sl_cells", BPF_F_MMAPABLE, struct sl_cell),
	[SL_MAP_PROVEN] = ARRAY("sl_proven", 0, struct sl_proven),
	[SL_MAP_REFUSALS] = ARRAY("sl_refusals", BPF_F_MMAPABLE, struct sl_refusal),
	[SL_MAP_REQUEST_LIMITS] = ARRAY("sl_req_limits", BPF_F_MMAPABLE, struct sl_requests),
	[SL_MAP_REQUEST_WORDS] = ARRAY("sl_req_words", BPF_F_MMAPABLE, struct sl_request_words),
	[SL_MAP_CONNS] = ARRAY("sl_conns", BPF_F_MMAPABLE, struct sl_conns),
	[SL_MAP_SOCKETS] = { .name = "sl_sockets",
			     .type = BPF_MAP_TYPE_SK_STORAGE,
			     .flags = BPF_F_NO_PREALLOC,
			     .key_bytes = sizeof(int),
			     .value_bytes = sizeof(struct sl_socket) },
	[SL_MAP_COUNTERS] = PERCPU("sl_counters", struct sl_counters),
	[SL_MAP_SHADOW] = PERCPU("sl_shadow", struct sl_counters),
	[SL_MAP_NODE] = PERCPU("sl_node", struct sl_node),
	[SL_MAP_EXPLANATIONS] = ARRAY("sl_explanations", 0, struct sl_explanation),
	[SL_MAP_EVENTS] = { .name = "sl_events", .type = BPF_MAP_TYPE_RINGBUF },
};

_Static_assert(sizeof(shapes) / sizeof(*shapes) == SL_MAP_COUNT, "a map is not in the table");

const struct sl_map_shape *sl_map_shape(enum sl_map_id id)
{
	return &shapes[id];
}

const char *sl_map_name(enum sl_map_id id)
{
	return shapes[id].name;
}

int sl_map_by_name(enum sl_map_id *ret, const char *name)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		if (strcmp(shapes[id].name, name) != 0)
			continue;
		*ret = id;
		return 0;
	}
	return -ENOENT;
}

static uint32_t at_least(uint32_t value, uint32_t least)
{
	return value < least ? least : value;
}

uint32_t sl_map_entries(enum sl_map_id id, const struct sl_sizes *sizes)
{
	switch (id) {
	case SL_MAP_LIMITS:
	case SL_MAP_REQUEST_LIMITS:
		return 2 * sizes->tenants;
	case SL_MAP_NAMES:
	case SL_MAP_BUCKETS:
	case SL_MAP_CONNS:
	case SL_MAP_COUNTERS:
	case SL_MAP_SHADOW:
	case SL_MAP_REQUEST_WORDS:
		return sizes->tenants;
	case SL_MAP_SERVICES4:
		return 2 * sl_services_lines(sizes->services, 4);
	case SL_MAP_SERVICES6:
		return 2 * sl_services_lines(sizes->services, 6);
	case SL_MAP_FLOWS4:
		return sl_flow_table_lines(sizes->flows, 4);
	case SL_MAP_FLOWS6:
		return sl_flow_table_lines(sizes->flows, 6);
	case SL_MAP_SOURCES4:
	case SL_MAP_SOURCES6:
		return at_least(2 * sizes->prefixes, 1);
	case SL_MAP_BLOCKS4:
	case SL_MAP_BLOCKS6:
		return at_least(2 * sizes->blocks, 1);
	case SL_MAP_CGROUPS:
	case SL_MAP_MARKS:
		/* Old and new bindings stand side by side while a plan is applied. */
		return at_least(2 * sizes->tenants, BINDINGS_MIN);
	case SL_MAP_CELLS:
		return 2 * sizes->cells;
	case SL_MAP_PROVEN:
		return sizes->cells;
	case SL_MAP_REFUSALS:
		return SL_REFUSALS;
	case SL_MAP_SOCKETS:
		return 0; /* socket storage lives with the sockets */
	case SL_MAP_EVENTS:
		return sizes->events_bytes;
	case SL_MAP_CTL:
	case SL_MAP_NODE:
	case SL_MAP_EXPLANATIONS:
	case SL_MAP_COUNT:
		break;
	}
	return 1;
}

bool sl_map_is_per_cpu(enum sl_map_id id)
{
	return shapes[id].type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

bool sl_map_is_added(enum sl_map_id id)
{
	return id == SL_MAP_REQUEST_LIMITS || id == SL_MAP_REQUEST_WORDS;
}
