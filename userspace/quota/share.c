// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/share.h"

#include <math.h>

#include "userspace/quota/store.h"

int64_t sl_share_decayed(int64_t effective_mu_per_s, int64_t rate_mu_per_s, int64_t age_ms)
{
	const int64_t past_ms = age_ms - SL_STORE_DECAY_MS;
	double way;

	if (past_ms <= 0)
		return effective_mu_per_s;
	if (past_ms >= SL_STORE_DECAY_MS)
		return rate_mu_per_s;
	way = (double)(rate_mu_per_s - effective_mu_per_s) * ((double)past_ms / SL_STORE_DECAY_MS);
	return effective_mu_per_s + (int64_t)floor(way);
}

/* ---- across tenants ------------------------------------------------------------------ */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t floor_of(const struct sl_share *share)
{
	return least(share->want_mu_per_s,
		     share->rate_mu_per_s / (4 * (int64_t)(share->live ? share->live : 1)));
}

static int64_t guarantee_of(const struct sl_share *share)
{
	return most(share->effective_mu_per_s,
		    least(share->want_mu_per_s, share->guarantee_mu_per_s));
}

/* Of @want each gets the same part when not all fits in @left; returns what is left. */
static int64_t scaled(int64_t want, int64_t all, int64_t left)
{
	if (all <= left)
		return want;
	return (int64_t)floor((double)want * ((double)left / (double)all));
}

static int64_t give_floors(struct sl_share *shares, size_t count, int64_t capacity)
{
	int64_t all = 0, given = 0;

	for (size_t i = 0; i < count; i++)
		all += floor_of(&shares[i]);
	for (size_t i = 0; i < count; i++) {
		shares[i].effective_mu_per_s = scaled(floor_of(&shares[i]), all, capacity);
		given += shares[i].effective_mu_per_s;
	}
	return capacity - given;
}

static int64_t give_guarantees(struct sl_share *shares, size_t count, enum sl_quota_class class,
			       int64_t left)
{
	int64_t all = 0, given = 0;

	for (size_t i = 0; i < count; i++)
		if (shares[i].class == class)
			all += guarantee_of(&shares[i]) - shares[i].effective_mu_per_s;
	for (size_t i = 0; i < count; i++) {
		int64_t more = 0;

		if (shares[i].class == class)
			more = scaled(guarantee_of(&shares[i]) - shares[i].effective_mu_per_s, all,
				      left);
		shares[i].effective_mu_per_s += more;
		given += more;
	}
	return left - given;
}

/* What it takes at @level of spare capacity for each weight. */
static int64_t takes(const struct sl_share *share, double level)
{
	const int64_t most_it_can = least(share->want_mu_per_s, share->ceiling_mu_per_s);
	const int64_t more = most(0, most_it_can - share->effective_mu_per_s);
	double by_weight = level * share->weight;

	return by_weight < (double)more ? (int64_t)by_weight : more;
}

static int64_t all_take(const struct sl_share *shares, size_t count, double level)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += takes(&shares[i], level);
	return sum;
}

/* Water-fill: the highest level at which all fit. */
static void give_spare(struct sl_share *shares, size_t count, int64_t left)
{
	double low = 0.0, high = SL_QUOTA_RATE_MAX;

	if (all_take(shares, count, high) <= left)
		low = high;
	for (int i = 0; i < 80 && low < high; i++) {
		const double middle = low + (high - low) / 2.0;

		if (all_take(shares, count, middle) <= left)
			low = middle;
		else
			high = middle;
	}
	for (size_t i = 0; i < count; i++)
		shares[i].effective_mu_per_s += takes(&shares[i], low);
}

void sl_share_fill(struct sl_share *shares, size_t count, int64_t capacity_mu_per_s)
{
	int64_t left;

	for (size_t i = 0; capacity_mu_per_s < 0 && i < count; i++)
		shares[i].effective_mu_per_s = shares[i].rate_mu_per_s;
	if (capacity_mu_per_s < 0)
		return;
	left = give_floors(shares, count, capacity_mu_per_s);
	for (int class = SL_QUOTA_CRITICAL_PLUS; class < SL_QUOTA_CLASSES; class ++)
		left = give_guarantees(shares, count, (enum sl_quota_class) class, left);
	give_spare(shares, count, left);
	for (size_t i = 0; i < count; i++) {
		struct sl_share *share = &shares[i];

		if (share->effective_mu_per_s >= share->want_mu_per_s)
			share->effective_mu_per_s =
				most(share->effective_mu_per_s, share->rate_mu_per_s);
		share->effective_mu_per_s = most(1, share->effective_mu_per_s);
	}
}
