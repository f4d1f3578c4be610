// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/store.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/quota/share.h"
#include "userspace/quota/store_state.h"

int sl_store_new(struct sl_store **ret)
{
	struct sl_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	*ret = store;
	return 0;
}

void sl_store_free(struct sl_store *store)
{
	if (!store)
		return;
	free(store->rows);
	free(store);
}

void sl_store_freep(struct sl_store **store)
{
	sl_store_free(*store);
}

int sl_store_clone(struct sl_store **ret, const struct sl_store *store)
{
	sl_cleanup(sl_store_freep) struct sl_store *copy = NULL;
	int r = sl_store_new(&copy);

	if (r < 0)
		return r;
	*copy = *store;
	copy->rows = NULL;
	copy->room = 0;
	if (store->count) {
		copy->rows = calloc(store->count, sizeof(*copy->rows));
		if (!copy->rows)
			return -ENOMEM;
		memcpy(copy->rows, store->rows, store->count * sizeof(*copy->rows));
		copy->room = store->count;
	}
	*ret = SL_TAKE_PTR(copy);
	return 0;
}

void sl_store_wipe(struct sl_store *store)
{
	free(store->rows);
	*store = (struct sl_store){ 0 };
}

static void touch(struct sl_store *store, int64_t now_ms)
{
	store->ends_ms = now_ms + SL_STORE_KEY_MS;
}

static void drop_aged(struct sl_store *store, int64_t now_ms)
{
	if (store->has_terms && now_ms >= store->ends_ms)
		sl_store_wipe(store);
}

/* ---- rows ------------------------------------------------------------------------- */

/* Where the row is, or would be. */
static size_t position(const struct sl_store *store, uint64_t node, bool is_ghost)
{
	size_t low = 0, high = store->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct sl_store_row *row = &store->rows[middle];

		if (row->node < node || (row->node == node && row->is_ghost < is_ghost))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sl_store_row *sl_store_find(struct sl_store *store, uint64_t node, bool is_ghost)
{
	size_t at = position(store, node, is_ghost);

	if (at == store->count || store->rows[at].node != node ||
	    store->rows[at].is_ghost != is_ghost)
		return NULL;
	return &store->rows[at];
}

static int make_room(struct sl_store *store, size_t more)
{
	size_t room = store->room ? store->room : 4;
	struct sl_store_row *rows;

	if (store->count + more <= store->room)
		return 0;
	while (room < store->count + more)
		room *= 2;
	rows = realloc(store->rows, room * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	store->rows = rows;
	store->room = room;
	return 0;
}

/* There is room. */
static struct sl_store_row *insert(struct sl_store *store, uint64_t node, bool is_ghost)
{
	size_t at = position(store, node, is_ghost);
	struct sl_store_row *row = &store->rows[at];

	memmove(row + 1, row, (store->count - at) * sizeof(*row));
	store->count++;
	*row = (struct sl_store_row){ .node = node, .is_ghost = is_ghost };
	return row;
}

void sl_store_remove_row(struct sl_store *store, struct sl_store_row *row)
{
	size_t at = (size_t)(row - store->rows);

	store->count--;
	memmove(row, row + 1, (store->count - at) * sizeof(*row));
}

static void leave_sums(struct sl_store *store, const struct sl_store_row *row)
{
	store->sums.held -= row->held;
	store->sums.safe -= row->safe;
	if (row->is_ghost)
		return;
	store->sums.want -= row->want;
	store->sums.used -= row->used;
	store->sums.live--;
}

/* The former incarnation may still spend what it held, until its row would have ended. */
static void make_ghost(struct sl_store *store, uint64_t node)
{
	struct sl_store_row *row = sl_store_find(store, node, false);
	struct sl_store_row *ghost = sl_store_find(store, node, true);

	if (!row->held && !row->safe)
		return;
	if (!ghost) {
		ghost = insert(store, node, true);
		row = sl_store_find(store, node, false);
	}
	ghost->held += row->held;
	ghost->safe += row->safe;
	ghost->expiry_ms = sl_most(ghost->expiry_ms, row->expiry_ms);
	ghost->incarnation = row->incarnation;
	row->held = row->safe = 0;
}

static void begin_anew(struct sl_store *store, struct sl_store_row *row)
{
	store->sums.want -= row->want;
	store->sums.used -= row->used;
	*row = (struct sl_store_row){ .node = row->node };
}

int sl_store_take_row(struct sl_store *store, uint64_t node, int64_t incarnation, int64_t now_ms,
		      struct sl_store_row **ret)
{
	struct sl_store_row *row;
	int r = make_room(store, 2);

	if (r < 0)
		return r;
	row = sl_store_find(store, node, false);
	if (row && incarnation < row->incarnation)
		return SL_QUOTA_FENCED;
	if (row && row->expiry_ms <= now_ms) {
		leave_sums(store, row);
		sl_store_remove_row(store, row);
		row = NULL;
	}
	if (!row && store->sums.live >= SL_QUOTA_NODES_MAX)
		return SL_QUOTA_FULL;
	if (!row) {
		row = insert(store, node, false);
		store->sums.live++;
	} else if (incarnation > row->incarnation) {
		make_ghost(store, node);
		row = sl_store_find(store, node, false);
		begin_anew(store, row);
	}
	row->incarnation = incarnation;
	*ret = row;
	return SL_QUOTA_OK;
}

/* ---- a call begins ---------------------------------------------------------------- */

int64_t sl_store_pool(const struct sl_store *store)
{
	const struct sl_store_sums *sums = &store->sums;
	int64_t over_ppm =
		sl_least(sums->overbook_ppm, store->terms.overbook_max_ppm) - SL_QUOTA_PPM;
	double more = (double)sums->rate_mu_per_s * (double)over_ppm / SL_QUOTA_PPM;

	return sums->rate_mu_per_s + (int64_t)floor(more);
}

static int64_t effective(const struct sl_store *store, int64_t now_ms)
{
	const struct sl_terms *terms = &store->terms;
	int64_t rate;

	if (!store->has_rate)
		return terms->rate_mu_per_s;
	rate = sl_share_decayed(store->share.rate_mu_per_s, terms->rate_mu_per_s,
				now_ms - store->share.written_ms);
	return sl_least(rate, terms->ceiling_mu_per_s);
}

/* What is not used of the pool although it is asked for is lent once more: o is steered by
 * what nodes measured, and not by what they were granted. */
static void steer_overbook(struct sl_store *store)
{
	struct sl_store_sums *sums = &store->sums;
	const int64_t rate = sums->rate_mu_per_s, most = store->terms.overbook_max_ppm;
	const int64_t high = rate - rate / 200; /* .995 */
	int64_t step;

	if (sums->want > rate && sums->used < rate - rate / 50) {
		sums->overbook_ppm = sums->overbook_ppm + 20000;
	} else if (sums->used > high) {
		step = (int64_t)floor((double)(sums->used - high) / (double)rate * SL_QUOTA_PPM);
		sums->overbook_ppm -= sl_most(20000, step);
	} else if (sums->want <= rate) {
		sums->overbook_ppm -= 50000;
	}
	sums->overbook_ppm = sl_most(SL_QUOTA_PPM, sl_least(most, sums->overbook_ppm));
}

/* Nodes whose part would be below E * o / 4N get that, or all that they want. */
static void find_floored(struct sl_store *store, int64_t now_ms)
{
	struct sl_store_sums *sums = &store->sums;
	const int64_t pool = sl_store_pool(store);
	int64_t floor_rate;
	double lambda;

	sums->floor_mu_per_s = 0;
	sums->floor_want_mu_per_s = 0;
	if (sums->want <= pool || !sums->live)
		return;
	floor_rate = pool / (4 * (int64_t)sums->live);
	lambda = (double)pool / (double)sums->want;
	for (size_t i = 0; i < store->count; i++) {
		const struct sl_store_row *row = &store->rows[i];

		if (row->is_ghost || (int64_t)floor((double)row->want * lambda) >= floor_rate)
			continue;
		sums->floor_mu_per_s += sl_least(row->want, floor_rate);
		sums->floor_want_mu_per_s += row->want;
		sums->due_ms = now_ms;
	}
}

/* Drops what has ended and rebuilds the sums. Returns what the dropped ones held. */
static int64_t sweep(struct sl_store *store, int64_t now_ms, bool cut)
{
	struct sl_store_sums *sums = &store->sums;
	const int64_t latest_ms = now_ms + 2 * (int64_t)store->terms.ttl_ms;
	int64_t dropped = 0;
	size_t kept = 0;

	sums->want = sums->held = sums->used = sums->safe = 0;
	sums->live = 0;
	sums->due_ms = INT64_MAX;
	for (size_t i = 0; i < store->count; i++) {
		struct sl_store_row *row = &store->rows[i];

		if (row->expiry_ms <= now_ms) {
			dropped += row->held;
			continue;
		}
		if (cut)
			row->expiry_ms = sl_least(row->expiry_ms, latest_ms);
		sums->due_ms = sl_least(sums->due_ms, row->expiry_ms);
		sums->held += row->held;
		sums->safe += row->safe;
		if (!row->is_ghost) {
			sums->want += row->want;
			sums->used += row->used;
			sums->live++;
		}
		store->rows[kept++] = *row;
	}
	store->count = kept;
	return dropped;
}

static void learn(struct sl_store *store, int64_t until_ms)
{
	store->sums.learn_ms = sl_most(store->sums.learn_ms, until_ms);
}

/* Each node that holds something is heard within that, steady ones too. */
static int64_t lost_ms(const struct sl_store *store, int64_t now_ms)
{
	return now_ms + store->terms.ttl_ms;
}

/* The clock went back, as after a failover: deadlines mean nothing now. */
static void clock_went_back(struct sl_store *store, int64_t now_ms)
{
	store->sums.epoch++;
	store->sums.learn_ms = lost_ms(store, now_ms);
	/* What the central bucket is ahead of now, it stays ahead. */
	store->sums.full_at_us =
		sl_most(0, store->sums.full_at_us - (store->sums.last_ms - now_ms) * 1000);
	store->sums.idle_us = store->sums.idle_at_us = 0;
	store->share.written_ms = sl_least(store->share.written_ms, now_ms);
}

static void begin_state(struct sl_store *store, int64_t now_ms)
{
	store->has_state = true;
	store->sums = (struct sl_store_sums){ .overbook_ppm = SL_QUOTA_PPM,
					      .swept_ms = now_ms,
					      .learn_ms = now_ms + 2 * (int64_t)store->terms.ttl_ms,
					      .last_ms = now_ms,
					      .epoch = 1 };
	touch(store, now_ms);
}

int64_t sl_store_enter(struct sl_store *store, int64_t now_ms)
{
	struct sl_store_sums *sums = &store->sums;
	bool back;

	drop_aged(store, now_ms);
	if (!store->has_terms)
		return -1;
	if (!store->has_state)
		begin_state(store, now_ms);
	back = now_ms < sums->last_ms - SL_STORE_BACK_MS;
	if (back)
		clock_went_back(store, now_ms);
	else
		now_ms = sl_most(now_ms, sums->last_ms);
	sums->rate_mu_per_s = effective(store, now_ms);
	if (back || now_ms - sums->swept_ms >= store->terms.period_ms) {
		const bool is_due = back || now_ms >= sums->due_ms;
		const bool jumped = now_ms - sums->last_ms > store->terms.ttl_ms;

		/* All leases ended at once: nodes, or the clock? */
		if (is_due && sweep(store, now_ms, back) && jumped && !sums->live) {
			sums->epoch++;
			learn(store, lost_ms(store, now_ms));
		}
		sums->swept_ms = now_ms;
		steer_overbook(store);
		if (is_due)
			find_floored(store, now_ms);
		touch(store, now_ms);
	}
	sums->last_ms = now_ms;
	return now_ms;
}

/* ---- terms, share, release, show --------------------------------------------------- */

static bool are_equal(const struct sl_terms *a, const struct sl_terms *b)
{
	return a->rate_mu_per_s == b->rate_mu_per_s && a->burst_mu == b->burst_mu &&
	       a->cost_max_mu == b->cost_max_mu && a->guarantee_mu_per_s == b->guarantee_mu_per_s &&
	       a->ceiling_mu_per_s == b->ceiling_mu_per_s &&
	       a->node_ceiling_mu_per_s == b->node_ceiling_mu_per_s && a->weight == b->weight &&
	       a->overbook_max_ppm == b->overbook_max_ppm && a->safe_ppm == b->safe_ppm &&
	       a->ttl_ms == b->ttl_ms && a->period_ms == b->period_ms && a->class == b->class &&
	       a->on_expiry == b->on_expiry && a->small == b->small;
}

enum sl_quota_status sl_store_set_terms(struct sl_store *store, const struct sl_terms *terms,
					int64_t now_ms)
{
	drop_aged(store, now_ms);
	if (store->has_terms && terms->gen < store->terms.gen)
		return SL_QUOTA_STALE;
	if (store->has_terms && terms->gen == store->terms.gen && !are_equal(terms, &store->terms))
		return SL_QUOTA_CONFLICT;
	/* What the central bucket paid for is still out there. */
	if (store->has_terms && store->has_state && store->terms.small != terms->small)
		learn(store, now_ms + terms->ttl_ms);
	store->terms = *terms;
	store->has_terms = true;
	touch(store, now_ms);
	return SL_QUOTA_OK;
}

enum sl_quota_status sl_store_set_rate(struct sl_store *store, int64_t rate_mu_per_s, int64_t token,
				       int64_t now_ms)
{
	drop_aged(store, now_ms);
	if (!store->has_terms)
		return SL_QUOTA_UNKNOWN;
	if (store->has_rate && token < store->share.token)
		return SL_QUOTA_STALE;
	store->has_rate = true;
	store->share.rate_mu_per_s = sl_most(1, rate_mu_per_s);
	store->share.written_ms = now_ms;
	store->share.token = token;
	return SL_QUOTA_OK;
}

int64_t sl_store_release(struct sl_store *store, uint64_t node, int64_t now_ms)
{
	int64_t held = 0;

	if (sl_store_enter(store, now_ms) < 0)
		return 0;
	for (int ghost = 0; ghost <= 1; ghost++) {
		struct sl_store_row *row = sl_store_find(store, node, ghost);

		if (!row)
			continue;
		held += row->held;
		leave_sums(store, row);
		sl_store_remove_row(store, row);
	}
	return held;
}

bool sl_store_terms(const struct sl_store *store, struct sl_terms *ret)
{
	if (store->has_terms)
		*ret = store->terms;
	return store->has_terms;
}

void sl_store_sums(const struct sl_store *store, struct sl_store_sums *ret)
{
	*ret = store->sums;
}

const struct sl_store_row *sl_store_row(const struct sl_store *store, size_t index)
{
	return index < store->count ? &store->rows[index] : NULL;
}

int64_t sl_store_lead(struct sl_store_lead *lead, uint64_t node, int64_t now_ms)
{
	const bool ended = lead->until_ms <= now_ms || lead->until_ms > now_ms + SL_STORE_LEAD_MS;

	if (lead->token && !ended && lead->holder != node)
		return 0;
	/* Of a lock that was lost with its token the time is still newer. */
	if (!lead->token || ended)
		lead->token = sl_most(lead->token + 1, now_ms);
	lead->holder = node;
	lead->until_ms = now_ms + SL_STORE_LEAD_MS;
	return lead->token;
}
