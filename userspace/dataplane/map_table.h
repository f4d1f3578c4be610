/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of bpf/maps.h as a table: names, shapes, and entries for given sizes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/domain/config.h"

enum sl_map_id {
	SL_MAP_CTL,
	SL_MAP_LIMITS,
	SL_MAP_NAMES,
	SL_MAP_SERVICES4,
	SL_MAP_SERVICES6,
	SL_MAP_FLOWS4,
	SL_MAP_FLOWS6,
	SL_MAP_SOURCES4,
	SL_MAP_SOURCES6,
	SL_MAP_BLOCKS4,
	SL_MAP_BLOCKS6,
	SL_MAP_CGROUPS,
	SL_MAP_MARKS,
	SL_MAP_BUCKETS,
	SL_MAP_CELLS,
	SL_MAP_PROVEN,
	SL_MAP_REFUSALS,
	SL_MAP_REQUEST_LIMITS,
	SL_MAP_REQUEST_WORDS,
	SL_MAP_CONNS,
	SL_MAP_SOCKETS,
	SL_MAP_COUNTERS,
	SL_MAP_SHADOW,
	SL_MAP_NODE,
	SL_MAP_EXPLANATIONS,
	SL_MAP_EVENTS,
	SL_MAP_COUNT,
};

struct sl_map_shape {
	const char *name; /* at most 15 characters: the kernel cuts the rest */
	uint32_t type;	  /* enum bpf_map_type */
	uint32_t flags;	  /* BPF_F_... it is created with */
	uint32_t key_bytes;
	uint32_t value_bytes;
};

/* Never NULL for an id below SL_MAP_COUNT. */
const struct sl_map_shape *sl_map_shape(enum sl_map_id id);
const char *sl_map_name(enum sl_map_id id);

/* -ENOENT: no map of ours is called so. */
int sl_map_by_name(enum sl_map_id *ret, const char *name);

/*
 * max_entries of each map for @sizes. Limits and services have two halves, cells
 * two tables; services and flows are in lines of several; prefix maps hold the union
 * of the old and the new batch.
 */
uint32_t sl_map_entries(enum sl_map_id id, const struct sl_sizes *sizes);

bool sl_map_is_per_cpu(enum sl_map_id id);

/*
 * Added within an ABI version: maps that were pinned before do not have it. Who opens
 * them goes without, and the loader makes it when it adopts them.
 */
bool sl_map_is_added(enum sl_map_id id);
