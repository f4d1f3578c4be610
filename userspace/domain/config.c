// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

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

/* ---- copy ------------------------------------------------------------------- */

static void config_freep(struct sl_config **config)
{
	sl_config_free(*config);
}

/* @count items of @size at @from; also of none there is a copy to free. */
static void *copy_array(const void *from, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);

	if (copy && count)
		memcpy(copy, from, count * size);
	return copy;
}

/* @copy begins with no arrays; on failure it has only what it owns. */
static int copy_tenant(struct sl_tenant_spec *copy, const struct sl_tenant_spec *tenant)
{
	copy->sources = copy_array(tenant->sources, tenant->source_count, sizeof(*copy->sources));
	copy->cgroups = calloc(tenant->cgroup_count + 1, sizeof(*copy->cgroups));
	if (!copy->sources || !copy->cgroups)
		return -ENOMEM;
	for (; copy->cgroup_count < tenant->cgroup_count; copy->cgroup_count++) {
		copy->cgroups[copy->cgroup_count] = strdup(tenant->cgroups[copy->cgroup_count]);
		if (!copy->cgroups[copy->cgroup_count])
			return -ENOMEM;
	}
	return 0;
}

static int copy_tenants(struct sl_config *copy, const struct sl_config *config)
{
	copy->tenants = calloc(config->tenant_count + 1, sizeof(*copy->tenants));
	if (!copy->tenants)
		return -ENOMEM;
	for (size_t i = 0; i < config->tenant_count; i++) {
		struct sl_tenant_spec *tenant = &copy->tenants[i];
		int err;

		*tenant = config->tenants[i];
		tenant->sources = NULL;
		tenant->cgroups = NULL;
		tenant->cgroup_count = 0;
		copy->tenant_count = i + 1;
		err = copy_tenant(tenant, &config->tenants[i]);
		if (err)
			return err;
	}
	return 0;
}

int sl_config_copy(struct sl_config **ret, const struct sl_config *config)
{
	sl_cleanup(config_freep) struct sl_config *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *config;
	copy->tenants = NULL;
	copy->tenant_count = 0;
	copy->interfaces =
		copy_array(config->interfaces, config->interface_count, sizeof(*copy->interfaces));
	copy->services =
		copy_array(config->services, config->service_count, sizeof(*copy->services));
	copy->blocks = copy_array(config->blocks, config->block_count, sizeof(*copy->blocks));
	if (!copy->interfaces || !copy->services || !copy->blocks || copy_tenants(copy, config))
		return -ENOMEM;
	*ret = SL_TAKE_PTR(copy);
	return 0;
}
