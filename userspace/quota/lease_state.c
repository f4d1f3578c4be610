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

/* What the kernel turns to by itself. */
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
		safe(lease, state, sl_terms_safe_rate(terms, lease->live));
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
	state->rate_mu_per_s = sl_terms_cold_rate(&lease->terms, lease->live);
	state->cap_mu = lease->terms.cost_max_mu;
}

static void open(const struct sl_lease *lease, struct sl_quota_state *state)
{
	set_rate(state, &lease->terms, SL_QUOTA_MODE_OPEN, lease->terms.node_ceiling_mu_per_s);
	state->unlimited = !lease->terms.node_ceiling_mu_per_s;
}

/* From the last rate to the safe share. Each part alone sums up to R over all nodes. */
static void blend(const struct sl_lease *lease, struct sl_quota_state *state, uint64_t now_ns)
{
	const int64_t safe_rate = sl_terms_safe_rate(&lease->terms, lease->live);
	const uint64_t past_ns = now_ns - lease->expiry_ns;
	double part;

	if (past_ns >= BLEND_NS || lease->peers == SL_LEASE_PEERS_RENEW) {
		set_rate(state, &lease->terms, SL_QUOTA_MODE_SAFE, safe_rate);
		return;
	}
	part = (double)past_ns / (double)BLEND_NS;
	set_rate(state, &lease->terms, SL_QUOTA_MODE_BLEND,
		 lease->rate_mu_per_s +
			 (int64_t)((double)(safe_rate - lease->rate_mu_per_s) * part));
	safe(lease, state, safe_rate);
	state->change_ns = now_ns + STEP_NS;
	state->expiry_ns = now_ns + 3 * STEP_NS;
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
		set_rate(state, terms, SL_QUOTA_MODE_SAFE, sl_terms_safe_rate(terms, lease->live));
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
