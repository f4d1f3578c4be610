// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_lead.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_private.h"
#include "userspace/agent/quota_terms.h"
#include "userspace/quota/share.h"
#include "userspace/quota/store.h"
#include "userspace/redis/slots.h"

/* Rounds after which what is not R is written again: long before it begins to decay. */
#define REFRESH_ROUNDS 10

struct item {
	char tenant[SL_TENANT_NAME_BYTES];
	enum sl_quota_kind kind;
	uint32_t bucket;
	bool is_used; /* Redis knows it */
	int64_t in_force_mu_per_s;
	struct sl_share share;
};

enum stage {
	STAGE_LOCK,
	STAGE_READ,
	STAGE_WRITE
};

struct round {
	struct sl_quota *quota;
	enum stage stage;
	struct item *items; /* by bucket */
	size_t count, next;
	size_t asked[SL_WIRE_TENANTS_MAX]; /* which items the call is about */
	size_t asked_count;
	uint64_t call_id;
	bool refreshes; /* what is not R, as it is */
	struct sl_wire_call wire;
};

bool sl_quota_may_lead(const struct sl_quota *quota)
{
	return quota->leading.is_on;
}

bool sl_quota_leads(const struct sl_quota *quota)
{
	return quota->leading.token != 0;
}

struct sl_quota_lead_stats sl_quota_lead_stats(const struct sl_quota *quota)
{
	return quota->leading.stats;
}

static void end_round(struct round *round, int err)
{
	struct sl_loop *loop = round->quota->loop;
	struct sl_quota_leading *leading = &round->quota->leading;
	enum sl_turn_end end = err ? SL_TURN_FAILED : SL_TURN_DONE;

	leading->is_busy = false;
	leading->stats.rounds_total++;
	if (err) {
		leading->stats.failed_total++;
		leading->token = 0;
	}
	/* Of a lock that was lost while the clock went back: kept, it would be refused for ever. */
	if (err == -ESTALE)
		end = SL_TURN_REFUSED;
	sl_turns_end(&leading->turns, end, loop->now_ns(loop));
	free(round->items);
	free(round);
}

/* ---- calls ------------------------------------------------------------------------------ */

static void on_answer(void *userdata, int status, const struct sl_redis_reply *reply);

static int send_round(struct round *round, const char *key, int err)
{
	if (err)
		return err;
	return sl_redis_call(round->quota->redis, sl_redis_slot(sl_span_of(key)), round->wire.argc,
			     round->wire.argv, round->wire.lengths, on_answer, round);
}

/* Needs to be written: it changes, or it would decay, or carries a former leader's token. */
static bool is_due(const struct round *round, const struct item *item)
{
	const int64_t rate = item->share.effective_mu_per_s;

	if (!item->is_used)
		return false;
	return rate != item->in_force_mu_per_s ||
	       (rate != item->share.rate_mu_per_s && round->refreshes);
}

/* The next items of one bucket that this stage is about; false: that was all. */
static bool gather(struct round *round, struct sl_wire_tenant *tenants, int64_t *rates)
{
	size_t i = round->next, count = 0;

	for (; i < round->count && count < SL_WIRE_TENANTS_MAX; i++) {
		const struct item *item = &round->items[i];

		if (round->stage == STAGE_WRITE && !is_due(round, item))
			continue;
		if (count && item->bucket != round->items[round->asked[0]].bucket)
			break;
		tenants[count] = (struct sl_wire_tenant){ sl_span_of(item->tenant), item->kind };
		rates[count] = item->share.effective_mu_per_s;
		round->asked[count++] = i;
	}
	round->next = i;
	round->asked_count = count;
	return count;
}

/* 0: a call is under way; 1: there is nothing more to ask in this stage. */
static int ask(struct round *round)
{
	const struct sl_wire_keys *keys = &round->quota->keys;
	struct sl_wire_tenant tenants[SL_WIRE_TENANTS_MAX];
	int64_t rates[SL_WIRE_TENANTS_MAX];
	char key[SL_WIRE_KEY_BYTES];
	int err;

	if (!gather(round, tenants, rates))
		return 1;
	round->call_id = ++round->quota->next_call_id;
	err = round->stage == STAGE_READ ? sl_wire_show(&round->wire, keys, round->call_id, tenants,
							round->asked_count, false)
					 : sl_wire_share(&round->wire, keys, round->call_id,
							 round->quota->leading.token, tenants,
							 rates, round->asked_count);
	if (!err)
		err = sl_wire_key(keys, &tenants[0], key);
	return send_round(round, key, err);
}

/* ---- answers ---------------------------------------------------------------------------- */

static int take_lock(struct round *round, struct sl_span text)
{
	struct sl_quota *quota = round->quota;
	const bool led = quota->leading.token != 0;
	int64_t token = 0;
	int err = sl_wire_read_lead(&token, round->call_id, text);

	if (err)
		return err;
	round->refreshes = token != quota->leading.token ||
			   quota->leading.stats.rounds_total % REFRESH_ROUNDS == 0;
	quota->leading.token = token;
	if (led != (token != 0))
		sl_log(quota->log, SL_LOG_INFO,
		       token ? "shares the platform's capacity out from now on"
			     : "another agent shares the platform's capacity out",
		       SL_NUM("token", (uint64_t)token));
	return 0;
}

/* What nodes wanted that all fell silent long ago is wanted no more. */
static bool is_stale(const struct sl_wire_shown *shown, int64_t now_ms)
{
	return now_ms - shown->sums.last_ms > 2 * (int64_t)shown->terms.ttl_ms;
}

static void take_one(struct item *item, const struct sl_wire_shown *shown, int64_t now_ms)
{
	const struct sl_terms *terms = &shown->terms;

	item->is_used = shown->status == SL_QUOTA_OK;
	if (!item->is_used)
		return;
	item->in_force_mu_per_s = shown->sums.rate_mu_per_s;
	item->share = (struct sl_share){
		.rate_mu_per_s = terms->rate_mu_per_s,
		.guarantee_mu_per_s = terms->guarantee_mu_per_s,
		.ceiling_mu_per_s = terms->ceiling_mu_per_s,
		.weight = terms->weight,
		.live = shown->sums.live,
		.class = terms->class,
		.want_mu_per_s = is_stale(shown, now_ms) ? 0 : shown->sums.want,
	};
}

static int take_shown(struct round *round, struct sl_span text)
{
	struct sl_wire_show_reader reader;
	struct sl_wire_shown shown;
	int r = sl_wire_read_show(&reader, round->asked_count, round->call_id, text);

	for (size_t i = 0; !r && i < round->asked_count; i++) {
		if (sl_wire_next_shown(&reader, &shown) != 1)
			return -EPROTO;
		take_one(&round->items[round->asked[i]], &shown, reader.now_us / 1000);
	}
	return r;
}

static int take_written(struct round *round, struct sl_span text)
{
	struct sl_quota_lead_stats *stats = &round->quota->leading.stats;
	enum sl_quota_status statuses[SL_WIRE_TENANTS_MAX];
	int err = sl_wire_read_statuses(statuses, round->asked_count, round->call_id, text);

	for (size_t i = 0; !err && i < round->asked_count; i++) {
		stats->writes_total += statuses[i] == SL_QUOTA_OK;
		stats->stale_total += statuses[i] == SL_QUOTA_STALE;
		if (statuses[i] == SL_QUOTA_STALE)
			err = -ESTALE;
	}
	return err;
}

/* ---- sharing ---------------------------------------------------------------------------- */

static int fill_kind(struct round *round, enum sl_quota_kind kind)
{
	struct sl_share *shares = calloc(round->count, sizeof(*shares));
	size_t count = 0;

	if (!shares)
		return -ENOMEM;
	for (size_t i = 0; i < round->count; i++)
		if (round->items[i].kind == kind && round->items[i].is_used)
			shares[count++] = round->items[i].share;
	sl_share_fill(shares, count, round->quota->leading.capacity_mu_per_s[kind]);
	count = 0;
	for (size_t i = 0; i < round->count; i++)
		if (round->items[i].kind == kind && round->items[i].is_used)
			round->items[i].share = shares[count++];
	free(shares);
	return 0;
}

static int fill(struct round *round)
{
	int err = 0;

	for (int kind = 0; !err && kind < SL_QUOTA_KINDS && round->count; kind++)
		if (round->quota->leading.capacity_mu_per_s[kind] >= 0)
			err = fill_kind(round, (enum sl_quota_kind)kind);
	return err;
}

/* ---- a round ---------------------------------------------------------------------------- */

static int take(struct round *round, struct sl_span text)
{
	switch (round->stage) {
	case STAGE_LOCK:
		return take_lock(round, text);
	case STAGE_READ:
		return take_shown(round, text);
	case STAGE_WRITE:
		break;
	}
	return take_written(round, text);
}

/* What comes after an answer that was taken: 0: a call, 1: nothing, the round is over. */
static int go_on(struct round *round)
{
	int r = 1;

	if (round->stage == STAGE_LOCK) {
		if (!sl_quota_leads(round->quota))
			return 1;
		round->stage = STAGE_READ;
	}
	if (round->stage == STAGE_READ) {
		r = ask(round);
		if (r != 1)
			return r;
		r = fill(round);
		if (r)
			return r;
		round->stage = STAGE_WRITE;
		round->next = 0;
	}
	return ask(round);
}

static void on_answer(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct round *round = userdata;
	int r = status;

	if (!r && round->quota->is_stopping)
		r = -ECANCELED;
	if (!r)
		r = reply->type == SL_REDIS_STRING ? take(round, reply->text) : -EPROTO;
	round->quota->stats.bad_total += r == -EPROTO;
	if (!r)
		r = go_on(round);
	if (r)
		end_round(round, r < 0 ? r : 0);
}

static int collect(struct round *round)
{
	const struct sl_quota *quota = round->quota;

	round->items = calloc(quota->count ? quota->count : 1, sizeof(*round->items));
	if (!round->items)
		return -ENOMEM;
	for (size_t i = 0; i < quota->count; i++) {
		const struct sl_quota_slot *slot = quota->slots[i];
		struct item *item = &round->items[round->count];

		if (slot->is_gone || quota->leading.capacity_mu_per_s[slot->kind] < 0)
			continue;
		memcpy(item->tenant, slot->tenant, sizeof(item->tenant));
		item->kind = slot->kind;
		item->bucket = slot->bucket;
		round->count++;
	}
	return 0;
}

static int begin_round(struct sl_quota *quota)
{
	struct round *round = calloc(1, sizeof(*round));
	char key[SL_WIRE_KEY_BYTES];
	int err;

	if (!round)
		return -ENOMEM;
	quota->leading.is_busy = true;
	round->quota = quota;
	round->call_id = ++quota->next_call_id;
	(void)snprintf(key, sizeof(key), "%s:{alloc}", quota->prefix);
	err = collect(round);
	if (!err)
		err = send_round(round, key,
				 sl_wire_lead(&round->wire, &quota->keys, round->call_id,
					      sl_span_of(quota->node)));
	if (err)
		end_round(round, err);
	return err;
}

void sl_quota_lead_take(struct sl_quota *quota, const struct sl_config *config)
{
	struct sl_quota_leading *leading = &quota->leading;

	leading->is_on = false;
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		leading->capacity_mu_per_s[kind] =
			sl_quota_capacity_of(&config->quota.capacity, (enum sl_quota_kind)kind);
		leading->is_on |= leading->capacity_mu_per_s[kind] >= 0;
	}
	if (!leading->is_on)
		leading->token = 0;
	quota->series_max = config->metrics_tenants_max;
}

void sl_quota_lead_tick(struct sl_quota *quota, uint64_t now_ns)
{
	struct sl_quota_leading *leading = &quota->leading;

	if (!leading->is_on || leading->is_busy || now_ns < leading->turns.next_ns)
		return;
	sl_turns_begin(&leading->turns, now_ns);
	(void)begin_round(quota);
}
