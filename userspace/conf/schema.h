/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the agent's file, sluice.yaml. Private to conf/. */
#pragma once

#include "userspace/conf/table.h"

/* What the root table fills. */
struct sl_conf_draft {
	struct sl_config config;
	struct sl_tenant_spec defaults; /* each tenant begins as a copy */
	uint32_t version;
};

extern const struct sl_conf_table sl_conf_root;

/* What does not fit the tables: names, doubles, sizes, leases. */
int sl_conf_check(struct sl_conf_context *ctx, void *filled);
