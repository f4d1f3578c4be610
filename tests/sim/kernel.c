// SPDX-License-Identifier: Apache-2.0
/* What a node's kernel enforces of a lease, with nobody alive in userspace. */
#include "tests/sim/world.h"

#define BROKEN_EXPIRY_NS (20 * SL_SIM_S_NS)

static double units(int64_t mu)
{
	return (double)mu / SL_SIM_MU;
}

static enum sl_sim_hold hold_of(enum sl_quota_mode mode)
{
	switch (mode) {
	case SL_QUOTA_MODE_HELD:
		return SL_HOLD_LEASE;
	case SL_QUOTA_MODE_COLD:
		return SL_HOLD_COLD;
	case SL_QUOTA_MODE_FENCED:
		return SL_HOLD_NOTHING;
	case SL_QUOTA_MODE_BLEND:
	case SL_QUOTA_MODE_LAST:
	case SL_QUOTA_MODE_SAFE:
	case SL_QUOTA_MODE_CLOSED:
	case SL_QUOTA_MODE_OPEN:
		break;
	}
	return SL_HOLD_FALLBACK;
}

/* The lease has ended: as the kernel was told. */
static struct sl_sim_enforced ended(const struct sl_quota_state *state, uint64_t over_ns)
{
	double left = over_ns < SL_BLEND_NS ? 1 - (double)over_ns / SL_BLEND_NS : 0;
	struct sl_sim_enforced ret = { .hold = SL_HOLD_FALLBACK };

	switch (state->fallback) {
	case SL_FALLBACK_LAST:
		ret.rate_per_s = units(state->rate_mu_per_s);
		ret.burst = units(state->cap_mu);
		break;
	case SL_FALLBACK_BLEND:
		ret.rate_per_s = left * units(state->rate_mu_per_s) +
				 (1 - left) * units(state->safe_rate_mu_per_s);
		ret.burst = left * units(state->cap_mu) + (1 - left) * units(state->safe_cap_mu);
		break;
	case SL_FALLBACK_SAFE:
		ret.rate_per_s = units(state->safe_rate_mu_per_s);
		ret.burst = units(state->safe_cap_mu);
		break;
	case SL_FALLBACK_OPEN:
		ret.unlimited = true;
		break;
	case SL_FALLBACK_CLOSED:
		break;
	}
	return ret;
}

struct sl_sim_enforced sl_kernel_enforces(const struct sl_world *world,
					  const struct sl_sim_pair *pair)
{
	const struct sl_sim_instance *instance = &world->instance[pair->instance];
	const struct sl_quota_state *state = &pair->state;
	uint64_t now_ns = sl_sim_clock(world, instance);
	uint64_t expiry_ns = state->expiry_ns;
	struct sl_sim_enforced ret;

	if (!instance->is_up)
		return (struct sl_sim_enforced){ .hold = SL_HOLD_NOTHING };
	if (expiry_ns && world->options.broken == SL_BREAK_EXPIRY)
		expiry_ns += BROKEN_EXPIRY_NS;
	if (expiry_ns && now_ns >= expiry_ns) {
		ret = ended(state, now_ns - expiry_ns);
	} else {
		ret.hold = hold_of(state->mode);
		ret.unlimited = state->unlimited;
		ret.rate_per_s = units(state->rate_mu_per_s);
		ret.burst = units(state->cap_mu);
	}
	ret.is_blocked = state->block_until_ns && now_ns < state->block_until_ns;
	return ret;
}

void sl_kernel_apply(struct sl_world *world, struct sl_sim_pair *pair,
		     const struct sl_quota_state *state)
{
	uint64_t now_ns = sl_sim_clock(world, &world->instance[pair->instance]);
	bool has_grown = state->rate_mu_per_s > pair->state.rate_mu_per_s;

	if (state->mode == SL_QUOTA_MODE_FENCED && world->options.broken == SL_BREAK_FENCE)
		return;
	pair->state = *state;
	pair->is_leased = state->mode == SL_QUOTA_MODE_HELD;
	if (pair->is_leased)
		pair->last_held = units(state->rate_mu_per_s);
	if (state->rate_mu_per_s && !state->unlimited) {
		sl_sim_bucket_set(&pair->bucket, units(state->rate_mu_per_s), units(state->cap_mu),
				  now_ns);
		if (has_grown && world->options.broken == SL_BREAK_MINT)
			sl_sim_bucket_fill(&pair->bucket, pair->bucket.burst, now_ns);
	}
}

uint32_t sl_kernel_take(struct sl_world *world, struct sl_sim_pair *pair, uint32_t count)
{
	struct sl_sim_enforced now = sl_kernel_enforces(world, pair);
	uint64_t now_ns = sl_sim_clock(world, &world->instance[pair->instance]);

	if (now.unlimited)
		return count;
	if (now.hold == SL_HOLD_NOTHING || now.is_blocked || now.rate_per_s <= 0)
		return 0;
	sl_sim_bucket_set(&pair->bucket, now.rate_per_s, now.burst, now_ns);
	return sl_sim_bucket_take(&pair->bucket, count, now_ns);
}
