/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_names.h"

#include <errno.h>
#include <stdlib.h>

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

int sl_kernel_names_read(struct sl_kernel_names *names, const struct sl_kernel_maps *maps)
{
	struct sl_kernel_names made = {
		.names = maps->names,
		.count = maps->tenants,
		/* Before the names: what changes meanwhile is then read once more. */
		.generation = __atomic_load_n(&maps->ctl->config_generation, __ATOMIC_ACQUIRE),
	};
	uint32_t size = 2;

	while (size < 2 * made.count)
		size *= 2;
	made.mask = size - 1;
	made.slots = calloc(size, sizeof(*made.slots));
	if (!made.slots)
		return -ENOMEM;
	/* Tenant 0 is nobody's: nothing is bound to it. */
	for (uint32_t i = SL_TENANT_UNKNOWN + 1; i < made.count; i++)
		if (is_used(&made.names[i]))
			put(&made, i);
	sl_kernel_names_clear(names);
	*names = made;
	return 0;
}

void sl_kernel_names_clear(struct sl_kernel_names *names)
{
	free(names->slots);
	*names = (struct sl_kernel_names){ 0 };
}

int sl_kernel_names_find(uint32_t *ret_id, uint32_t *ret_gen, const struct sl_kernel_names *names,
			 struct sl_span name)
{
	uint32_t at;

	if (!names->slots || !name.length)
		return -ENOENT;
	for (at = hash_of(name) & names->mask; names->slots[at]; at = (at + 1) & names->mask) {
		const struct sl_name *found = &names->names[names->slots[at] - 1];
		uint32_t gen = __atomic_load_n(&found->gen, __ATOMIC_ACQUIRE);

		if (!is_used(found) || !sl_span_equal(text_of(found), name))
			continue;
		*ret_id = names->slots[at] - 1;
		*ret_gen = gen;
		return 0;
	}
	return -ENOENT;
}
