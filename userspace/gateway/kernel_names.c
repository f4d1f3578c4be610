/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_names.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/domain/request_rows.h"

/* FNV-1a: the names are the operator's, so nobody can make them collide. */
static uint32_t hash_of(struct sl_span name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (uint8_t)name.at[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static struct sl_span text_of(const struct sl_name *name)
{
	return (struct sl_span){ name->name, strnlen(name->name, sizeof(name->name)) };
}

static bool is_used(const struct sl_name *name)
{
	return name->name[0] && !name->retired;
}

static void put(struct sl_kernel_names *names, uint32_t tenant)
{
	uint32_t at = hash_of(text_of(&names->names[tenant])) & names->mask;

	while (names->slots[at])
		at = (at + 1) & names->mask;
	names->slots[at] = tenant + 1;
}

static int fill(struct sl_kernel_names *made, const struct sl_kernel_maps *maps)
{
	int r = 0;

	made->names = calloc(made->count, sizeof(*made->names));
	made->slots = calloc((size_t)made->mask + 1, sizeof(*made->slots));
	if (!made->names || !made->slots)
		return -ENOMEM;
	/* Tenant 0 is nobody's: nothing is bound to it. */
	for (uint32_t i = SL_TENANT_UNKNOWN + 1; !r && i < made->count; i++) {
		r = sl_kernel_maps_get(&made->names[i], maps, SL_KERNEL_NAMES, i);
		if (r || !is_used(&made->names[i]))
			continue;
		put(made, i);
		made->has_rows |= sl_request_row_is(text_of(&made->names[i]));
	}
	return r;
}

int sl_kernel_names_read(struct sl_kernel_names *names, const struct sl_kernel_maps *maps)
{
	struct sl_kernel_names made = { .count = maps->tenants };
	uint32_t size = 2;
	struct sl_ctl ctl;
	/* Before the names: what changes meanwhile is then read once more. */
	int r = sl_kernel_maps_get(&ctl, maps, SL_KERNEL_CTL, 0);

	if (r || (names->names && names->generation == ctl.config_generation))
		return r;
	while (size < 2 * made.count)
		size *= 2;
	made.mask = size - 1;
	made.generation = ctl.config_generation;
	r = fill(&made, maps);
	if (r) {
		sl_kernel_names_clear(&made);
		return r;
	}
	sl_kernel_names_clear(names);
	*names = made;
	return 1;
}

void sl_kernel_names_clear(struct sl_kernel_names *names)
{
	free(names->names);
	free(names->slots);
	*names = (struct sl_kernel_names){ 0 };
}

int sl_kernel_names_find(uint32_t *ret_id, uint32_t *ret_gen, const struct sl_kernel_names *names,
			 struct sl_span name)
{
	uint32_t at;

	if (!names->names || !name.length)
		return -ENOENT;
	for (at = hash_of(name) & names->mask; names->slots[at]; at = (at + 1) & names->mask) {
		const struct sl_name *found = &names->names[names->slots[at] - 1];

		if (!sl_span_equal(text_of(found), name))
			continue;
		*ret_id = names->slots[at] - 1;
		*ret_gen = found->gen;
		return 0;
	}
	return -ENOENT;
}

bool sl_kernel_names_has(const struct sl_kernel_names *names, uint32_t id, uint32_t gen)
{
	return names->names && id < names->count && is_used(&names->names[id]) &&
	       names->names[id].gen == gen;
}
