/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the agent's file, sluice.yaml. Private to conf/. */
#pragma once

#include "userspace/conf/table.h"

/* What the root table fills. */
struct sl_conf_draft {
	struct sl_config config;
	struct sl_tenant_spec defaults; /* each tenant begins as a copy */
	uint32_t version;
	struct sl_conf_policy *policies; /* until they are rows of config.tenants */
	size_t policy_count;
};

/* Limits of requests that are no tenant's own (domain/request_rows.h). */
struct sl_conf_policy {
	char tenant[SL_TENANT_NAME_BYTES]; /* "": all of them together */
	char name[SL_TENANT_NAME_BYTES];   /* of the policy; "": whatever it is */
	bool each;			   /* a row for each tenant */
	struct sl_tenant_spec row;	   /* mode, requests and global of it */
	unsigned int line;
};

extern const struct sl_conf_table sl_conf_root;
extern const struct sl_conf_table sl_conf_policy_table;

/* What does not fit the tables: names, doubles, sizes, leases. */
int sl_conf_check(struct sl_conf_context *ctx, void *filled);

/* Makes draft->policies rows behind the tenants, which have been checked. */
int sl_conf_add_policies(struct sl_conf_context *ctx, struct sl_conf_draft *draft);
