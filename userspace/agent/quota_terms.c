// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_terms.h"

#include "userspace/domain/quota_defaults.h"

#define UNIT_MU	      1000
#define COST_MU	      (SL_QUOTA_DEFAULT_COST_UNITS * UNIT_MU)
#define NS_PER_S      1000000000ull
#define NS_PER_MS     1000000ull
#define FRAME_MU_MAX  16384 /* bytes of one packet: a jumbo frame, with room */
#define AMOUNT_MU_MAX SL_QUOTA_RATE_MAX

struct amount {
	int64_t rate_mu_per_s; /* 0: there is no such limit */
	int64_t burst_mu;
	int64_t cost_max_mu;
};

static int64_t cut(unsigned __int128 amount)
{
	return amount > AMOUNT_MU_MAX ? AMOUNT_MU_MAX : (int64_t)amount;
}

static struct amount of_rate(const struct sl_rate_spec *rate, uint64_t unit_mu, int64_t cost_mu)
{
	struct amount amount = { 0 };

	if (rate->unlimited || !rate->per_s)
		return amount;
	amount.rate_mu_per_s = cut((unsigned __int128)rate->per_s * unit_mu);
	amount.burst_mu = cut((unsigned __int128)rate->burst * unit_mu);
	amount.cost_max_mu = cost_mu < amount.burst_mu ? cost_mu : amount.burst_mu;
	return amount;
}

static struct amount of_requests(uint64_t per_window, uint64_t window_ns)
{
	struct amount amount = { 0 };

	if (per_window == SL_REQUESTS_UNLIMITED || !per_window)
		return amount;
	amount.rate_mu_per_s = cut((unsigned __int128)per_window * UNIT_MU * NS_PER_S / window_ns);
	if (!amount.rate_mu_per_s)
		amount.rate_mu_per_s = 1;
	amount.burst_mu = cut((unsigned __int128)per_window * UNIT_MU);
	amount.cost_max_mu = COST_MU < amount.burst_mu ? COST_MU : amount.burst_mu;
	return amount;
}

static struct amount amount_of(const struct sl_tenant_spec *tenant, enum sl_quota_kind kind)
{
	const struct sl_requests_spec *requests = &tenant->requests;

	switch (kind) {
	case SL_QUOTA_PACKETS:
		return of_rate(&tenant->ingress_packets, UNIT_MU, COST_MU);
	case SL_QUOTA_BYTES:
		return of_rate(&tenant->ingress_bytes, 1, FRAME_MU_MAX);
	case SL_QUOTA_NEW_CONNS:
		return of_rate(&tenant->new_connections, UNIT_MU, COST_MU);
	case SL_QUOTA_REQUESTS:
		return of_requests(requests->per_window[SL_REQUEST_GLOBAL], requests->window_ns);
	case SL_QUOTA_COST:
		return of_requests(requests->per_window[SL_REQUEST_COST], requests->cost_window_ns);
	case SL_QUOTA_KINDS:
		break;
	}
	return (struct amount){ 0 };
}

static bool is_asked_for(const struct sl_global_spec *global, enum sl_quota_kind kind)
{
	switch (kind) {
	case SL_QUOTA_PACKETS:
		return global->packets;
	case SL_QUOTA_BYTES:
		return global->bytes;
	case SL_QUOTA_NEW_CONNS:
		return global->new_connections;
	case SL_QUOTA_REQUESTS:
		return global->requests;
	case SL_QUOTA_COST:
		return global->cost;
	case SL_QUOTA_KINDS:
		break;
	}
	return false;
}

bool sl_quota_is_global(const struct sl_tenant_spec *tenant, enum sl_quota_kind kind)
{
	return is_asked_for(&tenant->global, kind) && amount_of(tenant, kind).rate_mu_per_s;
}

static enum sl_on_expiry on_expiry(enum sl_fallback fallback)
{
	switch (fallback) {
	case SL_FALLBACK_LAST:
		return SL_EXPIRY_LAST;
	case SL_FALLBACK_SAFE:
		return SL_EXPIRY_SAFE;
	case SL_FALLBACK_CLOSED:
		return SL_EXPIRY_CLOSED;
	case SL_FALLBACK_OPEN:
		return SL_EXPIRY_OPEN;
	case SL_FALLBACK_BLEND:
		break;
	}
	return SL_EXPIRY_BLEND;
}

static enum sl_quota_class class_of(enum sl_tenant_class class)
{
	switch (class) {
	case SL_TENANT_CRITICAL_PLUS:
		return SL_QUOTA_CRITICAL_PLUS;
	case SL_TENANT_CRITICAL:
		break;
	case SL_TENANT_SHEDDABLE_PLUS:
		return SL_QUOTA_SHEDDABLE_PLUS;
	case SL_TENANT_SHEDDABLE:
		return SL_QUOTA_SHEDDABLE;
	}
	return SL_QUOTA_CRITICAL;
}

static int64_t percent_of(int64_t amount_mu, uint32_t percent)
{
	return cut((unsigned __int128)amount_mu * percent / 100);
}

int64_t sl_quota_capacity_of(const struct sl_capacity_spec *capacity, enum sl_quota_kind kind)
{
	const struct sl_rate_spec *const rates[SL_QUOTA_KINDS] = {
		[SL_QUOTA_PACKETS] = &capacity->packets,
		[SL_QUOTA_BYTES] = &capacity->bytes,
		[SL_QUOTA_NEW_CONNS] = &capacity->new_connections,
		[SL_QUOTA_REQUESTS] = &capacity->requests,
		[SL_QUOTA_COST] = &capacity->cost,
	};

	if (rates[kind]->unlimited)
		return -1;
	return cut((unsigned __int128)rates[kind]->per_s * (kind == SL_QUOTA_BYTES ? 1 : UNIT_MU));
}

struct sl_terms sl_quota_terms_of(const struct sl_quota_spec *quota,
				  const struct sl_tenant_spec *tenant, enum sl_quota_kind kind)
{
	const struct amount amount = amount_of(tenant, kind);
	struct sl_terms terms =
		sl_terms_of(quota->generation, amount.rate_mu_per_s, amount.burst_mu);

	terms.cost_max_mu = amount.cost_max_mu;
	terms.period_ms = (uint32_t)(quota->period_ns / NS_PER_MS);
	terms.ttl_ms = (uint32_t)(quota->ttl_ns / NS_PER_MS);
	terms.guarantee_mu_per_s =
		percent_of(amount.rate_mu_per_s, tenant->global.guarantee_percent);
	terms.ceiling_mu_per_s = percent_of(amount.rate_mu_per_s, tenant->global.ceiling_percent);
	terms.weight = tenant->global.weight;
	terms.class = class_of(tenant->class);
	terms.on_expiry = on_expiry(tenant->on_lease_expiry);
	terms.small = sl_terms_are_small(amount.rate_mu_per_s, quota->nodes);
	return terms;
}
