/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants by name: a copy of sl_names with an index, made anew when the agent has
 * applied another configuration.
 *
 * Owner:  sl_kernel_names_clear().
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/gateway/kernel_maps.h"

struct sl_kernel_names {
	struct sl_name *names; /* [count]; NULL: not read yet */
	uint32_t count;
	uint32_t *slots; /* tenant + 1; 0: free. At most half of them are taken */
	uint32_t mask;
	uint64_t generation; /* sl_ctl.config_generation that it is of */
	bool has_rows;	     /* some are no tenants (request_rows.h) */
};

/* 1: read anew; 0: nothing changed; -ENOMEM or why the kernel does not tell, and what was
 * there before still is. */
int sl_kernel_names_read(struct sl_kernel_names *names, const struct sl_kernel_maps *maps);
void sl_kernel_names_clear(struct sl_kernel_names *names);

/* -ENOENT: no tenant of the configuration is called so. @ret_gen: whose id it is now. */
int sl_kernel_names_find(uint32_t *ret_id, uint32_t *ret_gen, const struct sl_kernel_names *names,
			 struct sl_span name);

/* The id is still the tenant's who had it in @gen, and that one is still configured. */
bool sl_kernel_names_has(const struct sl_kernel_names *names, uint32_t id, uint32_t gen);
