// SPDX-License-Identifier: Apache-2.0
/* What arrived and what was admitted since the last look, by the counters in the maps. */
#include "userspace/agent/quota_private.h"

#include "userspace/dataplane/counters_read.h"

#define UNIT_MU 1000

struct seen {
	uint64_t arrived_mu, admitted_mu;
};

static uint64_t packets_over(const struct sl_reason_counts *counts)
{
	return counts->rate_packets.packets + counts->lease_safe.packets +
	       counts->lease_closed.packets;
}

static uint64_t bytes_over(const struct sl_reason_counts *counts)
{
	return counts->rate_bytes.bytes + counts->lease_safe.bytes + counts->lease_closed.bytes;
}

static struct seen seen_in_kernel(const struct sl_quota *quota, const struct sl_quota_slot *slot,
				  const struct sl_reason_counts *counts)
{
	const struct sl_maps_view *view = sl_maps_view(quota->maps);
	uint64_t over;

	if (slot->kind == SL_QUOTA_PACKETS)
		return (struct seen){ (counts->pass.packets + packets_over(counts)) * UNIT_MU,
				      counts->pass.packets * UNIT_MU };
	if (slot->kind == SL_QUOTA_BYTES)
		return (struct seen){ counts->pass.bytes + bytes_over(counts), counts->pass.bytes };
	over = counts->rate_new_conns.packets + counts->new_conns_reset.packets;
	return (struct seen){ (view->conns[slot->id].opened_total + over) * UNIT_MU,
			      view->conns[slot->id].opened_total * UNIT_MU };
}

/* Gateways count there; cost in thousandths of a unit. */
static struct seen seen_by_gateways(const struct sl_quota *quota, const struct sl_quota_slot *slot)
{
	const bool cost = slot->kind == SL_QUOTA_COST;
	const struct sl_request_words *words = sl_maps_view(quota->maps)->request_words;
	const struct sl_request_slot *at;
	uint64_t admitted, refused;

	if (!words)
		return (struct seen){ 0, 0 };
	at = &words[slot->id].slot[cost ? SL_REQUEST_COST : SL_REQUEST_GLOBAL];
	admitted = __atomic_load_n(&at->admitted, __ATOMIC_RELAXED);
	refused = __atomic_load_n(&at->refused, __ATOMIC_RELAXED);
	if (!cost) {
		admitted *= UNIT_MU;
		refused *= UNIT_MU;
	}
	return (struct seen){ admitted + refused, admitted };
}

static int64_t grown(uint64_t now_mu, uint64_t before_mu)
{
	return now_mu > before_mu ? (int64_t)(now_mu - before_mu) : 0;
}

/* By what is enforced since the last look. */
static struct sl_refusal_facts facts_of(const struct sl_quota_slot *slot)
{
	const struct sl_lease *lease = &slot->lease;
	struct sl_refusal_facts facts = {
		.mode = slot->state.mode,
		.rate_mu_per_s = slot->state.rate_mu_per_s,
		.limit_mu_per_s = slot->terms.rate_mu_per_s,
		.central = slot->terms.small,
		.drained = slot->terms.small ? slot->central.draining : slot->lease.draining,
	};

	if (slot->terms.small)
		return facts;
	facts.contended = lease->contended;
	facts.learning = lease->learning;
	facts.effective_mu_per_s = lease->seq ? lease->effective_mu_per_s : 0;
	return facts;
}

static void take(struct sl_quota_slot *slot, const struct seen *seen, uint64_t now_ns)
{
	int64_t arrived_mu = grown(seen->arrived_mu, slot->seen_arrived_mu);
	int64_t admitted_mu = grown(seen->admitted_mu, slot->seen_admitted_mu);

	slot->seen_arrived_mu = seen->arrived_mu;
	slot->seen_admitted_mu = seen->admitted_mu;
	if (!slot->is_counted) {
		slot->is_counted = true;
		return;
	}
	if (arrived_mu > admitted_mu) {
		const struct sl_refusal_facts facts = facts_of(slot);

		sl_refusals_add(&slot->refusals, &facts, arrived_mu - admitted_mu, now_ns);
	}
	if (!slot->terms.small)
		sl_lease_observe(&slot->lease, arrived_mu, admitted_mu, now_ns);
	else
		sl_central_observe(&slot->central, arrived_mu, admitted_mu, now_ns);
}

void sl_quota_observe(struct sl_quota *quota, uint64_t now_ns)
{
	struct sl_counters counters = { 0 };
	uint32_t read = SL_TENANT_NONE; /* whose counters these are */

	for (size_t i = 0; i < quota->count; i++) {
		struct sl_quota_slot *slot = quota->slots[i];
		struct seen seen;

		if (slot->is_gone)
			continue;
		if (slot->kind == SL_QUOTA_REQUESTS || slot->kind == SL_QUOTA_COST) {
			seen = seen_by_gateways(quota, slot);
		} else {
			if (read != slot->id &&
			    sl_counters_read_one(&counters, NULL, quota->maps, slot->id, NULL) != 0)
				continue;
			read = slot->id;
			seen = seen_in_kernel(quota, slot, &counters.ingress);
		}
		take(slot, &seen, now_ns);
	}
}
