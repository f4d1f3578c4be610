// SPDX-License-Identifier: Apache-2.0
/* A leased limit into the maps, beside packets that are being charged to it. */
#include "userspace/dataplane/sync_rates.h"

#include <errno.h>
#include <stdbool.h>

#include "userspace/dataplane/maps_private.h"
#include "userspace/domain/limit.h"
#include "userspace/domain/rate_change.h"

#define TRIES 64

struct place {
	struct sl_rate *rate[2]; /* in each half */
	__u64 *tat_cu;
};

static void put_rate(const struct place *place, const struct sl_rate *rate)
{
	for (int half = 0; half < 2; half++) {
		__atomic_store_n(&place->rate[half]->cost, rate->cost, __ATOMIC_RELAXED);
		__atomic_store_n(&place->rate[half]->burst_cu, rate->burst_cu, __ATOMIC_RELAXED);
	}
}

/* Packets are charged meanwhile: what they took is seen by the next try. */
static void move_word(const struct place *place, const struct sl_rate *old,
		      const struct sl_rate *new, uint64_t now_cu)
{
	__u64 seen_cu = __atomic_load_n(place->tat_cu, __ATOMIC_RELAXED);

	for (int i = 0; i < TRIES; i++) {
		__u64 moved_cu = sl_rate_change_tat(seen_cu, now_cu, old, new);

		if (__atomic_compare_exchange_n(place->tat_cu, &seen_cu, moved_cu, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
	}
}

/*
 * Between the two stores a packet sees a word and a rate that do not belong together. The
 * order makes that an error on the safe side: it finds less than there is. A cheaper unit
 * under an old word is more units, under the new word and the old rate fewer.
 */
static void change(const struct place *place, const struct sl_rate *new, uint64_t now_cu)
{
	const struct sl_rate old = *place->rate[0];

	if (old.cost == new->cost && old.burst_cu == new->burst_cu)
		return;
	if (!old.cost || new->cost > old.cost) {
		put_rate(place, new);
		move_word(place, &old, new, now_cu);
		return;
	}
	move_word(place, &old, new, now_cu);
	put_rate(place, new);
}

/*
 * A bucket that another tenant left would be found full by the first packet, with the
 * burst of that moment: full it is now, with the burst it had before this change.
 */
static void rearm(struct sl_bucket_side *bucket, uint32_t gen, uint64_t now_cu)
{
	__u32 seen = __atomic_load_n(&bucket->gen, __ATOMIC_RELAXED);

	if (seen == gen)
		return;
	__atomic_store_n(&bucket->packets_tat_cu, now_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&bucket->bytes_tat_cu, now_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&bucket->new_conns_tat_cu, now_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&bucket->fragments_tat_cu, now_cu, __ATOMIC_RELAXED);
	__atomic_store_n(&bucket->refusals_until_ns, 0, __ATOMIC_RELAXED);
	/* Who loses to a packet's own exchange has done the same. */
	(void)__atomic_compare_exchange_n(&bucket->gen, &seen, gen, false, __ATOMIC_RELEASE,
					  __ATOMIC_RELAXED);
}

static bool is_short(const struct sl_limit *limit, uint64_t tick_ns)
{
	return sl_rate_is_short(&limit->ingress.packets, tick_ns) ||
	       sl_rate_is_short(&limit->ingress.bytes, tick_ns) ||
	       sl_rate_is_short(&limit->new_conns, tick_ns) ||
	       sl_rate_is_short(&limit->safe_packets, tick_ns) ||
	       sl_rate_is_short(&limit->safe_bytes, tick_ns) ||
	       sl_rate_is_short(&limit->safe_new_conns, tick_ns);
}

static void put_safe(struct sl_rate *at, bool is_leased, const struct sl_rate *safe,
		     const struct sl_rate *own)
{
	if (is_leased)
		*at = *safe;
	else if (!at->cost)
		*at = *own;
}

static void put_end(struct sl_limit *limit, const struct sl_leased *leased, uint64_t tick_ns)
{
	struct sl_side *side = &limit->ingress;
	__u32 flags = side->flags & ~(3u << SL_SIDE_FALLBACK_SHIFT | (__u32)SL_SIDE_BLEND);

	put_safe(&limit->safe_packets, leased->which & SL_LEASED_PACKETS, &leased->safe_packets,
		 &side->packets);
	put_safe(&limit->safe_bytes, leased->which & SL_LEASED_BYTES, &leased->safe_bytes,
		 &side->bytes);
	put_safe(&limit->safe_new_conns, leased->which & SL_LEASED_NEW_CONNS,
		 &leased->safe_new_conns, &limit->new_conns);
	if (is_short(limit, tick_ns))
		flags |= SL_SIDE_KTIME;
	__atomic_store_n(&side->flags, flags | sl_side_fallback_flags(leased->fallback),
			 __ATOMIC_RELAXED);
	/* The end comes last: who sees it sees what is to follow it. */
	__atomic_store_n(&side->lease_until_ns, leased->until_ns, __ATOMIC_RELEASE);
}

void sl_leased_into(struct sl_limit *limit, const struct sl_leased *leased, uint64_t tick_ns)
{
	if (leased->which & SL_LEASED_PACKETS)
		limit->ingress.packets = leased->packets;
	if (leased->which & SL_LEASED_BYTES)
		limit->ingress.bytes = leased->bytes;
	if (leased->which & SL_LEASED_NEW_CONNS)
		limit->new_conns = leased->new_conns;
	put_end(limit, leased, tick_ns);
}

int sl_sync_leased(struct sl_maps *maps, uint32_t tenant, const struct sl_leased *leased,
		   uint64_t now_ns)
{
	const struct sl_maps_view *view = &maps->view;
	const uint64_t now_cu = now_ns << SL_CREDIT_SHIFT;
	struct sl_limit *limits[2];
	struct sl_bucket_side *bucket;

	if (tenant >= view->tenants)
		return -ERANGE;
	limits[0] = &view->limits[tenant];
	limits[1] = &view->limits[(size_t)view->tenants + tenant];
	bucket = &view->buckets[tenant].ingress;
	rearm(bucket, limits[view->ctl->epoch & 1]->ingress.gen, now_cu);
	/* A longer lease first would keep an old, higher rate alive; a shorter one is no harm. */
	if (leased->which & SL_LEASED_PACKETS)
		change(&(struct place){ { &limits[0]->ingress.packets,
					  &limits[1]->ingress.packets },
					&bucket->packets_tat_cu },
		       &leased->packets, now_cu);
	if (leased->which & SL_LEASED_BYTES)
		change(&(struct place){ { &limits[0]->ingress.bytes, &limits[1]->ingress.bytes },
					&bucket->bytes_tat_cu },
		       &leased->bytes, now_cu);
	if (leased->which & SL_LEASED_NEW_CONNS)
		change(&(struct place){ { &limits[0]->new_conns, &limits[1]->new_conns },
					&bucket->new_conns_tat_cu },
		       &leased->new_conns, now_cu);
	for (int half = 0; half < 2; half++)
		put_end(limits[half], leased, view->ctl->clock_tick_ns);
	return 0;
}

int sl_sync_lease_marks(struct sl_maps *maps, uint32_t tenant, uint32_t marks, uint32_t nodes)
{
	const struct sl_maps_view *view = &maps->view;

	if (tenant >= view->tenants)
		return -ERANGE;
	for (int half = 0; half < 2; half++) {
		struct sl_limit *limit = &view->limits[tenant + (half ? view->tenants : 0)];

		__atomic_store_n(&limit->lease_nodes, nodes, __ATOMIC_RELAXED);
		__atomic_store_n(&limit->leases, marks, __ATOMIC_RELEASE);
	}
	return 0;
}

/* At each moment the two belong together, or there is no owner. */
void sl_sync_lease_owner(struct sl_maps *maps, uint64_t incarnation, uint64_t identity)
{
	struct sl_ctl *ctl = maps->view.ctl;

	if (ctl->quota_incarnation == incarnation && ctl->quota_identity == identity)
		return;
	__atomic_store_n(&ctl->quota_incarnation, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&ctl->quota_identity, identity, __ATOMIC_RELEASE);
	__atomic_store_n(&ctl->quota_incarnation, incarnation, __ATOMIC_RELEASE);
}

static void put_rule(struct sl_requests *requests, enum sl_request_class which,
		     const struct sl_request_rule *rule)
{
	struct sl_request_rule *at = &requests->rule[which];

	__atomic_store_n(&at->safe.period_ns, rule->safe.period_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&at->safe.burst_ns, rule->safe.burst_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&at->limit.period_ns, rule->limit.period_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&at->limit.burst_ns, rule->limit.burst_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&at->window_ns, rule->window_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&at->lease_until_ns, rule->lease_until_ns, __ATOMIC_RELEASE);
}

/* The same arithmetic in nanoseconds: what a request takes is its cost. */
static struct sl_rate rate_of(const struct sl_request_limit *limit)
{
	return (struct sl_rate){ .cost = limit->period_ns, .burst_cu = limit->burst_ns };
}

int sl_sync_leased_requests(struct sl_maps *maps, uint32_t tenant, enum sl_request_class which,
			    const struct sl_request_rule *rule, uint64_t now_ns)
{
	const struct sl_maps_view *view = &maps->view;
	struct sl_request_words *words;
	struct sl_requests *live;
	struct sl_rate old, new;

	if (tenant >= view->tenants || !view->requests || !view->request_words)
		return -ERANGE;
	live = &view->requests[tenant + (view->ctl->epoch & 1 ? view->tenants : 0)];
	words = &view->request_words[tenant];
	old = rate_of(&live->rule[which].limit);
	new = rate_of(&rule->limit);
	if (old.cost != new.cost || old.burst_cu != new.burst_cu) {
		const struct place place = { .tat_cu = &words->slot[which].word.tat_ns };

		/* What another tenant left is full anyway, whatever stands there. */
		if (__atomic_load_n(&words->gen, __ATOMIC_RELAXED) == live->gen)
			move_word(&place, &old, &new, now_ns);
	}
	for (int half = 0; half < 2; half++)
		put_rule(&view->requests[tenant + (half ? view->tenants : 0)], which, rule);
	return 0;
}
