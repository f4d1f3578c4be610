// SPDX-License-Identifier: Apache-2.0
/* A configuration is refused with a message, or is one the data plane can take. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_terms.h"
#include "userspace/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void require_rate(const struct sl_rate_spec *rate, uint64_t max)
{
	if (rate->unlimited || rate->per_s == 0)
		require(rate->burst == 0);
	else
		require(rate->per_s <= max && rate->burst > 0 &&
			rate->burst / rate->per_s <= SL_BURST_NS_MAX / 1000000000);
}

static bool is_global(const struct sl_tenant_spec *tenant)
{
	const struct sl_global_spec *global = &tenant->global;

	return global->packets || global->bytes || global->new_connections || global->requests ||
	       global->cost;
}

static void require_tenant(const struct sl_tenant_spec *tenant)
{
	require(tenant->name[0] != '\0' && tenant->line > 0);
	require_rate(&tenant->ingress_packets, SL_RATE_PER_S_MAX);
	require_rate(&tenant->ingress_bytes, SL_BYTES_PER_S_MAX);
	require_rate(&tenant->egress_packets, SL_RATE_PER_S_MAX);
	require_rate(&tenant->egress_bytes, SL_BYTES_PER_S_MAX);
	require_rate(&tenant->new_connections, SL_RATE_PER_S_MAX);
	require_rate(&tenant->fragments, SL_RATE_PER_S_MAX);
	require_rate(&tenant->safe_packets, SL_RATE_PER_S_MAX);
	require_rate(&tenant->safe_bytes, SL_BYTES_PER_S_MAX);
	if (is_global(tenant))
		require(tenant->lease_ns == 0);
	else
		require(tenant->on_lease_expiry == SL_FALLBACK_LAST || tenant->lease_ns > 0);
}

/* What is shared over all nodes has terms that the store takes. */
static void require_terms(const struct sl_quota_spec *quota, const struct sl_tenant_spec *tenant)
{
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		struct sl_terms terms;

		if (!sl_quota_is_global(tenant, (enum sl_quota_kind)kind))
			continue;
		terms = sl_quota_terms_of(quota, tenant, (enum sl_quota_kind)kind);
		require(sl_terms_check(&terms, NULL) == 0);
	}
}

static void require_config(const struct sl_config *config)
{
	const struct sl_unknown_spec *unknown = &config->unknown;

	require(config->tenant_count < config->sizes.tenants);
	require((config->sizes.cells & (config->sizes.cells - 1)) == 0);
	for (size_t i = 0; i < config->tenant_count; i++) {
		require_tenant(&config->tenants[i]);
		require_terms(&config->quota, &config->tenants[i]);
	}
	for (size_t i = 0; i < config->service_count; i++)
		require(config->services[i].tenant >= -1 &&
			config->services[i].tenant < (int)config->tenant_count);
	require_rate(&unknown->packets, SL_RATE_PER_S_MAX);
	require_rate(&unknown->bytes, SL_BYTES_PER_S_MAX);
	require_rate(&unknown->egress_packets, SL_RATE_PER_S_MAX);
	require_rate(&unknown->egress_bytes, SL_BYTES_PER_S_MAX);
	require_rate(&unknown->source_packets, SL_RATE_PER_S_MAX);
	require_rate(&unknown->proven_packets, SL_RATE_PER_S_MAX);
	require(unknown->proven_ns > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_conf_error error = { "" };
	struct sl_config *config = NULL;
	int err = sl_conf_parse(&config, "fuzz", data, size, &error);

	if (err) {
		require(!config && strncmp(error.message, "fuzz:", 5) == 0);
		require(memchr(error.message, '\0', sizeof(error.message)) != NULL);
		return 0;
	}
	require_config(config);
	sl_config_free(config);
	return 0;
}
