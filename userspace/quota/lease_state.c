// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/lease.h"

#define MS_NS	 1000000ull
#define BLEND_NS (SL_LEASE_BLEND_MS * MS_NS)
#define STEP_NS	 1000000000ull /* a blended rate is written anew this often */

static void set_rate(struct sl_quota_state *state, const struct sl_terms *terms,
		     enum sl_quota_mode mode, int64_t rate)
{
	state->mode = mode;
	state->rate_mu_per_s = rate;
	state->cap_mu = sl_terms_cap(terms, rate);
}

static void safe(const struct sl_lease *lease, struct sl_quota_state *state, int64_t rate)
{
	state->fallback = SL_FALLBACK_SAFE;
	state->safe_rate_mu_per_s = rate;
	state->safe_cap_mu = sl_terms_cap(&lease->terms, rate);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t cold_rate(const struct sl_lease *lease)
{
	return sl_terms_cold_rate(&lease->terms,
				  lease->live > lease->nodes ? lease->live : lease->nodes);
}

/* What the node may have when it hears nothing for long: what a cold one has at the least. */
static int64_t safe_rate(const struct sl_lease *lease)
{
	const int64_t cold = cold_rate(lease);

	return lease->safe_mu_per_s > cold ? lease->safe_mu_per_s : cold;
}

/* What the kernel turns to by itself: to more than it has only an agent takes it, that sees to it
 * that the others' leases have ended as well. */
static void set_fallback(const struct sl_lease *lease, struct sl_quota_state *state)
{
	const struct sl_terms *terms = &lease->terms;

	switch (terms->on_expiry) {
	case SL_EXPIRY_LAST:
		state->fallback = SL_FALLBACK_LAST;
		break;
	case SL_EXPIRY_CLOSED:
		state->fallback = SL_FALLBACK_CLOSED;
		break;
	case SL_EXPIRY_OPEN:
		state->fallback = SL_FALLBACK_OPEN;
		if (terms->node_ceiling_mu_per_s)
			safe(lease, state, terms->node_ceiling_mu_per_s);
		break;
	case SL_EXPIRY_BLEND: /* the agent blends; where it is dead the kernel is safe */
	case SL_EXPIRY_SAFE:
		safe(lease, state, least(safe_rate(lease), state->rate_mu_per_s));
		break;
	}
}

/* The burst that came with the grant, for the part of it that is applied. */
static int64_t held_cap(const struct sl_lease *lease)
{
	double part = (double)lease->rate_mu_per_s / (double)lease->granted_mu_per_s;
	int64_t cap = (int64_t)((double)lease->burst_mu * (part < 1.0 ? part : 1.0));

	return cap > lease->terms.cost_max_mu ? cap : lease->terms.cost_max_mu;
}

static void held(const struct sl_lease *lease, struct sl_quota_state *state)
{
	state->mode = SL_QUOTA_MODE_HELD;
	state->rate_mu_per_s = lease->rate_mu_per_s;
	state->cap_mu = held_cap(lease);
	state->expiry_ns = lease->expiry_ns;
	state->change_ns = lease->expiry_ns;
	set_fallback(lease, state);
}

static void cold(const struct sl_lease *lease, struct sl_quota_state *state)
{
	state->mode = SL_QUOTA_MODE_COLD;
	state->rate_mu_per_s = cold_rate(lease);
	state->cap_mu = lease->terms.cost_max_mu;
}

static void open(const struct sl_lease *lease, struct sl_quota_state *state)
{
	set_rate(state, &lease->terms, SL_QUOTA_MODE_OPEN, lease->terms.node_ceiling_mu_per_s);
	state->unlimited = !lease->terms.node_ceiling_mu_per_s;
}

/* When another lease, that stood when this one was last renewed, may still hold. */
static uint64_t others_ns(const struct sl_lease *lease)
{
	return 2 * lease->terms.ttl_ms * MS_NS + STEP_NS;
}

/*
 * From the last rate to the safe share. Each part alone sums up to R over all nodes, and so
 * do both where no node grows before the others shrink: who has more begins at once, a step
 * ahead, and who has less when all leases have ended.
 */
static void blend(const struct sl_lease *lease, struct sl_quota_state *state, uint64_t now_ns)
{
	const int64_t last = lease->rate_mu_per_s, target = safe_rate(lease);
	uint64_t past_ns = now_ns - lease->expiry_ns;

	if (target > last)
		past_ns -= past_ns > others_ns(lease) ? others_ns(lease) : past_ns;
	else
		past_ns += STEP_NS;
	if (past_ns >= BLEND_NS || (lease->peers == SL_LEASE_PEERS_RENEW && target <= last)) {
		set_rate(state, &lease->terms, SL_QUOTA_MODE_SAFE, target);
		return;
	}
	set_rate(state, &lease->terms, SL_QUOTA_MODE_BLEND,
		 last + (int64_t)((double)(target - last) * ((double)past_ns / (double)BLEND_NS)));
	safe(lease, state, least(target, state->rate_mu_per_s));
	state->change_ns = now_ns + STEP_NS;
	state->expiry_ns = now_ns + 3 * STEP_NS;
}

static void safe_at_last(const struct sl_lease *lease, struct sl_quota_state *state,
			 uint64_t now_ns)
{
	const int64_t last = lease->rate_mu_per_s, target = safe_rate(lease);
	const uint64_t from_ns = lease->expiry_ns + others_ns(lease);

	if (target <= last || now_ns >= from_ns) {
		set_rate(state, &lease->terms, SL_QUOTA_MODE_SAFE, target);
		return;
	}
	set_rate(state, &lease->terms, SL_QUOTA_MODE_SAFE, last);
	state->change_ns = from_ns;
}

static void ended(const struct sl_lease *lease, struct sl_quota_state *state, uint64_t now_ns)
{
	const struct sl_terms *terms = &lease->terms;

	switch (terms->on_expiry) {
	case SL_EXPIRY_BLEND:
		blend(lease, state, now_ns);
		break;
	case SL_EXPIRY_LAST:
		set_rate(state, terms, SL_QUOTA_MODE_LAST, lease->rate_mu_per_s);
		break;
	case SL_EXPIRY_SAFE:
		safe_at_last(lease, state, now_ns);
		break;
	case SL_EXPIRY_CLOSED:
		set_rate(state, terms, SL_QUOTA_MODE_CLOSED, 0);
		break;
	case SL_EXPIRY_OPEN:
		open(lease, state);
		break;
	}
}

void sl_lease_state(const struct sl_lease *lease, struct sl_quota_state *ret, uint64_t now_ns)
{
	*ret = (struct sl_quota_state){ .change_ns = UINT64_MAX };
	if (lease->fenced)
		ret->mode = SL_QUOTA_MODE_FENCED;
	else if (lease->has_lease && !lease->draining && now_ns >= lease->expiry_ns)
		ended(lease, ret, now_ns);
	else if (lease->has_lease && !lease->draining && lease->rate_mu_per_s)
		held(lease, ret);
	else if (lease->terms.on_expiry == SL_EXPIRY_OPEN && lease->failures && !lease->draining)
		open(lease, ret);
	else
		cold(lease, ret);
}
