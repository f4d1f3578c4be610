// SPDX-License-Identifier: Apache-2.0
/* The leases of a node: which there are, and their turn. */
#include "userspace/agent/quota_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_adopt.h"
#include "userspace/agent/quota_terms.h"
#include "userspace/base/cleanup.h"
#include "userspace/bus/loop_event.h"
#include "userspace/quota/library.h"

/* ---- life ------------------------------------------------------------------------------- */

int sl_quota_new(struct sl_quota **ret, struct event_base *base,
		 const struct sl_quota_options *options, struct sl_redis_error_text *error)
{
	struct sl_quota *quota = calloc(1, sizeof(*quota));
	const struct sl_span library = sl_quota_library();
	int err;

	if (!quota)
		return -ENOMEM;
	quota->log = options->log;
	quota->incarnation = options->incarnation;
	quota->adopts = options->maps;
	quota->seed = options->seed;
	quota->leading.turns.random = options->seed;
	(void)strncpy(quota->node, options->node, sizeof(quota->node) - 1);
	(void)strncpy(quota->away.addresses, options->redis.addresses,
		      sizeof(quota->away.addresses) - 1);
	(void)strncpy(quota->prefix, options->prefix, sizeof(quota->prefix) - 1);
	quota->keys = (struct sl_wire_keys){ quota->prefix, options->buckets };
	err = sl_loop_event_new(&quota->loop, base);
	if (!err)
		err = sl_redis_new(&quota->redis, quota->loop, &options->redis, error);
	if (!err)
		err = sl_redis_load_function(quota->redis, SL_QUOTA_LIBRARY_NAME, library.at,
					     library.length);
	if (err) {
		sl_quota_free(quota);
		return err;
	}
	*ret = quota;
	return 0;
}

void sl_quota_free(struct sl_quota *quota)
{
	if (!quota)
		return;
	quota->is_stopping = true;
	sl_redis_free(quota->redis);
	sl_loop_event_free(quota->loop);
	for (size_t i = 0; i < quota->count; i++)
		free(quota->slots[i]);
	free(quota->slots);
	sl_said_release(&quota->said.ledger);
	free(quota);
}

/* ---- which leases there are --------------------------------------------------------------- */

static int compare_slots(const void *a, const void *b)
{
	const struct sl_quota_slot *x = *(const struct sl_quota_slot *const *)a;
	const struct sl_quota_slot *y = *(const struct sl_quota_slot *const *)b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static void sort(struct sl_quota *quota)
{
	if (quota->count)
		qsort(quota->slots, quota->count, sizeof(void *), compare_slots);
	for (size_t i = 0; i < quota->count; i++)
		quota->slots[i]->at = i;
}

void sl_quota_sweep(struct sl_quota *quota)
{
	size_t kept = 0;

	for (size_t i = 0; i < quota->count; i++) {
		struct sl_quota_slot *slot = quota->slots[i];

		if (slot->is_gone && !slot->calls) {
			free(slot);
			continue;
		}
		slot->at = kept;
		quota->slots[kept++] = slot;
	}
	quota->count = kept;
}

static int compare_names(const void *a, const void *b)
{
	const struct sl_quota_slot *x = *(const struct sl_quota_slot *const *)a;
	const struct sl_quota_slot *y = *(const struct sl_quota_slot *const *)b;
	const int by_name = strcmp(x->tenant, y->tenant);

	return by_name ? by_name : (int)x->kind - (int)y->kind;
}

/* Among the first @known slots, which are by name and kind. */
static struct sl_quota_slot *find(struct sl_quota *quota, const char *tenant,
				  enum sl_quota_kind kind, size_t known)
{
	size_t low = 0, high = known;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct sl_quota_slot *slot = quota->slots[middle];
		int way = strcmp(slot->tenant, tenant);

		if (!way)
			way = (int)slot->kind - (int)kind;
		if (!way)
			return slot;
		if (way < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void sl_quota_begin(struct sl_quota *quota, struct sl_quota_slot *slot,
		    const struct sl_terms *terms, uint64_t now_ns)
{
	const uint64_t seed = quota->seed + slot->id * SL_QUOTA_KINDS + slot->kind;

	slot->terms = *terms;
	if (terms->small)
		sl_central_begin(&slot->central, terms, quota->nodes, seed, now_ns);
	else
		sl_lease_begin(&slot->lease, terms, quota->nodes, seed, now_ns);
}

static bool is_same(const struct sl_terms *a, const struct sl_terms *b)
{
	return a->rate_mu_per_s == b->rate_mu_per_s && a->burst_mu == b->burst_mu &&
	       a->ttl_ms == b->ttl_ms && a->period_ms == b->period_ms &&
	       a->on_expiry == b->on_expiry && a->small == b->small &&
	       a->guarantee_mu_per_s == b->guarantee_mu_per_s &&
	       a->ceiling_mu_per_s == b->ceiling_mu_per_s && a->weight == b->weight &&
	       a->class == b->class;
}

void sl_quota_renew_terms(struct sl_quota *quota, struct sl_quota_slot *slot,
			  const struct sl_terms *terms, uint64_t now_ns)
{
	if (terms->gen == slot->terms.gen) {
		if (!is_same(terms, &slot->terms))
			sl_log(quota->log, SL_LOG_ERROR,
			       "a global limit changed, but quota.generation did not: the limit "
			       "stays as it was; raise quota.generation",
			       SL_STR("tenant", slot->tenant),
			       SL_STR("limit", sl_quota_kind_name(slot->kind)));
		return;
	}
	if (terms->small != slot->terms.small) {
		sl_quota_begin(quota, slot, terms, now_ns);
		return;
	}
	slot->terms = *terms;
	if (terms->small)
		(void)sl_central_set_terms(&slot->central, terms, now_ns);
	else
		(void)sl_lease_set_terms(&slot->lease, terms, now_ns);
}

static struct sl_quota_slot *add_slot(struct sl_quota *quota, const struct sl_tenant_spec *tenant,
				      enum sl_quota_kind kind)
{
	sl_autofree struct sl_quota_slot *slot = NULL;
	struct sl_quota_slot **grown;

	if (quota->count == SL_QUOTA_LEASES_MAX) {
		quota->stats.refused_total++;
		return NULL;
	}
	slot = calloc(1, sizeof(*slot));
	grown = realloc(quota->slots, (quota->count + 1) * sizeof(void *));
	if (grown)
		quota->slots = grown;
	if (!slot || !grown)
		return NULL;
	memcpy(slot->tenant, tenant->name, sizeof(slot->tenant));
	slot->kind = kind;
	slot->bucket = sl_wire_bucket(&quota->keys, sl_span_of(slot->tenant));
	quota->slots[quota->count++] = slot;
	return SL_TAKE_PTR(slot);
}

static void take_one(struct sl_quota *quota, const struct sl_quota_spec *spec,
		     const struct sl_tenant_spec *tenant, enum sl_quota_kind kind, uint32_t id,
		     size_t known, uint64_t now_ns)
{
	const struct sl_terms configured = sl_quota_terms_of(spec, tenant, kind);
	const struct sl_terms terms =
		sl_quota_terms_in_force(quota, tenant->name, kind, &configured);
	struct sl_quota_slot *slot = find(quota, tenant->name, kind, known);
	const bool is_new = !slot;

	if (is_new)
		slot = add_slot(quota, tenant, kind);
	if (!slot)
		return;
	slot->id = id;
	slot->is_gone = false;
	slot->configured = configured;
	slot->window_ns = kind == SL_QUOTA_COST ? tenant->requests.cost_window_ns
						: tenant->requests.window_ns;
	if (is_new)
		sl_quota_begin(quota, slot, &terms, now_ns);
	else
		sl_quota_renew_terms(quota, slot, &terms, now_ns);
}

void sl_quota_take(struct sl_quota *quota, const struct sl_config *config, struct sl_plan *plan,
		   uint64_t tick_ns, uint64_t now_ns)
{
	const size_t known = quota->count;

	quota->nodes = config->quota.nodes;
	quota->period_ns = config->quota.period_ns;
	quota->said.is_changed = true;
	sl_quota_lead_take(quota, config);
	quota->generation = config->quota.generation;
	for (size_t i = 0; i < quota->count; i++)
		quota->slots[i]->is_gone = true;
	/* By name while they are looked for, 65,000 times; then in their order again. */
	if (known)
		qsort(quota->slots, known, sizeof(void *), compare_names);
	for (size_t i = 0; i < config->tenant_count; i++)
		for (int kind = 0; kind < SL_QUOTA_KINDS; kind++)
			if (sl_quota_is_global(&config->tenants[i], (enum sl_quota_kind)kind))
				take_one(quota, &config->quota, &config->tenants[i],
					 (enum sl_quota_kind)kind, plan->ids[i], known, now_ns);
	sl_quota_sweep(quota);
	sort(quota);
	if (quota->adopts)
		sl_quota_adopt(quota, quota->adopts, plan, now_ns);
	quota->adopts = NULL;
	sl_quota_overlay(quota, plan, tick_ns, now_ns);
}

/* ---- their turn --------------------------------------------------------------------------- */

void sl_quota_state_of(const struct sl_quota_slot *slot, struct sl_quota_state *ret,
		       uint64_t now_ns)
{
	if (slot->terms.small)
		sl_central_state(&slot->central, ret, now_ns);
	else
		sl_lease_state(&slot->lease, ret, now_ns);
}

void sl_quota_tick(struct sl_quota *quota, struct sl_maps *maps, uint64_t now_ns)
{
	quota->maps = maps;
	sl_quota_said_tick(quota, now_ns);
	sl_quota_steer(quota, now_ns);
	sl_quota_observe(quota, now_ns);
	for (size_t i = 0; i < quota->count; i++)
		if (now_ns >= quota->slots[i]->change_ns)
			sl_quota_write(quota, quota->slots[i], now_ns);
	sl_quota_own(quota);
	if (sl_quota_said_is_known(quota, now_ns))
		sl_quota_ask(quota, now_ns);
	sl_quota_lead_tick(quota, now_ns);
	sl_quota_away_tick(quota, now_ns);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void view_lease(struct sl_quota_view *view, const struct sl_lease *lease)
{
	view->want_mu_per_s = lease->asked_mu_per_s;
	view->seq = lease->seq;
	view->live = lease->live;
	view->contended = lease->contended;
	view->learning = lease->learning;
	view->is_cut_off = lease->peers == SL_LEASE_PEERS_RENEW;
	view->drained = lease->draining;
	view->asked = lease->counts.asked;
	view->granted = lease->counts.granted;
	view->failed = lease->counts.failed;
	view->dropped = lease->counts.dropped;
	view->expired = lease->counts.expired;
	view->fenced = lease->counts.fenced;
	view->store_gen = (uint64_t)lease->store_gen;
	view->effective_mu_per_s = lease->seq ? lease->effective_mu_per_s : 0;
}

static void view_central(struct sl_quota_view *view, const struct sl_central *central)
{
	view->central = true;
	view->drained = central->draining;
	view->want_mu_per_s = central->estimate_mu_per_s;
	view->live = central->live;
	view->contended = central->is_contended;
	view->asked = central->counts.asked;
	view->granted = central->counts.answered;
	view->failed = central->counts.failed;
	view->dropped = central->counts.dropped;
	view->store_gen = (uint64_t)central->store_gen;
}

void sl_quota_walk(const struct sl_quota *quota, uint64_t now_ns, sl_quota_each *function,
		   void *context)
{
	for (size_t i = 0; i < quota->count; i++) {
		const struct sl_quota_slot *slot = quota->slots[i];
		struct sl_quota_view view = {
			.tenant = slot->tenant,
			.kind = slot->kind,
			.terms = slot->terms,
			.terms_status = slot->terms_status,
			.refusals = &slot->refusals,
		};

		if (slot->is_gone)
			continue;
		sl_quota_state_of(slot, &view.state, now_ns);
		if (slot->terms.small)
			view_central(&view, &slot->central);
		else
			view_lease(&view, &slot->lease);
		function(&view, context);
	}
}

struct sl_quota_stats sl_quota_stats(const struct sl_quota *quota)
{
	return quota->stats;
}

const struct sl_redis *sl_quota_redis(const struct sl_quota *quota)
{
	return quota->redis;
}
