// SPDX-License-Identifier: Apache-2.0
/* What the leases allow, as limits of the kernel and of gateways. */
#include "userspace/agent/quota_adopt.h"
#include "userspace/agent/quota_private.h"

#include <string.h>

#include "userspace/dataplane/sync_rates.h"
#include "userspace/domain/rate_change.h"

#define S_NS 1000000000ull

static bool is_kernels(enum sl_quota_kind kind)
{
	return kind == SL_QUOTA_PACKETS || kind == SL_QUOTA_BYTES || kind == SL_QUOTA_NEW_CONNS;
}

/* ---- one state ------------------------------------------------------------------------ */

static uint64_t amount(int64_t mu)
{
	return mu > 0 ? (uint64_t)mu : 0;
}

static struct sl_rate rate_of(const struct sl_quota_state *state, enum sl_unit unit,
			      uint64_t now_ns)
{
	const bool blocked = now_ns < state->block_until_ns;

	if (state->unlimited)
		return (struct sl_rate){ 0 };
	return sl_rate_of_mu(blocked ? 0 : amount(state->rate_mu_per_s), amount(state->cap_mu),
			     unit);
}

/* What the kernel does at the end of the lease when nobody is there to tell it. */
static enum sl_fallback fallback_of(const struct sl_quota_slot *slot,
				    const struct sl_quota_state *state)
{
	const bool blends = slot->terms.on_expiry == SL_EXPIRY_BLEND && !slot->terms.small &&
			    state->mode == SL_QUOTA_MODE_HELD;

	return blends && state->fallback == SL_FALLBACK_SAFE ? SL_FALLBACK_BLEND : state->fallback;
}

/* ---- the kernel: a tenant's leases share one end -------------------------------------- */

static void add_to(struct sl_leased *leased, const struct sl_quota_slot *slot,
		   const struct sl_quota_state *state, uint64_t now_ns)
{
	const enum sl_unit unit = slot->kind == SL_QUOTA_BYTES ? SL_UNIT_BYTES : SL_UNIT_COUNT;
	const struct sl_rate rate = rate_of(state, unit, now_ns);
	const struct sl_rate safe =
		sl_rate_of_mu(amount(state->safe_rate_mu_per_s), amount(state->safe_cap_mu), unit);
	const bool is_safe = state->fallback == SL_FALLBACK_SAFE;

	if (slot->kind == SL_QUOTA_PACKETS) {
		leased->which |= SL_LEASED_PACKETS;
		leased->packets = rate;
		leased->safe_packets = is_safe ? safe : rate;
	} else if (slot->kind == SL_QUOTA_BYTES) {
		leased->which |= SL_LEASED_BYTES;
		leased->bytes = rate;
		leased->safe_bytes = is_safe ? safe : rate;
	} else {
		leased->which |= SL_LEASED_NEW_CONNS;
		leased->new_conns = rate;
		leased->safe_new_conns = is_safe ? safe : rate;
	}
	if (!state->expiry_ns || (leased->until_ns && leased->until_ns <= state->expiry_ns))
		return;
	leased->until_ns = state->expiry_ns;
	leased->fallback = fallback_of(slot, state);
}

/* All leases of @slot's tenant that the kernel enforces. */
static struct sl_leased leased_of(const struct sl_quota *quota, const struct sl_quota_slot *slot,
				  uint64_t now_ns)
{
	struct sl_leased leased = { 0 };
	size_t first = slot->at;

	while (first && quota->slots[first - 1]->id == slot->id)
		first--;
	for (size_t i = first; i < quota->count && quota->slots[i]->id == slot->id; i++) {
		const struct sl_quota_slot *of = quota->slots[i];
		struct sl_quota_state state;

		if (of->is_gone || !is_kernels(of->kind))
			continue;
		sl_quota_state_of(of, &state, now_ns);
		add_to(&leased, of, &state, now_ns);
	}
	return leased;
}

/* ---- gateways --------------------------------------------------------------------------- */

static struct sl_request_limit limit_of(int64_t rate_mu_per_s, int64_t cap_mu)
{
	uint64_t rate = amount(rate_mu_per_s), requests = amount(cap_mu) / 1000;
	uint64_t period_ns;

	if (!rate || !requests)
		return (struct sl_request_limit){ .period_ns = 1 };
	period_ns = (1000 * S_NS + rate - 1) / rate; /* up: never faster than it is leased */
	return (struct sl_request_limit){ period_ns, requests * period_ns };
}

static struct sl_request_rule rule_of(const struct sl_quota_slot *slot,
				      const struct sl_quota_state *state, uint64_t now_ns)
{
	const bool blocked = now_ns < state->block_until_ns;
	struct sl_request_rule rule = {
		.safe = limit_of(state->safe_rate_mu_per_s, state->safe_cap_mu),
		.lease_until_ns = state->expiry_ns,
		.window_ns = slot->window_ns,
	};

	if (!state->unlimited)
		rule.limit = limit_of(blocked ? 0 : state->rate_mu_per_s, state->cap_mu);
	if (state->fallback != SL_FALLBACK_SAFE)
		rule.safe = rule.limit;
	return rule;
}

static enum sl_request_class class_of(const struct sl_quota_slot *slot)
{
	return slot->kind == SL_QUOTA_COST ? SL_REQUEST_COST : SL_REQUEST_GLOBAL;
}

/* ---- all together --------------------------------------------------------------------- */

void sl_quota_write(struct sl_quota *quota, struct sl_quota_slot *slot, uint64_t now_ns)
{
	struct sl_quota_marks marks;
	struct sl_quota_state state;

	if (!quota->maps || slot->is_gone)
		return;
	sl_quota_state_of(slot, &state, now_ns);
	slot->change_ns = state.change_ns;
	if (state.block_until_ns > now_ns && state.block_until_ns < slot->change_ns)
		slot->change_ns = state.block_until_ns;
	slot->state = state;
	if (is_kernels(slot->kind)) {
		const struct sl_leased leased = leased_of(quota, slot, now_ns);

		(void)sl_sync_leased(quota->maps, slot->id, &leased, now_ns);
	} else {
		const struct sl_request_rule rule = rule_of(slot, &state, now_ns);

		(void)sl_sync_leased_requests(quota->maps, slot->id, class_of(slot), &rule, now_ns);
	}
	marks = sl_quota_marks_of(quota, slot, now_ns);
	(void)sl_sync_lease_marks(quota->maps, slot->id, marks.leases, marks.nodes);
}

/*
 * A small tenant has no last rate to go on from: on each node its limit may be all of R, so at
 * the end gateways turn to its safe share at once, as the kernel does. They have one fallback of
 * a tenant for requests and cost.
 */
static void set_small(struct sl_requests *requests, const struct sl_quota_slot *slot)
{
	const uint32_t mask = (uint32_t)SL_REQUESTS_FALLBACK_MASK << SL_REQUESTS_FALLBACK_SHIFT;

	if (slot->terms.on_expiry == SL_EXPIRY_CLOSED || slot->terms.on_expiry == SL_EXPIRY_OPEN)
		return;
	requests->flags &= ~mask;
	requests->flags |= (uint32_t)SL_FALLBACK_SAFE << SL_REQUESTS_FALLBACK_SHIFT;
}

void sl_quota_overlay(struct sl_quota *quota, struct sl_plan *plan, uint64_t tick_ns,
		      uint64_t now_ns)
{
	for (size_t i = 0; i < quota->count; i++) {
		const struct sl_quota_slot *slot = quota->slots[i];
		struct sl_quota_marks marks;
		struct sl_quota_state state;

		if (slot->is_gone || slot->id >= plan->tenants)
			continue;
		marks = sl_quota_marks_of(quota, slot, now_ns);
		plan->limits[slot->id].leases = marks.leases;
		plan->limits[slot->id].lease_nodes = marks.nodes;
		if (is_kernels(slot->kind)) {
			const struct sl_leased leased = leased_of(quota, slot, now_ns);

			sl_leased_into(&plan->limits[slot->id], &leased, tick_ns);
			continue;
		}
		sl_quota_state_of(slot, &state, now_ns);
		plan->requests[slot->id].rule[class_of(slot)] = rule_of(slot, &state, now_ns);
		plan->requests[slot->id].set |= 1u << class_of(slot);
		if (slot->terms.small)
			set_small(&plan->requests[slot->id], slot);
	}
}
