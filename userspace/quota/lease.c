// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/lease.h"

#include "userspace/quota/random.h"

#define MS_NS		1000000ull
#define S_NS		1000000000ull
#define GAP_NS		(SL_LEASE_GAP_MS * MS_NS)
#define IDLE_NS		(SL_LEASE_IDLE_MS * MS_NS)
#define WINDOW_NS_LEAST (20 * MS_NS)
#define ARRIVED_LEAST	4000 /* mu: fewer say nothing about a rate */
#define RETRY_NS	(200 * MS_NS)

static bool holds(const struct sl_lease *lease, uint64_t now_ns)
{
	return lease->has_lease && now_ns < lease->expiry_ns;
}

static uint64_t period_ns(const struct sl_lease *lease)
{
	return lease->terms.period_ms * MS_NS;
}

void sl_lease_begin(struct sl_lease *lease, const struct sl_terms *terms, uint32_t nodes,
		    uint64_t seed, uint64_t now_ns)
{
	*lease = (struct sl_lease){
		.terms = *terms,
		.random = seed,
		.effective_mu_per_s = terms->rate_mu_per_s,
		.lambda_ppm = 2 * SL_QUOTA_PPM,
		.live = nodes ? nodes : 1,
		.nodes = nodes ? nodes : 1,
		.window_ns = now_ns,
		.seen_ns = now_ns,
		.next_ns = now_ns,
	};
}

static int64_t scaled(int64_t amount, int64_t part, int64_t whole)
{
	return (int64_t)((double)amount * ((double)part / (double)whole));
}

static void cut_to(struct sl_lease *lease, int64_t after, int64_t before)
{
	lease->rate_mu_per_s = scaled(lease->rate_mu_per_s, after, before);
	lease->safe_mu_per_s = scaled(lease->safe_mu_per_s, after, before);
}

bool sl_lease_set_terms(struct sl_lease *lease, const struct sl_terms *terms, uint64_t now_ns)
{
	const int64_t before = lease->terms.rate_mu_per_s, after = terms->rate_mu_per_s;

	if (terms->gen <= lease->terms.gen)
		return false;
	/* Every node cuts its part alike, so that their sum is under the new R at once. */
	if (after < before)
		cut_to(lease, after, before);
	if (lease->effective_mu_per_s == before || after < before)
		lease->effective_mu_per_s = after;
	lease->terms = *terms;
	lease->next_ns = now_ns;
	lease->steady = 0;
	return true;
}

bool sl_lease_set_peers(struct sl_lease *lease, enum sl_lease_peers peers, uint64_t now_ns)
{
	const bool changes = lease->peers != peers && lease->has_lease && !holds(lease, now_ns);

	lease->peers = peers;
	return changes && lease->terms.on_expiry == SL_EXPIRY_BLEND;
}

void sl_lease_observe(struct sl_lease *lease, int64_t arrived_mu, int64_t admitted_mu,
		      uint64_t now_ns)
{
	lease->seen_ns = now_ns;
	if (arrived_mu <= 0)
		return;
	/* After a pause the window begins where this arrived, about an observation ago. */
	if (!lease->arrived_mu && now_ns - lease->busy_ns > GAP_NS + SL_LEASE_EARLY_MS * MS_NS &&
	    now_ns - lease->window_ns > SL_LEASE_EARLY_MS * MS_NS)
		lease->window_ns = now_ns - SL_LEASE_EARLY_MS * MS_NS;
	lease->arrived_mu += arrived_mu;
	lease->admitted_mu += admitted_mu;
	lease->busy_ns = now_ns;
}

/* ---- when ---------------------------------------------------------------------------- */

static int64_t per_s(int64_t amount_mu, uint64_t span_ns)
{
	double rate = (double)amount_mu * 1e9 /
		      (double)(span_ns > WINDOW_NS_LEAST ? span_ns : WINDOW_NS_LEAST);

	return rate < SL_QUOTA_RATE_MAX ? (int64_t)rate : SL_QUOTA_RATE_MAX;
}

/* What was counted is of the time up to the last look. Up to now it would be too little: by
 * half, where a question is 200 ms after another and between two looks. */
static uint64_t seen_span_ns(const struct sl_lease *lease)
{
	return lease->seen_ns > lease->window_ns ? lease->seen_ns - lease->window_ns : 0;
}

/* More is refused than was asked for. */
static bool is_starving(const struct sl_lease *lease)
{
	const int64_t rate = per_s(lease->arrived_mu, seen_span_ns(lease));

	return lease->arrived_mu >= ARRIVED_LEAST &&
	       rate > lease->asked_mu_per_s / 10 * (lease->contended ? 13 : 11) &&
	       lease->arrived_mu - lease->admitted_mu >
		       lease->arrived_mu / (lease->contended ? 10 : 20);
}

/* Others want what is not wanted here any more. */
static bool has_left(const struct sl_lease *lease)
{
	const uint64_t span_ns = seen_span_ns(lease);

	return lease->contended && span_ns > GAP_NS + SL_LEASE_EARLY_MS * MS_NS &&
	       per_s(lease->arrived_mu, span_ns) < lease->asked_mu_per_s / 2 &&
	       lease->asked_mu_per_s > lease->effective_mu_per_s / 20;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t sl_lease_due_ns(const struct sl_lease *lease, uint64_t now_ns)
{
	uint64_t earliest_ns = lease->send_id ? lease->sent_ns + GAP_NS : 0;
	uint64_t due_ns = lease->next_ns;

	if (lease->fenced || lease->is_asking || lease->wants_terms)
		return UINT64_MAX;
	if (!lease->has_lease)
		return lease->arrived_mu && !lease->draining ? most(earliest_ns, due_ns)
							     : UINT64_MAX;
	if (lease->acks_early)
		return due_ns;
	if (lease->failures)
		return most(earliest_ns, due_ns);
	if (is_starving(lease) || has_left(lease))
		due_ns = now_ns;
	if (lease->rate_mu_per_s > 0)
		due_ns = least(due_ns, most(lease->busy_ns, lease->window_ns) + IDLE_NS);
	return most(earliest_ns, due_ns);
}

/* ---- the question ------------------------------------------------------------------- */

/* Is it more than chance, as far as one can tell (two sigma of Poisson arrivals)? */
static bool has_moved(const struct sl_lease *lease, int64_t rate, uint64_t span_ns)
{
	const double unit = (double)lease->terms.cost_max_mu;
	const double seconds = (double)span_ns / S_NS;
	const double was = (double)lease->estimate_mu_per_s * seconds / unit;
	const double is = (double)rate * seconds / unit;
	const double change = is - was;

	return change * change > 4 * (is > was ? is : was);
}

/* Few arrivals in a short window say little: they count as of a second. */
static void estimate(struct sl_lease *lease, uint64_t now_ns)
{
	const uint64_t seen_ns = seen_span_ns(lease);
	const uint64_t span_ns =
		lease->arrived_mu < ARRIVED_LEAST && seen_ns < S_NS ? S_NS : seen_ns;
	const int64_t rate = per_s(lease->arrived_mu, span_ns);
	const int64_t before = lease->estimate_mu_per_s;
	const double alpha = has_moved(lease, rate, span_ns) ? 0.7 : 0.2;

	if (now_ns - lease->busy_ns >= IDLE_NS || lease->draining)
		lease->estimate_mu_per_s = 0;
	else if (!seen_ns) /* nobody looked since: as it was */
		return;
	else if (!before)
		lease->estimate_mu_per_s = rate;
	else if (lease->send_id || lease->arrived_mu)
		lease->estimate_mu_per_s = before + (int64_t)(alpha * (double)(rate - before));
}

/* Takes no more than it will be granted anyway: others may have the rest at once. */
static bool release(struct sl_lease *lease, int64_t want)
{
	const int64_t own = scaled(want, lease->lambda_ppm, SL_QUOTA_PPM);

	if (own >= lease->rate_mu_per_s - lease->rate_mu_per_s / 20 && want)
		return false;
	if (own >= lease->rate_mu_per_s)
		return false;
	lease->rate_mu_per_s = own;
	return true;
}

/* What a node in fallback spends. Open is outside of all accounts. */
static int64_t spends(const struct sl_lease *lease, uint64_t now_ns)
{
	struct sl_quota_state state;

	sl_lease_state(lease, &state, now_ns);
	return state.mode == SL_QUOTA_MODE_OPEN ? 0 : state.rate_mu_per_s;
}

/* When the answer is there, will the lease still stand? Else the store may have given its part
 * to others by then, and the question must not say that it is held. */
static bool outlasts_answer(const struct sl_lease *lease, uint64_t now_ns)
{
	const uint64_t half_ms = lease->terms.ttl_ms / 2;

	return now_ns + least(SL_LEASE_ANSWER_MS, half_ms) * MS_NS < lease->expiry_ns;
}

bool sl_lease_ask(struct sl_lease *lease, struct sl_renew *ret, uint64_t *ret_send_id,
		  uint64_t now_ns)
{
	const bool held = holds(lease, now_ns), steady = lease->steady >= SL_LEASE_STEADY;
	const uint32_t ttl_ms = lease->terms.ttl_ms;
	bool lowered = false;

	estimate(lease, now_ns);
	if (seen_span_ns(lease))
		lease->used_mu_per_s = per_s(lease->admitted_mu, seen_span_ns(lease));
	*ret = (struct sl_renew){
		.want_mu_per_s = lease->estimate_mu_per_s + lease->estimate_mu_per_s / 10,
		.used_mu_per_s = lease->used_mu_per_s,
		.ttl_ms = steady ? 2 * ttl_ms : ttl_ms,
		.safe_mu_per_s = lease->safe_mu_per_s,
	};
	if (held) {
		lowered = release(lease, ret->want_mu_per_s);
		ret->has_mu_per_s = lease->rate_mu_per_s;
		ret->ack = outlasts_answer(lease, now_ns) ? lease->seq : 0;
	} else if (lease->has_lease) {
		ret->has_mu_per_s = spends(lease, now_ns);
		lease->counts.expired += !lease->was_expired;
		lease->was_expired = true;
	}
	*ret_send_id = ++lease->send_id;
	lease->counts.asked++;
	lease->is_asking = true;
	lease->acks_early = false;
	lease->sent_ns = now_ns;
	lease->sent_ttl_ms = ret->ttl_ms;
	lease->sent_ack = ret->ack;
	lease->sent_want_mu_per_s = ret->want_mu_per_s;
	lease->asked_mu_per_s = lease->estimate_mu_per_s;
	lease->arrived_mu = lease->admitted_mu = 0;
	lease->window_ns = most(lease->window_ns, lease->seen_ns);
	return lowered;
}

/* ---- the answer --------------------------------------------------------------------- */

static bool can_be(const struct sl_lease *lease, const struct sl_renewed *renewed)
{
	return renewed->grant_mu_per_s >= 0 && renewed->grant_mu_per_s <= 2 * SL_QUOTA_RATE_MAX &&
	       renewed->burst_mu >= 0 && renewed->burst_mu <= 2 * SL_QUOTA_BURST_MAX &&
	       renewed->seq > lease->sent_ack && renewed->lambda_ppm >= 0 &&
	       renewed->lambda_ppm <= 2 * SL_QUOTA_PPM && renewed->rate_mu_per_s > 0 &&
	       renewed->rate_mu_per_s <= SL_QUOTA_RATE_MAX && renewed->live <= SL_QUOTA_NODES_MAX &&
	       renewed->safe_mu_per_s >= 0 && renewed->safe_mu_per_s <= SL_QUOTA_RATE_MAX;
}

static void plan(struct sl_lease *lease, int64_t before, uint64_t now_ns)
{
	const int64_t change = lease->rate_mu_per_s - before;
	uint64_t span_ns = period_ns(lease);

	if (lease->contended && -change > lease->effective_mu_per_s / 50) {
		lease->acks_early = true;
		lease->next_ns = now_ns + SL_LEASE_EARLY_MS * MS_NS;
		lease->steady = 0;
		return;
	}
	if (lease->contended || lease->learning || change > before / 20 || -change > before / 20)
		lease->steady = 0;
	else if (lease->steady < SL_LEASE_STEADY)
		lease->steady++;
	if (lease->steady && lease->sent_ttl_ms > lease->terms.ttl_ms)
		span_ns = lease->terms.ttl_ms / 5 * 4 * MS_NS;
	lease->next_ns = lease->sent_ns + sl_quota_jitter_ns(&lease->random, span_ns);
}

/* The store has not heard yet that R is lower: each node cuts its part alike. */
static int64_t of_older_terms(const struct sl_lease *lease, const struct sl_renewed *renewed,
			      int64_t rate)
{
	const int64_t ours = lease->terms.rate_mu_per_s;

	if (renewed->gen >= (int64_t)lease->terms.gen || renewed->rate_mu_per_s <= ours)
		return rate;
	return scaled(rate, ours, renewed->rate_mu_per_s);
}

static bool take_grant(struct sl_lease *lease, const struct sl_renewed *renewed, uint64_t now_ns)
{
	const int64_t before = holds(lease, now_ns) ? lease->rate_mu_per_s : 0;
	const uint64_t ttl_ns = lease->sent_ttl_ms * MS_NS;

	lease->has_lease = renewed->grant_mu_per_s > 0 || lease->sent_want_mu_per_s > 0;
	lease->was_expired = false;
	lease->rate_mu_per_s =
		lease->draining ? 0 : of_older_terms(lease, renewed, renewed->grant_mu_per_s);
	lease->safe_mu_per_s = of_older_terms(lease, renewed, renewed->safe_mu_per_s);
	lease->granted_mu_per_s = renewed->grant_mu_per_s;
	lease->burst_mu = renewed->burst_mu;
	lease->seq = renewed->seq;
	lease->lambda_ppm = renewed->lambda_ppm;
	lease->effective_mu_per_s = renewed->rate_mu_per_s;
	lease->contended = renewed->flags & SL_RENEWED_CONTENDED;
	lease->learning = renewed->flags & SL_RENEWED_LEARNING;
	lease->live = renewed->live ? renewed->live : 1;
	lease->expiry_ns = lease->sent_ns + ttl_ns - ttl_ns / 1000000 * SL_LEASE_DRIFT_PPM;
	lease->counts.granted++;
	plan(lease, before, now_ns);
	return true;
}

/* It is given up here and for good; the store's row ends by itself. */
static void forget(struct sl_lease *lease)
{
	lease->has_lease = false;
	lease->rate_mu_per_s = 0;
	lease->safe_mu_per_s = 0;
	lease->seq = 0;
	lease->contended = lease->learning = false;
	lease->steady = 0;
}

bool sl_lease_answer(struct sl_lease *lease, uint64_t send_id, const struct sl_renewed *renewed,
		     uint64_t now_ns)
{
	if (!lease->is_asking || send_id != lease->send_id || lease->fenced) {
		lease->counts.dropped++;
		return false;
	}
	if (now_ns - lease->sent_ns > SL_LEASE_ANSWER_MS * MS_NS ||
	    (renewed->status == SL_QUOTA_OK && !can_be(lease, renewed))) {
		lease->counts.dropped++;
		sl_lease_failed(lease, send_id, now_ns);
		return false;
	}
	lease->is_asking = false;
	lease->failures = 0;
	lease->store_gen = renewed->gen;
	switch (renewed->status) {
	case SL_QUOTA_OK:
		return take_grant(lease, renewed, now_ns);
	case SL_QUOTA_FENCED:
		forget(lease);
		lease->fenced = true;
		lease->counts.fenced++;
		return true;
	case SL_QUOTA_CENTRAL:
		forget(lease);
		lease->next_ns = now_ns + period_ns(lease);
		return true;
	case SL_QUOTA_UNKNOWN:
		lease->wants_terms = true;
		break;
	case SL_QUOTA_LEASED:
	case SL_QUOTA_FULL:
	case SL_QUOTA_STALE:
	case SL_QUOTA_CONFLICT:
		break;
	}
	lease->next_ns = now_ns + sl_quota_jitter_ns(&lease->random, period_ns(lease));
	return false;
}

void sl_lease_failed(struct sl_lease *lease, uint64_t send_id, uint64_t now_ns)
{
	uint64_t wait_ns;

	if (!lease->is_asking || send_id != lease->send_id)
		return;
	lease->is_asking = false;
	lease->counts.failed++;
	wait_ns = RETRY_NS << (lease->failures < 4 ? lease->failures : 4);
	lease->failures++;
	wait_ns = least(wait_ns, period_ns(lease));
	lease->next_ns = now_ns + wait_ns / 2 + sl_quota_random(&lease->random, wait_ns / 2 + 1);
}

void sl_lease_sent_terms(struct sl_lease *lease, uint64_t now_ns)
{
	lease->wants_terms = false;
	lease->next_ns = now_ns;
}

void sl_lease_drain(struct sl_lease *lease, uint64_t now_ns)
{
	lease->draining = true;
	lease->rate_mu_per_s = 0;
	lease->next_ns = now_ns;
}
