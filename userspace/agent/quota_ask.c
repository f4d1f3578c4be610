// SPDX-License-Identifier: Apache-2.0
/* Calls to the store: all that is due of one bucket in one call, and the answers. */
#include "userspace/agent/quota_private.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/redis/slots.h"

/* A call under way, with what it is about. */
struct call {
	struct sl_quota *quota;
	uint64_t id;
	uint64_t sent_ns;
	bool central, terms;
	size_t count;
	struct sl_quota_slot *slots[SL_WIRE_TENANTS_MAX];
	uint64_t send_ids[SL_WIRE_TENANTS_MAX];
	struct sl_wire_tenant tenants[SL_WIRE_TENANTS_MAX];
	union {
		struct sl_renew renewals[SL_WIRE_TENANTS_MAX];
		struct sl_charge charges[SL_WIRE_TENANTS_MAX];
	};
	struct sl_wire_call wire;
};

static void end_call(struct call *call)
{
	for (size_t i = 0; i < call->count; i++)
		call->slots[i]->calls--;
	free(call);
}

static void failed(struct call *call, int status, const struct sl_redis_reply *reply,
		   uint64_t now_ns)
{
	sl_quota_away_note(call->quota, status, reply, now_ns);
	call->quota->stats.failed_total++;
	if (!call->quota->failing_ns)
		call->quota->failing_ns = call->sent_ns;
	for (size_t i = 0; i < call->count; i++) {
		struct sl_quota_slot *slot = call->slots[i];

		if (call->terms) {
			slot->is_sending_terms = false;
		} else if (call->central) {
			sl_central_failed(&slot->central, call->send_ids[i], now_ns);
			sl_quota_write(call->quota, slot, now_ns);
		} else {
			sl_lease_failed(&slot->lease, call->send_ids[i], now_ns);
		}
	}
}

/* ---- terms ------------------------------------------------------------------------------ */

static void send_terms(struct sl_quota *quota, struct sl_quota_slot *slot, uint64_t now_ns);

static void took_terms(struct sl_quota *quota, struct sl_quota_slot *slot,
		       enum sl_quota_status status, uint64_t now_ns)
{
	slot->is_sending_terms = false;
	slot->terms_status = status;
	if (status == SL_QUOTA_CONFLICT || status == SL_QUOTA_STALE) {
		quota->stats.conflicts_total++;
		sl_log_limited(quota->log, SL_LOG_SYNC, SL_LOG_WARN,
			       "another node has other terms of this limit: make the "
			       "configurations alike and raise quota.generation",
			       SL_STR("tenant", slot->tenant),
			       SL_STR("limit", sl_quota_kind_name(slot->kind)),
			       SL_STR("status", sl_quota_status_name(status)));
	}
	if (slot->terms.small)
		sl_central_sent_terms(&slot->central, now_ns);
	else
		sl_lease_sent_terms(&slot->lease, now_ns);
}

/* ---- answers ---------------------------------------------------------------------------- */

/* The store has none, or older ones than we do. */
static bool wants_terms(const struct sl_quota_slot *slot, enum sl_quota_status status, int64_t gen)
{
	return status == SL_QUOTA_UNKNOWN || (gen >= 0 && (uint64_t)gen < slot->terms.gen);
}

static bool take_renewed(struct call *call, struct sl_span text, uint64_t now_ns)
{
	struct sl_renewed renewed[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_renewed(renewed, call->count, call->id, text) != 0)
		return false;
	for (size_t i = 0; i < call->count; i++) {
		struct sl_quota_slot *slot = call->slots[i];

		if (sl_lease_answer(&slot->lease, call->send_ids[i], &renewed[i], now_ns))
			sl_quota_write(call->quota, slot, now_ns);
		if (wants_terms(slot, renewed[i].status, renewed[i].gen))
			send_terms(call->quota, slot, now_ns);
	}
	return true;
}

static bool take_charged(struct call *call, struct sl_span text, uint64_t now_ns)
{
	struct sl_charged charged[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_charged(charged, call->count, call->id, text) != 0)
		return false;
	for (size_t i = 0; i < call->count; i++) {
		struct sl_quota_slot *slot = call->slots[i];

		if (sl_central_answer(&slot->central, call->send_ids[i], &charged[i], now_ns))
			sl_quota_write(call->quota, slot, now_ns);
		if (wants_terms(slot, charged[i].status, charged[i].gen))
			send_terms(call->quota, slot, now_ns);
	}
	return true;
}

static bool take_statuses(struct call *call, struct sl_span text, uint64_t now_ns)
{
	enum sl_quota_status statuses[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_statuses(statuses, call->count, call->id, text) != 0)
		return false;
	for (size_t i = 0; i < call->count; i++)
		took_terms(call->quota, call->slots[i], statuses[i], now_ns);
	return true;
}

static void answered(const struct call *call, uint64_t now_ns)
{
	if (call->terms)
		return;
	call->quota->answered_ns = now_ns;
	call->quota->failing_ns = 0;
}

static void on_answer(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct call *call = userdata;
	struct sl_quota *quota = call->quota;
	uint64_t now_ns = sl_monotonic_ns();
	bool good = false;

	if (status == 0 && reply->type == SL_REDIS_STRING && !quota->is_stopping) {
		if (call->terms)
			good = take_statuses(call, reply->text, now_ns);
		else if (call->central)
			good = take_charged(call, reply->text, now_ns);
		else
			good = take_renewed(call, reply->text, now_ns);
		quota->stats.bad_total += !good;
	}
	quota->stats.renew_ns = now_ns - call->sent_ns;
	if (good)
		answered(call, now_ns);
	else
		failed(call, status, reply, now_ns);
	end_call(call);
	sl_quota_sweep(quota);
}

/* ---- calls ------------------------------------------------------------------------------ */

static struct call *new_call(struct sl_quota *quota, uint64_t now_ns)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->quota = quota;
	call->id = ++quota->next_call_id;
	call->sent_ns = now_ns;
	return call;
}

static void add(struct call *call, struct sl_quota_slot *slot)
{
	call->slots[call->count] = slot;
	call->tenants[call->count] = (struct sl_wire_tenant){
		.name = sl_span_of(slot->tenant),
		.kind = slot->kind,
	};
	call->count++;
	slot->calls++;
}

/* Takes @call over. The key of the first is that of the call's slot: all share a bucket. */
static void send_call(struct call *call, int err, uint64_t now_ns)
{
	struct sl_quota *quota = call->quota;
	char key[SL_WIRE_KEY_BYTES];

	quota->stats.calls_total++;
	if (!err)
		err = sl_wire_key(&quota->keys, &call->tenants[0], key);
	if (!err)
		err = sl_redis_call(quota->redis, sl_redis_slot(sl_span_of(key)), call->wire.argc,
				    call->wire.argv, call->wire.lengths, on_answer, call);
	if (!err)
		return;
	failed(call, err, NULL, now_ns);
	end_call(call);
}

static void send_terms(struct sl_quota *quota, struct sl_quota_slot *slot, uint64_t now_ns)
{
	struct call *call;

	if (slot->is_sending_terms || slot->is_gone)
		return;
	call = new_call(quota, now_ns);
	if (!call)
		return;
	slot->is_sending_terms = true;
	call->terms = true;
	add(call, slot);
	send_call(
		call,
		sl_wire_terms(&call->wire, &quota->keys, call->id, &call->tenants[0], &slot->terms),
		now_ns);
}

static bool is_due(const struct sl_quota_slot *slot, uint64_t now_ns)
{
	if (slot->is_gone)
		return false;
	return (slot->terms.small ? sl_central_due_ns(&slot->central, now_ns)
				  : sl_lease_due_ns(&slot->lease, now_ns)) <= now_ns;
}

/* Into the call; what is asked for is in force before it leaves (release before report). */
static void ask(struct call *call, struct sl_quota_slot *slot, uint64_t now_ns)
{
	size_t at = call->count;

	add(call, slot);
	if (call->central)
		sl_central_ask(&slot->central, &call->charges[at], &call->send_ids[at], now_ns);
	else if (sl_lease_ask(&slot->lease, &call->renewals[at], &call->send_ids[at], now_ns))
		sl_quota_write(call->quota, slot, now_ns);
}

/* Those of one bucket and way that are due, from @first on; how many slots were looked at. */
static size_t ask_bucket(struct sl_quota *quota, size_t first, bool central, uint64_t now_ns)
{
	const uint32_t bucket = quota->slots[first]->bucket;
	struct call *call = NULL;
	size_t i;
	int err;

	for (i = first; i < quota->count && quota->slots[i]->bucket == bucket; i++) {
		struct sl_quota_slot *slot = quota->slots[i];

		if (slot->terms.small != central || !is_due(slot, now_ns))
			continue;
		if (!call)
			call = new_call(quota, now_ns);
		if (!call)
			return i;
		call->central = central;
		ask(call, slot, now_ns);
		if (call->count == SL_WIRE_TENANTS_MAX) {
			i++;
			break;
		}
	}
	if (!call)
		return i;
	err = central ? sl_wire_central(&call->wire, &quota->keys, call->id,
					sl_span_of(quota->node), quota->incarnation, call->tenants,
					call->charges, call->count)
		      : sl_wire_renew(&call->wire, &quota->keys, call->id, sl_span_of(quota->node),
				      quota->incarnation, call->tenants, call->renewals,
				      call->count);
	send_call(call, err, now_ns);
	return i;
}

void sl_quota_ask(struct sl_quota *quota, uint64_t now_ns)
{
	for (int central = 0; central < 2; central++)
		for (size_t i = 0; i < quota->count;)
			i = ask_bucket(quota, i, central, now_ns);
}
