// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/config.h"

#include <stdlib.h>

static void free_tenant(struct sl_tenant_spec *tenant)
{
	for (size_t i = 0; i < tenant->cgroup_count; i++)
		free(tenant->cgroups[i]);
	free(tenant->cgroups);
	free(tenant->sources);
}

void sl_config_free(struct sl_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->tenant_count; i++)
		free_tenant(&config->tenants[i]);
	free(config->interfaces);
	free(config->tenants);
	free(config->services);
	free(config->blocks);
	free(config);
}
