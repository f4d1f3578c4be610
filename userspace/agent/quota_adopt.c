// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_adopt.h"

#include <string.h>

#include "userspace/base/siphash.h"
#include "userspace/dataplane/sync_rates.h"
#include "userspace/domain/rate_change.h"

#define MARK_BITS 4u
#define MARK_MASK 0xfu
#define S_MU	  1000000000000ull /* milli-units a second, of one each nanosecond */

_Static_assert(SL_QUOTA_KINDS *MARK_BITS <= 32, "adopt: no room for a mark of each kind");
_Static_assert(SL_QUOTA_MODE_FENCED + 1 <= MARK_MASK, "adopt: no room for each mode");

/* ---- what is left for the next agent -------------------------------------------------- */

static uint32_t mark_of(const struct sl_quota_slot *slot, uint64_t now_ns)
{
	struct sl_quota_state state;

	if (slot->terms.small) /* Redis has all of it */
		return 0;
	sl_quota_state_of(slot, &state, now_ns);
	return ((uint32_t)state.mode + 1) << (MARK_BITS * (uint32_t)slot->kind);
}

struct sl_quota_marks sl_quota_marks_of(const struct sl_quota *quota,
					const struct sl_quota_slot *slot, uint64_t now_ns)
{
	struct sl_quota_marks marks = { 0 };
	size_t first = slot->at;

	while (first && quota->slots[first - 1]->id == slot->id)
		first--;
	for (size_t i = first; i < quota->count && quota->slots[i]->id == slot->id; i++) {
		const struct sl_quota_slot *of = quota->slots[i];

		if (of->is_gone || of->terms.small)
			continue;
		marks.leases |= mark_of(of, now_ns);
		if (of->lease.live > marks.nodes)
			marks.nodes = of->lease.live;
	}
	return marks;
}

static uint64_t identity_of(const struct sl_quota *quota)
{
	static const uint64_t key[2] = { 0 };
	struct {
		char node[SL_WIRE_NODE_BYTES];
		char prefix[SL_WIRE_PREFIX_BYTES];
		uint64_t generation;
	} of;
	uint64_t hash[2];

	memset(&of, 0, sizeof(of));
	memcpy(of.node, quota->node, strlen(quota->node));
	memcpy(of.prefix, quota->prefix, strlen(quota->prefix));
	of.generation = quota->generation;
	sl_siphash(hash, key, &of, sizeof(of));
	return hash[0];
}

static bool is_fenced(const struct sl_quota *quota)
{
	for (size_t i = 0; i < quota->count; i++) {
		const struct sl_quota_slot *slot = quota->slots[i];

		if (slot->terms.small ? slot->central.fenced : slot->lease.fenced)
			return true;
	}
	return false;
}

void sl_quota_own(struct sl_quota *quota)
{
	const uint64_t whose = is_fenced(quota) ? 0 : (uint64_t)quota->incarnation;

	sl_sync_lease_owner(quota->maps, whose, identity_of(quota));
}

/* ---- what the former agent left --------------------------------------------------------- */

static void of_kernel(struct sl_quota_state *state, const struct sl_limit *limit,
		      enum sl_quota_kind kind)
{
	const struct sl_rate *rate = &limit->new_conns, *safe = &limit->safe_new_conns;
	enum sl_unit unit = SL_UNIT_COUNT;

	if (kind == SL_QUOTA_PACKETS) {
		rate = &limit->ingress.packets;
		safe = &limit->safe_packets;
	} else if (kind == SL_QUOTA_BYTES) {
		rate = &limit->ingress.bytes;
		safe = &limit->safe_bytes;
		unit = SL_UNIT_BYTES;
	}
	state->rate_mu_per_s = (int64_t)sl_rate_to_mu(rate, unit);
	state->safe_rate_mu_per_s = (int64_t)sl_rate_to_mu(safe, unit);
	state->expiry_ns = limit->ingress.lease_until_ns;
}

/* Rounded down, as the period was up. */
static int64_t of_gateways(const struct sl_request_limit *limit)
{
	const bool passes = limit->period_ns && limit->burst_ns;

	return passes ? (int64_t)(S_MU / limit->period_ns) : 0;
}

/* False: it is another tenant's by now, or was no lease. */
static bool read_left(struct sl_quota_state *ret, uint32_t *ret_nodes,
		      const struct sl_maps_view *view, const struct sl_plan *plan,
		      const struct sl_quota_slot *slot)
{
	const size_t at = slot->id + (view->ctl->epoch & 1 ? view->tenants : 0);
	const struct sl_limit *limit = &view->limits[at];
	const uint32_t mark = limit->leases >> (MARK_BITS * (uint32_t)slot->kind) & MARK_MASK;
	const bool cost = slot->kind == SL_QUOTA_COST;
	const struct sl_request_rule *rule;

	if (!mark || mark > SL_QUOTA_MODE_FENCED + 1 ||
	    limit->ingress.gen != plan->limits[slot->id].ingress.gen)
		return false;
	*ret = (struct sl_quota_state){ .mode = (enum sl_quota_mode)(mark - 1) };
	*ret_nodes = limit->lease_nodes;
	if (slot->kind != SL_QUOTA_REQUESTS && !cost) {
		of_kernel(ret, limit, slot->kind);
		return true;
	}
	if (!view->requests)
		return false;
	rule = &view->requests[at].rule[cost ? SL_REQUEST_COST : SL_REQUEST_GLOBAL];
	ret->rate_mu_per_s = of_gateways(&rule->limit);
	ret->safe_rate_mu_per_s = of_gateways(&rule->safe);
	ret->expiry_ns = rule->lease_until_ns;
	return true;
}

static bool adopt(struct sl_quota_slot *slot, const struct sl_maps_view *view,
		  const struct sl_plan *plan, uint64_t now_ns)
{
	struct sl_quota_state left;
	uint32_t nodes = 0;

	if (slot->is_gone || slot->terms.small || slot->id >= view->tenants ||
	    slot->id >= plan->tenants || !read_left(&left, &nodes, view, plan, slot))
		return false;
	if (nodes > SL_QUOTA_NODES_MAX)
		nodes = 0;
	sl_lease_adopt(&slot->lease, &left, nodes, now_ns);
	return slot->lease.has_lease;
}

void sl_quota_adopt(struct sl_quota *quota, struct sl_maps *maps, const struct sl_plan *plan,
		    uint64_t now_ns)
{
	const struct sl_maps_view *view = sl_maps_view(maps);
	const uint64_t incarnation = view->ctl->quota_incarnation;
	uint64_t adopted = 0;

	if (!incarnation || incarnation > INT64_MAX ||
	    view->ctl->quota_identity != identity_of(quota))
		return;
	for (size_t i = 0; i < quota->count; i++)
		adopted += adopt(quota->slots[i], view, plan, now_ns);
	if (!adopted)
		return;
	quota->incarnation = (int64_t)incarnation;
	sl_log(quota->log, SL_LOG_INFO, "took over the leases of the agent before",
	       SL_NUM("leases", adopted));
}
