/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants by name: an index over the mapped sl_names, made anew when the agent has
 * applied another configuration.
 *
 * Owner:  sl_kernel_names_clear(); the names stay the maps'.
 * Thread: one at a time. The agent may write the names meanwhile: a name is compared
 *         again each time it is found.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/gateway/kernel_maps.h"

struct sl_kernel_names {
	const struct sl_name *names;
	uint32_t count;
	uint32_t *slots; /* tenant + 1; 0: free. At most half of them are taken */
	uint32_t mask;
	uint64_t generation; /* sl_ctl.config_generation that it was made of */
};

/* -ENOMEM; what was there before is then still there. */
int sl_kernel_names_read(struct sl_kernel_names *names, const struct sl_kernel_maps *maps);
void sl_kernel_names_clear(struct sl_kernel_names *names);

/* -ENOENT: no tenant of the configuration is called so. @ret_gen: whose id it is now. */
int sl_kernel_names_find(uint32_t *ret_id, uint32_t *ret_gen, const struct sl_kernel_names *names,
			 struct sl_span name);
