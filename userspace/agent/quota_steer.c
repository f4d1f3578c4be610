// SPDX-License-Identifier: Apache-2.0
/* What operators said, put on the leases. */
#include "userspace/agent/quota_steer.h"

#include <string.h>

#include "userspace/agent/quota_private.h"
#include "userspace/base/clock.h"

const struct sl_said_record *sl_quota_said_of(const struct sl_quota *quota,
					      const struct sl_said_record *key)
{
	return sl_said_find(&quota->said.ledger, key);
}

const struct sl_said *sl_quota_ledger(const struct sl_quota *quota)
{
	return &quota->said.ledger;
}

const char *sl_quota_node(const struct sl_quota *quota)
{
	return quota->node;
}

bool sl_quota_is_drained(const struct sl_quota *quota)
{
	struct sl_said_record key = { .subject = SL_SAID_NODE };

	memcpy(key.name, quota->node, sizeof(key.name));
	return sl_said_holds(sl_quota_said_of(quota, &key), sl_unix_ms());
}

struct sl_terms sl_quota_terms_in_force(const struct sl_quota *quota, const char *tenant,
					enum sl_quota_kind kind, const struct sl_terms *configured)
{
	struct sl_said_record key = { .subject = SL_SAID_LIMIT, .kind = kind };
	struct sl_terms terms = *configured;

	(void)strncpy(key.name, tenant, sizeof(key.name) - 1);
	sl_said_apply(&terms, sl_quota_said_of(quota, &key), quota->nodes, sl_unix_ms());
	return terms;
}

static bool is_draining(const struct sl_quota_slot *slot)
{
	return slot->terms.small ? slot->central.draining : slot->lease.draining;
}

static void drain(struct sl_quota_slot *slot, uint64_t now_ns)
{
	if (slot->terms.small)
		sl_central_drain(&slot->central, now_ns);
	else
		sl_lease_drain(&slot->lease, now_ns);
}

/* False: a call names it, so not yet: its answer must not meet a lease that began anew. */
static bool steer(struct sl_quota *quota, struct sl_quota_slot *slot, bool drained, uint64_t now_ns)
{
	const struct sl_terms terms =
		sl_quota_terms_in_force(quota, slot->tenant, slot->kind, &slot->configured);
	bool changes = false;

	if (terms.gen != slot->terms.gen) {
		sl_quota_renew_terms(quota, slot, &terms, now_ns);
		changes = true;
	}
	if (drained && !is_draining(slot)) {
		drain(slot, now_ns);
		changes = true;
	} else if (!drained && is_draining(slot)) {
		if (slot->calls)
			return false;
		sl_quota_begin(quota, slot, &slot->terms, now_ns);
		changes = true;
	}
	if (changes)
		sl_quota_write(quota, slot, now_ns);
	return true;
}

void sl_quota_steer(struct sl_quota *quota, uint64_t now_ns)
{
	const int64_t now_ms = sl_unix_ms();
	const bool drained = sl_quota_is_drained(quota);
	bool all = true;

	if (!quota->said.is_changed && now_ms < quota->said.next_end_ms)
		return;
	for (size_t i = 0; i < quota->count; i++)
		if (!quota->slots[i]->is_gone)
			all &= steer(quota, quota->slots[i], drained, now_ns);
	quota->said.is_changed = !all;
	quota->said.next_end_ms = sl_said_next_end(&quota->said.ledger, now_ms);
}
