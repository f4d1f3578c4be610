// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "userspace/quota/store_state.h"

/* What the node says about what it was granted. */
static void hear(struct sl_store *store, struct sl_store_row *row, const struct sl_renew *renew,
		 int64_t now_ms)
{
	const int64_t before = row->held, safe_before = row->safe;
	struct sl_store_sums *sums = &store->sums;

	if (renew->ack > row->seq) {
		/*
		 * It was granted what we know nothing of: writes were lost. It holds that; or it
		 * held that once, and the question is an old one that came late.
		 */
		row->held = sl_most(row->held, renew->has_mu_per_s);
		row->grant = renew->has_mu_per_s;
		row->safe = sl_most(row->safe, renew->safe_mu_per_s);
		row->seq = renew->ack;
		sums->learn_ms = sl_most(sums->learn_ms, now_ms + store->terms.ttl_ms);
	} else if (renew->ack && renew->ack == row->seq) {
		row->held = sl_least(row->grant, renew->has_mu_per_s);
		row->grant = row->held;
		row->safe = sl_least(row->told, renew->safe_mu_per_s);
	} else if (!renew->ack) {
		/* It has no lease, and spends its fallback until our answer is there. */
		row->held = sl_most(row->held, renew->has_mu_per_s);
		row->safe = sl_most(row->safe, renew->safe_mu_per_s);
	}
	/* Else it did not see our last grant, which may still be on its way. What it says it
	 * has is old: it never has more than what is held for it. */
	sums->held += row->held - before;
	sums->safe += row->safe - safe_before;
	sums->want -= row->want;
	sums->used -= row->used;
	row->want = sl_least(renew->want_mu_per_s, store->terms.ceiling_mu_per_s);
	row->used = renew->used_mu_per_s;
	sums->want += row->want;
	sums->used += row->used;
}

static double lambda_of(const struct sl_store_sums *sums, int64_t pool)
{
	int64_t head, rest;

	if (sums->want > pool) {
		rest = sl_most(1, sums->want - sums->floor_want_mu_per_s);
		/* The floor is of the last sweep: E may have fallen since. */
		head = sl_most(0, pool - sums->floor_mu_per_s);
		return fmin(1.0, (double)head / (double)rest);
	}
	head = pool - pool / 10 - sums->want;
	if (head <= 0)
		return 1.0;
	return fmin(2.0, 1.0 + (double)head / (double)sl_most(1, sums->want));
}

/* A row's numbers begin with the time: a question that its node sent to an earlier row, and
 * that comes late, acks none of them. */
static void count(struct sl_store_row *row, bool is_new, int64_t now_ms)
{
	if (is_new)
		row->seq = sl_most(row->seq, now_ms);
	row->seq++;
}

static void grant(struct sl_store *store, struct sl_store_row *row, const struct sl_renew *renew,
		  double lambda, int64_t now_ms)
{
	struct sl_store_sums *sums = &store->sums;
	const int64_t pool = sl_store_pool(store);
	const bool contended = sums->want > pool;
	const int64_t least = pool / (4 * (int64_t)sums->live);
	int64_t target = (int64_t)floor((double)row->want * lambda), free = 0;

	if (contended && target < least) { /* it counts among the floored */
		target = sl_most(target, sl_least(row->want, least));
		sums->due_ms = sl_least(sums->due_ms, now_ms);
	}
	/* More is held than there is: nobody takes more than it has, and who comes back from
	 * its fallback takes what others left, not what it spent. */
	if (sums->held > pool)
		target = sl_least(target, sl_most(renew->ack ? renew->has_mu_per_s : 0,
						  row->held - (sums->held - pool)));
	if (target < row->held) {
		/* Not worth a round of acks, unless more is held than there is. */
		bool is_near =
			contended && sums->held <= pool && row->held - target <= row->held / 50;

		row->grant = is_near ? row->held : target;
		return;
	}
	if (sums->learn_ms <= now_ms)
		free = sl_most(0, pool - sums->held);
	row->grant = row->held + sl_least(target - row->held, free);
	sums->held += row->grant - row->held;
	row->held = row->grant;
}

static int64_t beta_of(const struct sl_store *store, int64_t rate)
{
	return (int64_t)floor((double)rate * ((double)store->terms.safe_ppm / SL_QUOTA_PPM));
}

/* What the node falls back to, by the rules of the grant. */
static void share(struct sl_store *store, struct sl_store_row *row, bool has_lease)
{
	struct sl_store_sums *sums = &store->sums;
	const int64_t rate = store->terms.rate_mu_per_s, all = beta_of(store, rate);
	int64_t target = 0, free = 0;

	if (row->want)
		target = beta_of(store, rate / (int64_t)sums->live);
	if (!has_lease && sums->safe > all)
		target = sl_least(target, sl_most(0, row->safe - (sums->safe - all)));
	if (target > row->safe && sums->learn_ms <= sums->last_ms)
		free = sl_most(0, all - sums->safe);
	row->told = sl_least(target, row->safe + free);
	sums->safe += sl_most(0, row->told - row->safe);
	row->safe = sl_most(row->safe, row->told);
}

static int64_t burst_of(const struct sl_store *store, int64_t rate)
{
	const int64_t whole = sl_most(store->terms.rate_mu_per_s, store->sums.rate_mu_per_s);

	return (int64_t)floor((double)store->terms.burst_mu * ((double)rate / (double)whole));
}

int sl_store_renew(struct sl_store *store, uint64_t node, int64_t incarnation,
		   const struct sl_renew *renew, int64_t now_ms, struct sl_renewed *ret)
{
	struct sl_store_sums *sums = &store->sums;
	struct sl_store_row *row;
	double lambda;
	bool is_new;
	int r = SL_QUOTA_CENTRAL;

	now_ms = sl_store_enter(store, now_ms);
	if (now_ms < 0) {
		*ret = (struct sl_renewed){ .status = SL_QUOTA_UNKNOWN };
		return 0;
	}
	if (!store->terms.small)
		r = sl_store_take_row(store, node, incarnation, now_ms, &row);
	if (r < 0)
		return r;
	*ret = (struct sl_renewed){ .status = (enum sl_quota_status)r,
				    .gen = (int64_t)store->terms.gen,
				    .live = sums->live };
	if (r != SL_QUOTA_OK)
		return 0;

	is_new = !row->seq;
	hear(store, row, renew, now_ms);
	lambda = lambda_of(sums, sl_store_pool(store));
	grant(store, row, renew, lambda, now_ms);
	share(store, row, renew->ack);
	count(row, is_new, now_ms);
	/* The node's word counts, its terms may be older; and an earlier grant may hold longer. */
	row->expiry_ms = sl_most(row->expiry_ms, now_ms + renew->ttl_ms);
	sums->due_ms = sl_least(sums->due_ms, row->expiry_ms);

	ret->grant_mu_per_s = row->grant;
	ret->burst_mu = burst_of(store, row->grant);
	ret->seq = row->seq;
	ret->lambda_ppm = (int64_t)floor(lambda * SL_QUOTA_PPM);
	ret->rate_mu_per_s = sums->rate_mu_per_s;
	ret->safe_mu_per_s = row->told;
	if (sums->want > sl_store_pool(store))
		ret->flags |= SL_RENEWED_CONTENDED;
	if (sums->learn_ms > now_ms)
		ret->flags |= SL_RENEWED_LEARNING;
	return 0;
}
