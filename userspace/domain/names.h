/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tenant has which id. Names outlive the agent in the sl_names map, so a
 * restart gives each tenant its old id, and with it its counters and buckets.
 *
 *   a name of the map          keeps its id and gen, retired or not
 *   a new name                 the lowest free id, else the lowest retired one;
 *                              its gen is one more than the last owner's
 *   a name not configured      is retired: slot and counters stay until reused
 *   id 0                       is SL_NAME_UNKNOWN, always
 *
 * Thread: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

/* Finds names in an array of anything that begins with char[SL_TENANT_NAME_BYTES]. */
struct sl_name_index {
	const char *first; /* borrowed; must not move while the index is used */
	size_t stride;
	uint32_t *slots; /* position + 1, 0 = empty */
	uint32_t mask;
};

/* Of a name given twice, and of "", nothing or the first is found. -ENOMEM. */
int sl_name_index_make(struct sl_name_index *ret, const void *first, size_t stride, size_t count);
void sl_name_index_release(struct sl_name_index *index);

/* The position of @name, or -1. */
int64_t sl_name_index_find(const struct sl_name_index *index, const char *name);

/*
 * @names: [tenants], in and out. @ret_ids: [tenant_count], the id of each.
 * -ENOSPC: more tenants than ids; -EEXIST: a name twice, or that of tenant 0;
 * -ENOMEM. On failure both arrays are undefined.
 */
int sl_names_assign(struct sl_name *names, uint32_t tenants, uint32_t *ret_ids,
		    const struct sl_tenant_spec *specs, size_t tenant_count,
		    struct sl_text_error *error);
