// SPDX-License-Identifier: Apache-2.0
/* Single stores that a program sees whole, at once. */
#include <errno.h>

#include "userspace/dataplane/maps_private.h"
#include "userspace/dataplane/sync.h"

static struct sl_limit *limit_of(const struct sl_maps *maps, uint32_t half, uint32_t tenant)
{
	return &maps->view.limits[(size_t)half * maps->view.tenants + tenant];
}

static void set_lease(struct sl_side *side, uint64_t until_ns)
{
	__atomic_store_n(&side->lease_until_ns, until_ns, __ATOMIC_RELAXED);
}

static void set_request_leases(struct sl_requests *requests, uint64_t until_ns)
{
	for (size_t i = 0; i < SL_REQUEST_CLASSES; i++)
		__atomic_store_n(&requests->rule[i].lease_until_ns, until_ns, __ATOMIC_RELAXED);
}

int sl_sync_renew_lease(struct sl_maps *maps, uint32_t tenant, uint64_t until_ns)
{
	if (tenant >= maps->view.tenants)
		return -ERANGE;
	for (uint32_t half = 0; half < 2; half++) {
		set_lease(&limit_of(maps, half, tenant)->ingress, until_ns);
		set_lease(&limit_of(maps, half, tenant)->egress, until_ns);
		if (maps->view.requests)
			set_request_leases(&maps->view.requests[half * maps->view.tenants + tenant],
					   until_ns);
	}
	return 0;
}

static void renew(struct sl_side *side, uint64_t until_ns)
{
	if (side->lease_until_ns)
		set_lease(side, until_ns);
}

void sl_sync_renew_leases(struct sl_maps *maps, uint64_t until_ns)
{
	for (size_t i = 0; i < 2 * (size_t)maps->view.tenants; i++) {
		renew(&maps->view.limits[i].ingress, until_ns);
		renew(&maps->view.limits[i].egress, until_ns);
		if (maps->view.requests && maps->view.requests[i].rule[0].lease_until_ns)
			set_request_leases(&maps->view.requests[i], until_ns);
	}
}

void sl_sync_heartbeat(struct sl_maps *maps, uint64_t now_ns)
{
	__atomic_store_n(&maps->view.ctl->heartbeat_ns, now_ns, __ATOMIC_RELAXED);
}

void sl_sync_mode(struct sl_maps *maps, enum sl_mode mode)
{
	__atomic_store_n(&maps->view.ctl->mode, (__u32)mode, __ATOMIC_RELAXED);
}

/* The level before its deadline: a program that sees the new deadline sees the new level. */
static void shed(struct sl_side *side, uint32_t permille, uint64_t until_ns)
{
	if (!until_ns)
		__atomic_store_n(&side->shed_until_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&side->shed_permille, permille, __ATOMIC_RELAXED);
	__atomic_store_n(&side->shed_until_ns, until_ns, __ATOMIC_RELEASE);
}

int sl_sync_shed(struct sl_maps *maps, uint32_t tenant, uint32_t permille, uint64_t until_ns)
{
	struct sl_limit *live;

	if (tenant >= maps->view.tenants || permille > 1000)
		return -ERANGE;
	live = limit_of(maps, maps->view.ctl->epoch & 1, tenant);
	shed(&live->ingress, permille, until_ns);
	shed(&live->egress, permille, until_ns);
	return 0;
}
