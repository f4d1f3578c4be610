// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/limit.h"

#define S_NS	     1000000000ull
#define S_CU	     (S_NS << SL_CREDIT_SHIFT)
#define BURST_CU_MAX (SL_BURST_NS_MAX << SL_CREDIT_SHIFT)

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	if (value < low)
		return low;
	return value < high ? value : high;
}

static unsigned __int128 divide_nearest(unsigned __int128 dividend, uint64_t divisor)
{
	return (dividend + divisor / 2) / divisor;
}

struct sl_rate sl_rate_cost(const struct sl_rate_spec *rate, enum sl_unit unit)
{
	const bool bytes = unit == SL_UNIT_BYTES;
	const unsigned shift = bytes ? SL_BYTE_COST_SHIFT : 0;
	struct sl_rate made = { 0 };
	uint64_t per_s;
	unsigned __int128 burst_cu;

	if (rate->unlimited || rate->per_s == 0)
		return made;
	per_s = bytes ? clamp(rate->per_s, SL_BYTES_PER_S_MIN, SL_BYTES_PER_S_MAX)
		      : clamp(rate->per_s, 1, SL_RATE_PER_S_MAX);
	made.cost = (uint64_t)divide_nearest((unsigned __int128)S_CU << shift, per_s);
	burst_cu = ((unsigned __int128)made.cost * rate->burst) >> shift;
	made.burst_cu = burst_cu < BURST_CU_MAX ? (uint64_t)burst_cu : BURST_CU_MAX;
	return made;
}

struct sl_rate_spec sl_rate_of_cost(const struct sl_rate *rate, enum sl_unit unit)
{
	const unsigned shift = unit == SL_UNIT_BYTES ? SL_BYTE_COST_SHIFT : 0;

	if (rate->cost == 0)
		return (struct sl_rate_spec){ .unlimited = true };
	return (struct sl_rate_spec){
		.per_s = (uint64_t)divide_nearest((unsigned __int128)S_CU << shift, rate->cost),
		.burst = (uint64_t)divide_nearest((unsigned __int128)rate->burst_cu << shift,
						  rate->cost),
	};
}

/* ---- one direction ------------------------------------------------------------ */

static bool is_zero(const struct sl_rate_spec *rate)
{
	return !rate->unlimited && rate->per_s == 0;
}

bool sl_rate_is_short(const struct sl_rate *rate, uint64_t tick_ns)
{
	return rate->cost && rate->cost != SL_COST_NEVER &&
	       rate->burst_cu >> SL_CREDIT_SHIFT < SL_LIMIT_COARSE_TICKS * tick_ns;
}

/* Packets and bytes of a direction, its mode, and the clock that these two need. */
static void fill_side(struct sl_side *side, const struct sl_rate_spec *packets,
		      const struct sl_rate_spec *bytes, enum sl_mode mode,
		      const struct sl_limit_input *in)
{
	side->gen = in->gen;
	side->flags = (uint32_t)mode & SL_SIDE_MODE_MASK;
	side->packets = sl_rate_cost(packets, SL_UNIT_COUNT);
	side->bytes = sl_rate_cost(bytes, SL_UNIT_BYTES);
	if (is_zero(packets) || is_zero(bytes))
		side->flags |= SL_SIDE_BLOCKED;
	if (sl_rate_is_short(&side->packets, in->tick_ns) ||
	    sl_rate_is_short(&side->bytes, in->tick_ns))
		side->flags |= SL_SIDE_KTIME;
}

/* A bucket that only some ingress packets use. @flag says that it applies. */
static void fill_extra(struct sl_side *ingress, struct sl_rate *ret,
		       const struct sl_rate_spec *rate, uint32_t flag, uint64_t tick_ns)
{
	if (rate->unlimited)
		return;
	*ret = sl_rate_cost(rate, SL_UNIT_COUNT);
	if (is_zero(rate))
		ret->cost = SL_COST_NEVER;
	ingress->flags |= flag;
	if (sl_rate_is_short(ret, tick_ns))
		ingress->flags |= SL_SIDE_KTIME;
}

/* ---- a tenant ------------------------------------------------------------------ */

static void fill_lease(struct sl_limit *limit, const struct sl_tenant_spec *tenant,
		       const struct sl_limit_input *in)
{
	enum sl_fallback fallback = tenant->on_lease_expiry;
	const bool safe = fallback == SL_FALLBACK_SAFE || fallback == SL_FALLBACK_BLEND;
	uint64_t until_ns = tenant->lease_ns ? in->now_ns + tenant->lease_ns : 0;
	uint32_t flags;

	limit->safe_packets = sl_rate_cost(&tenant->safe_packets, SL_UNIT_COUNT);
	limit->safe_bytes = sl_rate_cost(&tenant->safe_bytes, SL_UNIT_BYTES);
	limit->safe_new_conns = limit->new_conns;
	if (safe && (is_zero(&tenant->safe_packets) || is_zero(&tenant->safe_bytes)))
		fallback = SL_FALLBACK_CLOSED;

	flags = sl_side_fallback_flags(fallback);
	if (safe && (sl_rate_is_short(&limit->safe_packets, in->tick_ns) ||
		     sl_rate_is_short(&limit->safe_bytes, in->tick_ns)))
		flags |= SL_SIDE_KTIME;
	limit->ingress.flags |= flags;
	limit->egress.flags |= flags;
	limit->ingress.lease_until_ns = until_ns;
	limit->egress.lease_until_ns = until_ns;
}

static void fill_block(struct sl_limit *limit, const struct sl_tenant_spec *tenant, uint64_t now_ns)
{
	const bool zero = (limit->ingress.flags | limit->egress.flags) & SL_SIDE_BLOCKED;

	if (!tenant->blocked)
		return;
	limit->ingress.flags |= SL_SIDE_BLOCKED;
	limit->egress.flags |= SL_SIDE_BLOCKED;
	if (tenant->blocked_for_ns && !zero)
		limit->blocked_until_ns = now_ns + tenant->blocked_for_ns;
}

void sl_limit_make(struct sl_limit *ret, const struct sl_tenant_spec *tenant,
		   const struct sl_limit_input *in)
{
	*ret = (struct sl_limit){ 0 };
	fill_side(&ret->ingress, &tenant->ingress_packets, &tenant->ingress_bytes, tenant->mode,
		  in);
	fill_side(&ret->egress, &tenant->egress_packets, &tenant->egress_bytes, tenant->mode, in);
	fill_extra(&ret->ingress, &ret->new_conns, &tenant->new_connections, SL_SIDE_NEW_CONNS,
		   in->tick_ns);
	fill_extra(&ret->ingress, &ret->fragments, &tenant->fragments, SL_SIDE_FRAGMENTS,
		   in->tick_ns);
	fill_lease(ret, tenant, in);
	fill_block(ret, tenant, in->now_ns);
	if (tenant->reset)
		ret->ingress.flags |= SL_SIDE_RESET;
	if (tenant->connections_max) {
		ret->ingress.flags |= SL_SIDE_CONNS;
		ret->conns_max = tenant->connections_max;
	}
}

void sl_limit_make_unused(struct sl_limit *ret, uint32_t gen)
{
	*ret = (struct sl_limit){
		.ingress = { .gen = gen, .flags = SL_SIDE_BLOCKED },
		.egress = { .gen = gen, .flags = SL_SIDE_BLOCKED },
	};
}

/* ---- tenant 0 ------------------------------------------------------------------- */

void sl_limit_make_unknown(struct sl_limit *ret, const struct sl_unknown_spec *unknown,
			   const struct sl_limit_input *in)
{
	const struct sl_rate source = sl_rate_cost(&unknown->source_packets, SL_UNIT_COUNT);
	const struct sl_rate proven = sl_rate_cost(&unknown->proven_packets, SL_UNIT_COUNT);

	*ret = (struct sl_limit){ 0 };
	fill_side(&ret->ingress, &unknown->packets, &unknown->bytes, unknown->mode, in);
	fill_side(&ret->egress, &unknown->egress_packets, &unknown->egress_bytes, unknown->mode,
		  in);
	fill_extra(&ret->ingress, &ret->new_conns, &unknown->new_connections, SL_SIDE_NEW_CONNS,
		   in->tick_ns);
	fill_extra(&ret->ingress, &ret->fragments, &unknown->fragments, SL_SIDE_FRAGMENTS,
		   in->tick_ns);
	/* The shares are judged by the clock of this side. */
	if (sl_rate_is_short(&source, in->tick_ns) || sl_rate_is_short(&proven, in->tick_ns))
		ret->ingress.flags |= SL_SIDE_KTIME;
}

void sl_limit_fill_half(struct sl_ctl_half *half, const struct sl_unknown_spec *unknown)
{
	/* In proven_packets cost 0 means "no reserve": no limit is a bucket that never empties. */
	static const struct sl_rate no_limit = { .cost = 1, .burst_cu = S_CU };

	half->on_miss = (uint32_t)unknown->on_miss;
	/* In source_share cost 0 means "no limit": none for anybody is the policy drop. */
	if (unknown->on_miss == SL_ON_MISS_LIMIT && is_zero(&unknown->source_packets))
		half->on_miss = SL_ON_MISS_DROP;
	half->source_share = sl_rate_cost(&unknown->source_packets, SL_UNIT_COUNT);
	half->proven_packets = unknown->proven_packets.unlimited
				       ? no_limit
				       : sl_rate_cost(&unknown->proven_packets, SL_UNIT_COUNT);
	half->proven_s = (uint32_t)((unknown->proven_ns + S_NS - 1) / S_NS);
	if (half->on_miss == SL_ON_MISS_LIMIT && half->proven_s)
		half->features |= SL_FEATURE_PROVEN;
}
