// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/hash.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/text_error.h"

#define NO_ID UINT32_MAX

/* ---- index --------------------------------------------------------------------- */

/* Names are the operator's, so the hash needs no secret. */
static uint32_t hash_of(const char *name)
{
	uint64_t words[SL_TENANT_NAME_BYTES / sizeof(uint64_t)] = { 0 };
	uint64_t hash = 0;

	memcpy(words, name, strnlen(name, SL_TENANT_NAME_BYTES));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = sl_mix(hash ^ words[i]);
	return (uint32_t)hash;
}

static const char *name_at(const struct sl_name_index *index, size_t position)
{
	return index->first + position * index->stride;
}

int64_t sl_name_index_find(const struct sl_name_index *index, const char *name)
{
	for (uint32_t at = hash_of(name);; at++) {
		uint32_t slot = index->slots[at & index->mask];

		if (slot == 0)
			return -1;
		if (strncmp(name_at(index, slot - 1), name, SL_TENANT_NAME_BYTES) == 0)
			return slot - 1;
	}
}

static void index_add(struct sl_name_index *index, size_t position)
{
	const char *name = name_at(index, position);
	uint32_t at = hash_of(name);

	if (name[0] == '\0' || sl_name_index_find(index, name) >= 0)
		return;
	while (index->slots[at & index->mask])
		at++;
	index->slots[at & index->mask] = (uint32_t)position + 1;
}

int sl_name_index_make(struct sl_name_index *ret, const void *first, size_t stride, size_t count)
{
	struct sl_name_index index = { .first = first, .stride = stride };
	uint32_t slots = 2;

	while (slots < 2 * count)
		slots *= 2;
	index.mask = slots - 1;
	index.slots = calloc(slots, sizeof(*index.slots));
	if (!index.slots)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		index_add(&index, i);
	*ret = index;
	return 0;
}

void sl_name_index_release(struct sl_name_index *index)
{
	free(index->slots);
	index->slots = NULL;
}

/* ---- ids ------------------------------------------------------------------------ */

static void rename_id(struct sl_name *slot, const char *name)
{
	uint32_t gen = slot->gen + 1;

	*slot = (struct sl_name){ .gen = gen ? gen : 1 };
	memcpy(slot->name, name, strnlen(name, SL_TENANT_NAME_BYTES - 1));
}

static void claim_unknown(struct sl_name *slot)
{
	if (strncmp(slot->name, SL_NAME_UNKNOWN, sizeof(SL_NAME_UNKNOWN)) != 0 || slot->gen == 0)
		rename_id(slot, SL_NAME_UNKNOWN);
	slot->retired = 0;
}

/*
 * Gives each tenant that the map knows its old id. Every other named id is then
 * retired; afterwards an id in use is one that has a name and is not retired.
 */
static int keep_known(struct sl_name *names, uint32_t tenants, uint32_t *ids,
		      const struct sl_tenant_spec *specs, size_t count, struct sl_text_error *error)
{
	sl_cleanup(sl_name_index_release) struct sl_name_index known = { 0 };
	char quoted[SL_QUOTE_BYTES];

	if (sl_name_index_make(&known, names, sizeof(*names), tenants))
		return -ENOMEM;
	for (uint32_t id = 1; id < tenants; id++)
		names[id].retired = names[id].name[0] != '\0';
	for (size_t i = 0; i < count; i++) {
		int64_t id = sl_name_index_find(&known, specs[i].name);

		ids[i] = NO_ID;
		if (id < 0)
			continue;
		if (!names[id].retired)
			return sl_text_refuse(error, -EEXIST, "the name %s is given twice",
					      sl_text_quote(quoted, specs[i].name));
		names[id].retired = 0;
		if (names[id].gen == 0)
			names[id].gen = 1;
		ids[i] = (uint32_t)id;
	}
	return 0;
}

/* The next id from @from on that is free, or with @retired one that may be reused. */
static uint32_t next_id(const struct sl_name *names, uint32_t tenants, uint32_t from, bool retired)
{
	while (from < tenants && (retired ? !names[from].retired : names[from].name[0] != '\0'))
		from++;
	return from;
}

/* The tenants without an id. New names may be given twice: the index finds the first. */
static int place_new(struct sl_name *names, uint32_t tenants, uint32_t *ids,
		     const struct sl_tenant_spec *specs, size_t count, struct sl_text_error *error)
{
	sl_cleanup(sl_name_index_release) struct sl_name_index given = { 0 };
	char quoted[SL_QUOTE_BYTES];
	bool retired = false;
	uint32_t id = 1;

	if (sl_name_index_make(&given, specs, sizeof(*specs), count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (ids[i] != NO_ID)
			continue;
		if (sl_name_index_find(&given, specs[i].name) != (int64_t)i)
			return sl_text_refuse(error, -EEXIST, "the name %s is given twice",
					      sl_text_quote(quoted, specs[i].name));
		id = next_id(names, tenants, id, retired);
		if (id == tenants && !retired) {
			retired = true;
			id = next_id(names, tenants, 1, retired);
		}
		if (id == tenants)
			return -ENOSPC;
		rename_id(&names[id], specs[i].name);
		ids[i] = id;
	}
	return 0;
}

int sl_names_assign(struct sl_name *names, uint32_t tenants, uint32_t *ret_ids,
		    const struct sl_tenant_spec *specs, size_t tenant_count,
		    struct sl_text_error *error)
{
	int err;

	if (tenant_count > tenants - 1)
		return sl_text_refuse(error, -ENOSPC,
				      "%zu tenants, but the maps have room for %u: raise "
				      "sizes.tenants and create the maps anew",
				      tenant_count, tenants - 1);
	claim_unknown(&names[SL_TENANT_UNKNOWN]);
	err = keep_known(names, tenants, ret_ids, specs, tenant_count, error);
	return err ? err : place_new(names, tenants, ret_ids, specs, tenant_count, error);
}
