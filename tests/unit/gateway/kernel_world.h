/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's maps in memory of the test, and a loop whose time stands still. */
#pragma once

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "userspace/gateway/kernel_maps.h"

#define TENANTS 8u
#define LINES	64u

static inline struct sl_kernel_mapping world_map(size_t element, uint32_t entries, uint32_t id)
{
	struct sl_kernel_mapping map = {
		.bytes = element * entries, .entries = entries, .id = id, .fd = -1
	};

	map.at = mmap(NULL, map.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(map.at, MAP_FAILED);
	return map;
}

static inline struct sl_ctl *world_ctl(const struct sl_kernel_maps *maps)
{
	return maps->map[SL_KERNEL_CTL].at;
}

static inline struct sl_name *world_names(const struct sl_kernel_maps *maps)
{
	return maps->map[SL_KERNEL_NAMES].at;
}

static inline struct sl_requests *world_requests(const struct sl_kernel_maps *maps, size_t half,
						 uint32_t tenant)
{
	return (struct sl_requests *)maps->map[SL_KERNEL_REQUEST_LIMITS].at + half * TENANTS +
	       tenant;
}

/* The agent gives an id to a tenant, and raises the generation. */
static inline void world_name(const struct sl_kernel_maps *maps, uint32_t id, const char *name)
{
	struct sl_name *at = &world_names(maps)[id];

	memset(at->name, 0, sizeof(at->name));
	memcpy(at->name, name, strlen(name));
	at->gen++;
	at->retired = 0;
	world_requests(maps, world_ctl(maps)->epoch & 1, id)->gen = at->gen;
	world_ctl(maps)->config_generation++;
}

/* Tenants acme (1) and beta (2). @first_id tells its maps from others'. */
static inline struct sl_kernel_maps *world_maps(uint32_t first_id)
{
	struct sl_kernel_maps *maps = calloc(1, sizeof(*maps));
	struct sl_kernel_error error;

	assert_non_null(maps);
	maps->map[SL_KERNEL_FLOWS4] = world_map(sizeof(struct sl_flow4_line), LINES, first_id);
	maps->map[SL_KERNEL_FLOWS6] = world_map(sizeof(struct sl_flow6_line), LINES, first_id + 1);
	maps->map[SL_KERNEL_BUCKETS] = world_map(sizeof(struct sl_bucket), TENANTS, first_id + 2);
	maps->map[SL_KERNEL_REFUSALS] =
		world_map(sizeof(struct sl_refusal), SL_REFUSALS, first_id + 3);
	maps->map[SL_KERNEL_CTL] = world_map(sizeof(struct sl_ctl), 1, first_id + 4);
	maps->map[SL_KERNEL_NAMES] = world_map(sizeof(struct sl_name), TENANTS, first_id + 5);
	maps->map[SL_KERNEL_REQUEST_LIMITS] =
		world_map(sizeof(struct sl_requests), 2 * TENANTS, first_id + 6);
	maps->map[SL_KERNEL_REQUEST_WORDS] =
		world_map(sizeof(struct sl_request_words), TENANTS, first_id + 7);
	world_ctl(maps)->abi_version = SL_ABI_VERSION;
	world_ctl(maps)->hash_seed = 4711;
	world_name(maps, 1, "acme");
	world_name(maps, 2, "beta");
	assert_int_equal(sl_kernel_maps_view(maps, &error), 0);
	return maps;
}
