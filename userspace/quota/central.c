// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/central.h"

#include "userspace/quota/random.h"

#define MS_NS	     1000000ull
#define GAP_NS	     (SL_CENTRAL_GAP_MS * MS_NS)
#define ANSWER_NS    (SL_CENTRAL_ANSWER_MS * MS_NS)
#define IDLE_NS	     (SL_CENTRAL_IDLE_MS * MS_NS)
#define RETRY_NS     (200 * MS_NS)
#define RETRY_NS_MAX (1000 * MS_NS)
#define WAIT_MS_MAX  60000
#define AHEAD_PER_S  (1000 / SL_CENTRAL_AHEAD_MS)
/* Where another agent of this incarnation left off: it charged less than one mu in this. */
#define SETTLED_NS	10
#define WINDOW_NS_LEAST (20 * MS_NS)
#define DRIFT_PART	2000 /* of 200 ppm of both clocks, and some */

void sl_central_begin(struct sl_central *central, const struct sl_terms *terms, uint32_t nodes,
		      uint64_t seed, uint64_t now_ns)
{
	*central = (struct sl_central){
		.terms = *terms,
		.random = seed,
		.live = nodes ? nodes : 1,
		.nodes = nodes ? nodes : 1,
		.settled_mu = (int64_t)(now_ns / SETTLED_NS % (SL_QUOTA_NUMBER_MAX / 2)),
		.window_ns = now_ns,
	};
}

bool sl_central_set_terms(struct sl_central *central, const struct sl_terms *terms, uint64_t now_ns)
{
	if (terms->gen <= central->terms.gen)
		return false;
	central->terms = *terms;
	central->next_ns = now_ns;
	return true;
}

/* No answer for so long that the fallback applies. */
static bool is_alone(const struct sl_central *central, uint64_t now_ns)
{
	return central->tried_ns && now_ns - central->tried_ns >= central->terms.ttl_ms * MS_NS;
}

void sl_central_observe(struct sl_central *central, int64_t arrived_mu, int64_t admitted_mu,
			uint64_t now_ns)
{
	if (arrived_mu <= 0)
		return;
	/* What was paid for long ago is not spent now: others may have had it since. */
	if (now_ns - central->busy_ns >= IDLE_NS && central->credit_mu > 0)
		central->credit_mu = 0;
	if (now_ns - central->window_ns > IDLE_NS && !central->arrived_mu)
		central->window_ns = now_ns - IDLE_NS;
	central->arrived_mu += arrived_mu;
	if (!is_alone(central, now_ns)) /* else it was of the fallback, and is nobody's debt */
		central->credit_mu -= admitted_mu;
	central->busy_ns = now_ns;
}

/* ---- the question ------------------------------------------------------------------- */

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int64_t most_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t rate_of(const struct sl_central *central, uint64_t now_ns)
{
	const uint64_t span_ns = most(now_ns - central->window_ns, WINDOW_NS_LEAST);
	double rate = (double)central->arrived_mu * 1e9 / (double)span_ns;

	return rate < SL_QUOTA_RATE_MAX ? (int64_t)rate : SL_QUOTA_RATE_MAX;
}

/* What comes less than once a second is paid for after it passed: paid ahead it would be
 * lost to all when nothing comes. */
static bool pays_ahead(const struct sl_central *central, int64_t rate)
{
	return rate >= central->terms.cost_max_mu;
}

/* What was answered holds for one ttl. */
static bool is_ageing(const struct sl_central *central, uint64_t now_ns)
{
	return central->was_heard &&
	       now_ns - central->heard_ns >= central->terms.ttl_ms * MS_NS / 4 * 3;
}

uint64_t sl_central_due_ns(const struct sl_central *central, uint64_t now_ns)
{
	const int64_t rate = rate_of(central, now_ns);
	uint64_t due_ns = central->next_ns;
	bool short_of = central->credit_mu < 0;

	if (central->fenced || central->is_asking || central->wants_terms)
		return UINT64_MAX;
	if (central->send_id)
		due_ns = most(due_ns, central->sent_ns + GAP_NS);
	/* Until it is answered: what wakes in a fallback would spend what it does not hold. */
	if (central->tried_ns)
		return due_ns;
	if (central->draining || !central->arrived_mu)
		return central->credit_mu < 0 ? due_ns : UINT64_MAX;
	due_ns = most(due_ns, central->block_until_ns);
	/* Else the kernel turns to its fallback, and where that passes nothing nothing would
	 * ever be short. */
	short_of |= is_ageing(central, now_ns);
	if (pays_ahead(central, most_of(rate, central->estimate_mu_per_s)))
		short_of |= central->credit_mu < central->terms.cost_max_mu ||
			    central->credit_mu < rate / AHEAD_PER_S / 2;
	return short_of ? due_ns : UINT64_MAX;
}

/* Rounded down: what is said to have passed later is charged no cheaper. */
static int64_t since_ms(const struct sl_central *central, uint64_t now_ns)
{
	const uint64_t ms = central->failures ? (now_ns - central->failed_ns) / MS_NS : 0;

	return ms < SL_QUOTA_SINCE_MS_MAX ? (int64_t)ms : SL_QUOTA_SINCE_MS_MAX;
}

/* An answer to what is asked now is of no use after that, by the store's clock: at the latest that
 * is as long after its last word as we waited since we asked for that. A clock that is set forward
 * makes one question void, of which the answer brings the new time. */
static int64_t void_us(const struct sl_central *central, uint64_t now_ns)
{
	const int64_t age_us = (int64_t)((now_ns - central->store_ns) / 1000);
	const int64_t ends_us =
		central->store_us + age_us + age_us / DRIFT_PART + (int64_t)(ANSWER_NS / 1000);

	return central->store_us && ends_us <= SL_QUOTA_NUMBER_MAX ? ends_us : 0;
}

void sl_central_ask(struct sl_central *central, struct sl_charge *ret, uint64_t *ret_send_id,
		    uint64_t now_ns)
{
	const int64_t rate = rate_of(central, now_ns), owed = central->credit_mu;
	int64_t want = 0;

	if (rate > central->estimate_mu_per_s)
		central->estimate_mu_per_s += (rate - central->estimate_mu_per_s) / 10 * 7;
	else
		central->estimate_mu_per_s -= (central->estimate_mu_per_s - rate) / 10 * 3;
	if (!central->draining && central->arrived_mu) {
		want = most_of(central->estimate_mu_per_s / AHEAD_PER_S,
			       central->terms.cost_max_mu);
		want = owed > 0 ? most_of(0, want - owed) : want;
		if (!pays_ahead(central, central->estimate_mu_per_s))
			want = 0;
	}
	*ret = (struct sl_charge){
		.passed_mu = owed < 0 ? -owed : 0,
		.want_mu = want,
		.want_mu_per_s = central->estimate_mu_per_s,
		.total_mu = central->settled_mu + (owed < 0 ? -owed : 0),
		.since_ms = since_ms(central, now_ns),
		.void_us = void_us(central, now_ns),
	};
	*ret_send_id = ++central->send_id;
	central->counts.asked++;
	central->counts.charged_mu += ret->passed_mu;
	central->asked_charge_mu = ret->passed_mu;
	central->asked_want_mu = want;
	central->is_asking = true;
	central->sent_ns = now_ns;
	if (!central->tried_ns)
		central->tried_ns = now_ns;
	central->arrived_mu = 0;
	central->window_ns = now_ns;
}

/* ---- the answer --------------------------------------------------------------------- */

static bool can_be(const struct sl_central *central, const struct sl_charged *charged)
{
	return charged->paid_mu >= 0 && charged->paid_mu <= central->asked_want_mu &&
	       (charged->wait_ms == 0 ||
		(charged->wait_ms >= SL_QUOTA_BLOCK_MS && charged->wait_ms <= WAIT_MS_MAX)) &&
	       charged->rate_mu_per_s > 0 && charged->live <= SL_QUOTA_NODES_MAX;
}

static void take(struct sl_central *central, const struct sl_charged *charged, uint64_t now_ns)
{
	central->credit_mu += central->asked_charge_mu + charged->paid_mu;
	central->settled_mu += central->asked_charge_mu;
	central->slot_mu = central->credit_mu > 0 ? central->credit_mu : 0;
	central->block_ms = charged->wait_ms;
	central->block_until_ns =
		charged->wait_ms ? now_ns + (uint64_t)charged->wait_ms * MS_NS : 0;
	central->is_contended = charged->wait_ms > 0;
	central->was_refused = charged->wait_ms > 0 && !charged->paid_mu && central->asked_want_mu;
	central->left_mu = charged->left_mu;
	central->counts.refused += central->was_refused;
	central->counts.answered++;
	central->live = charged->live ? charged->live : 1;
	central->heard_ns = now_ns;
	central->tried_ns = 0;
	central->was_heard = true;
	central->next_ns = now_ns;
}

bool sl_central_answer(struct sl_central *central, uint64_t send_id,
		       const struct sl_charged *charged, uint64_t now_ns)
{
	if (!central->is_asking || send_id != central->send_id) {
		central->counts.dropped++;
		return false;
	}
	central->store_us = charged->store_us;
	central->store_ns = central->sent_ns;
	if (now_ns - central->sent_ns > ANSWER_NS ||
	    (charged->status == SL_QUOTA_OK && !can_be(central, charged))) {
		central->counts.dropped++;
		sl_central_failed(central, send_id, now_ns);
		return false;
	}
	central->is_asking = false;
	central->failures = 0;
	central->store_gen = charged->gen;
	if (charged->status == SL_QUOTA_OK) {
		take(central, charged, now_ns);
		return true;
	}
	central->fenced = charged->status == SL_QUOTA_FENCED;
	central->wants_terms = charged->status == SL_QUOTA_UNKNOWN;
	central->next_ns =
		now_ns + sl_quota_jitter_ns(&central->random, central->terms.period_ms * MS_NS);
	return central->fenced;
}

void sl_central_failed(struct sl_central *central, uint64_t send_id, uint64_t now_ns)
{
	uint64_t wait_ns;

	if (!central->is_asking || send_id != central->send_id)
		return;
	central->is_asking = false;
	central->counts.failed++;
	if (!central->failures)
		central->failed_ns = now_ns;
	wait_ns = RETRY_NS << (central->failures < 4 ? central->failures : 4);
	wait_ns = wait_ns < RETRY_NS_MAX ? wait_ns : RETRY_NS_MAX;
	central->failures++;
	central->next_ns =
		now_ns + wait_ns / 2 + sl_quota_random(&central->random, wait_ns / 2 + 1);
}

void sl_central_sent_terms(struct sl_central *central, uint64_t now_ns)
{
	central->wants_terms = false;
	central->next_ns = now_ns;
}

void sl_central_drain(struct sl_central *central, uint64_t now_ns)
{
	central->draining = true;
	central->next_ns = now_ns;
}

/* ---- what to enforce ---------------------------------------------------------------- */

static int64_t cold_rate(const struct sl_central *central)
{
	return sl_terms_cold_rate(&central->terms,
				  central->live > central->nodes ? central->live : central->nodes);
}

static void cold(const struct sl_central *central, struct sl_quota_state *state)
{
	state->mode = SL_QUOTA_MODE_COLD;
	state->rate_mu_per_s = cold_rate(central);
	state->cap_mu = central->terms.cost_max_mu;
}

/* The store is not heard: the same share for each node, as for leases without a last rate. */
static void set_fallback(const struct sl_central *central, struct sl_quota_state *state)
{
	const struct sl_terms *terms = &central->terms;
	int64_t rate = sl_terms_safe_rate(terms, central->live);

	state->fallback = SL_FALLBACK_SAFE;
	if (terms->on_expiry == SL_EXPIRY_CLOSED)
		state->fallback = SL_FALLBACK_CLOSED;
	if (terms->on_expiry == SL_EXPIRY_OPEN) {
		rate = terms->node_ceiling_mu_per_s;
		if (!rate)
			state->fallback = SL_FALLBACK_OPEN;
	}
	if (state->fallback != SL_FALLBACK_SAFE)
		return;
	state->safe_rate_mu_per_s = rate;
	state->safe_cap_mu = sl_terms_cap(terms, rate);
}

/* What the buckets of all nodes held when it was last heard, beyond B, comes out of the safe
 * share first. */
static uint64_t owes_until_ns(const struct sl_central *central, const struct sl_quota_state *state)
{
	const struct sl_terms *terms = &central->terms;
	double part = (double)state->rate_mu_per_s / (double)terms->rate_mu_per_s;
	double had = (double)most_of(state->cap_mu, central->slot_mu);
	double beyond = had - (double)terms->burst_mu * part;

	if (terms->on_expiry == SL_EXPIRY_OPEN || !state->rate_mu_per_s || beyond <= 0)
		return 0;
	return central->tried_ns + terms->ttl_ms * MS_NS +
	       (uint64_t)(beyond / (double)state->rate_mu_per_s * 1e9);
}

static void ended(const struct sl_central *central, struct sl_quota_state *state)
{
	struct sl_quota_state kernel = { .mode = SL_QUOTA_MODE_COLD };

	set_fallback(central, &kernel);
	state->rate_mu_per_s = kernel.safe_rate_mu_per_s;
	state->cap_mu = kernel.safe_cap_mu;
	state->unlimited = kernel.fallback == SL_FALLBACK_OPEN;
	state->mode = SL_QUOTA_MODE_SAFE;
	state->block_until_ns = owes_until_ns(central, state);
	if (central->terms.on_expiry == SL_EXPIRY_OPEN)
		state->mode = SL_QUOTA_MODE_OPEN;
	if (central->terms.on_expiry == SL_EXPIRY_CLOSED)
		state->mode = SL_QUOTA_MODE_CLOSED;
}

/* The bucket fills to what was paid for while it waits, so that it is there at the end. */
static void held(const struct sl_central *central, struct sl_quota_state *state)
{
	const struct sl_terms *terms = &central->terms;
	int64_t rate = 2 * central->estimate_mu_per_s;

	state->mode = SL_QUOTA_MODE_HELD;
	state->cap_mu = most_of(central->slot_mu, terms->cost_max_mu);
	if (central->is_contended) {
		state->rate_mu_per_s = state->cap_mu * 1000 / central->block_ms;
	} else {
		/* Its part of what is left in the bucket may pass before it is charged. */
		rate = most_of(rate, central->left_mu * AHEAD_PER_S / central->live);
		rate = most_of(rate, central->slot_mu * AHEAD_PER_S);
		state->rate_mu_per_s = rate < terms->rate_mu_per_s ? rate : terms->rate_mu_per_s;
	}
	/* Nobody answers: what was paid for, and our part of what was left, is spent by now, and
	 * more is only the safe share. */
	if (central->failures)
		state->rate_mu_per_s =
			least_of(state->rate_mu_per_s, sl_terms_safe_rate(terms, central->live));
	if (state->rate_mu_per_s < sl_terms_cold_rate(terms, central->live))
		state->rate_mu_per_s = sl_terms_cold_rate(terms, central->live);
	state->block_until_ns = central->block_until_ns;
	if (central->was_refused) /* nothing is paid for: the next answer says when */
		state->block_until_ns += ANSWER_NS;
	state->expiry_ns = central->heard_ns + central->terms.ttl_ms * MS_NS;
	state->change_ns = central->busy_ns + IDLE_NS;
	set_fallback(central, state);
}

void sl_central_state(const struct sl_central *central, struct sl_quota_state *ret, uint64_t now_ns)
{
	const uint64_t ttl_ns = central->terms.ttl_ms * MS_NS;

	*ret = (struct sl_quota_state){ .change_ns = UINT64_MAX };
	if (central->fenced) {
		ret->mode = SL_QUOTA_MODE_FENCED;
	} else if (central->draining) {
		cold(central, ret);
	} else if (is_alone(central, now_ns)) {
		ended(central, ret);
	} else {
		if (central->was_heard && now_ns - central->busy_ns < IDLE_NS)
			held(central, ret);
		else
			cold(central, ret);
		if (central->tried_ns && central->tried_ns + ttl_ns < ret->change_ns)
			ret->change_ns = central->tried_ns + ttl_ns;
	}
}
