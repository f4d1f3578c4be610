// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "userspace/quota/store_state.h"

#define S_US	     1000000
#define DEBT_US_MAX  (60ll * S_US) /* what was passed beyond that is forgiven */
#define QUEUE_US_MAX (1ll * S_US)  /* the latest start that is promised */
#define BURST_US_MAX (86400ll * S_US)
#define WAIT_MS_MAX  10000

struct bucket {
	int64_t rate;	  /* mu/s */
	int64_t burst_us; /* how far ahead of now it may be */
	int64_t now_us, full_us, latest_us;
	int64_t idle_us, idle_at_us;
};

/* Rounded up: never cheaper than it is. */
static int64_t cost_us(const struct bucket *bucket, int64_t amount_mu)
{
	return (int64_t)ceil((double)amount_mu / (double)bucket->rate * S_US);
}

static void open_bucket(struct bucket *bucket, const struct sl_store *store, int64_t now_us)
{
	const struct sl_store_sums *sums = &store->sums;
	int64_t kept_mu;

	bucket->now_us = now_us;
	/* Leases of earlier terms are still spent. */
	bucket->rate = sl_most(1, sums->rate_mu_per_s - sums->held);
	/* What passes before it is charged comes out of a part of B that is kept for it. */
	kept_mu = sl_least(store->terms.burst_mu / 2, store->terms.cost_max_mu * sums->live / 8);
	bucket->burst_us = sl_least(cost_us(bucket, store->terms.burst_mu - kept_mu), BURST_US_MAX);
	bucket->latest_us = now_us + bucket->burst_us + DEBT_US_MAX;
	bucket->idle_us = sums->idle_us;
	bucket->idle_at_us = sums->idle_at_us;
	/* The longest time in which nobody was paid is remembered for a ttl: so late may the nodes
	 * come that had their safe shares meanwhile. */
	if (sums->full_at_us < now_us &&
	    (now_us - sums->full_at_us >= sums->idle_us ||
	     now_us - sums->idle_at_us > (int64_t)store->terms.ttl_ms * 1000)) {
		bucket->idle_us = now_us - sums->full_at_us;
		bucket->idle_at_us = now_us;
	}
	bucket->full_us = sl_least(sl_most(sums->full_at_us, now_us), bucket->latest_us);
}

static void pass(struct bucket *bucket, int64_t amount_mu)
{
	bucket->full_us = sl_least(bucket->full_us + cost_us(bucket, amount_mu), bucket->latest_us);
}

/*
 * What passed as the safe share since then comes out of the time in which the bucket was full
 * and nobody was paid. A question that was read late was asked @late_us ago or more. Of an exact
 * bucket the theoretical arrival is the latest of s and all that passed after s, over all s. It is
 * this for s up to .since; and for s from the end of the idle time on, after which a share of R/N
 * passes a part of N of the time, and one cost at once. In between it is not later: all shares
 * together pass at most R.
 */
static void pass_since(struct bucket *bucket, const struct sl_store *store, int64_t amount_mu,
		       int64_t since_ms, int64_t late_us)
{
	const int64_t since_us = bucket->now_us - since_ms * 1000 - late_us;
	const int64_t cost = cost_us(bucket, amount_mu);
	int64_t least_us, at_once, later;

	if ((!since_ms && !late_us) || since_us >= bucket->idle_at_us) {
		pass(bucket, amount_mu);
		return;
	}
	least_us = sl_most(bucket->full_us - bucket->idle_us, since_us) + cost;
	at_once = sl_least(cost, cost_us(bucket, store->terms.cost_max_mu));
	later = (int64_t)ceil((double)(bucket->now_us - bucket->idle_at_us) /
			      (double)store->sums.live);
	later = sl_least(cost - at_once, sl_most(0, later));
	if (late_us && bucket->now_us - late_us <= bucket->idle_at_us)
		at_once = later = 0; /* it was asked before, so nothing of it passed after */
	bucket->full_us =
		sl_least(sl_most(bucket->full_us + at_once + later, least_us), bucket->latest_us);
	bucket->idle_us = sl_most(0, bucket->full_us - least_us);
}

static int64_t wait_ms(int64_t wait_us)
{
	int64_t wait = (int64_t)ceil((double)wait_us / 1000.0);

	return sl_least(WAIT_MS_MAX, sl_most(SL_QUOTA_BLOCK_MS, wait));
}

/* Pays for the amount now, promises it for later, or refuses. */
static void pay(struct bucket *bucket, const struct sl_terms *terms, int64_t want_mu,
		struct sl_charged *ret)
{
	const int64_t most_mu =
		sl_most(terms->cost_max_mu, sl_least(bucket->rate / 4, terms->burst_mu));
	const int64_t want = sl_least(want_mu, most_mu), need = sl_least(want, terms->cost_max_mu);
	const int64_t room_us = bucket->now_us + bucket->burst_us - bucket->full_us;
	int64_t there = 0, late_us;

	if (room_us > 0)
		there = (int64_t)floor((double)room_us / S_US * (double)bucket->rate);
	if (there >= need) {
		ret->paid_mu = sl_least(want, there);
		ret->left_mu = there - ret->paid_mu;
		pass(bucket, ret->paid_mu);
		return;
	}
	late_us = cost_us(bucket, want) - room_us;
	if (late_us <= sl_most(QUEUE_US_MAX, cost_us(bucket, need))) {
		ret->paid_mu = want;
		pass(bucket, want);
	} else {
		late_us -= QUEUE_US_MAX;
	}
	ret->wait_ms = wait_ms(late_us);
}

/* It asks here: it has no lease any more. */
static void leave_lease(struct sl_store_sums *sums, struct sl_store_row *row)
{
	if (row->safe)
		row->told = 0;
	sums->held -= row->held;
	sums->safe -= row->safe;
	row->grant = row->held = row->safe = 0;
}

/* Of what it charges, what an earlier question did not yet. */
static int64_t take_charge(struct sl_store_row *row, const struct sl_charge *charge)
{
	int64_t more = sl_least(charge->passed_mu, sl_most(0, charge->total_mu - row->told));

	row->told = sl_most(row->told, charge->total_mu);
	return more;
}

int sl_store_charge(struct sl_store *store, uint64_t node, int64_t incarnation,
		    const struct sl_charge *charge, int64_t now_us, struct sl_charged *ret)
{
	struct sl_store_sums *sums = &store->sums;
	struct sl_store_row *row;
	struct bucket bucket;
	const int64_t late_us = charge->void_us ? sl_most(0, now_us - charge->void_us) : 0;
	int64_t now_ms = sl_store_enter(store, now_us / 1000);
	int r = SL_QUOTA_LEASED;

	if (now_ms < 0) {
		*ret = (struct sl_charged){ .status = SL_QUOTA_UNKNOWN, .store_us = now_us };
		return 0;
	}
	if (store->terms.small)
		r = sl_store_take_row(store, node, incarnation, now_ms, &row);
	if (r < 0)
		return r;
	*ret = (struct sl_charged){ .status = (enum sl_quota_status)r,
				    .gen = (int64_t)store->terms.gen,
				    .live = sums->live,
				    .store_us = now_us };
	if (r != SL_QUOTA_OK)
		return 0;

	leave_lease(sums, row);
	/* The clock of the call, unless the time that counts is later. */
	open_bucket(&bucket, store, sl_most(now_us, now_ms * 1000));
	pass_since(&bucket, store, take_charge(row, charge), charge->since_ms, late_us);
	pay(&bucket, &store->terms, late_us ? 0 : charge->want_mu, ret);
	sums->full_at_us = bucket.full_us;
	sums->idle_us = bucket.idle_us;
	sums->idle_at_us = bucket.idle_at_us;
	ret->rate_mu_per_s = bucket.rate;

	sums->want -= row->want;
	row->want = sl_least(charge->want_mu_per_s, store->terms.ceiling_mu_per_s);
	sums->want += row->want;
	row->seq++;
	row->expiry_ms = sl_most(row->expiry_ms, now_ms + store->terms.ttl_ms);
	sums->due_ms = sl_least(sums->due_ms, row->expiry_ms);
	return 0;
}
