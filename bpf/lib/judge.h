/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict on one packet of one tenant: block, lease, shed, escalation,
 * connections, rates, in that order. Nothing is written before everything that can refuse
 * has been looked at, but for the buckets themselves, which refuse unwritten.
 *
 * @dry: a compile-time constant; true in the explain programs, which look at
 * every bucket and charge none.
 */
#pragma once

#include "bpf/lib/blend.h"
#include "bpf/lib/bucket.h"
#include "bpf/lib/clock.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/shed.h"
#include "bpf/maps.h"
#include "sluice/refusal.h"

/* What judging one packet needs and finds. */
struct sl_case {
	const struct sl_packet *packet;
	const struct sl_limit *limit;
	const struct sl_side *side;
	struct sl_bucket_side *bucket;
	enum sl_direction way;
	__u32 tenant;
	__u64 now_ns;
	__u64 seed;
	struct sl_bucket_events events;
	bool lease_over;
	bool shedding;
	bool conns_full;
	bool full; /* explain: another tenant left the buckets, they would start full */
	bool dry;
};

static __always_inline __u64 sl_flow_hash(const struct sl_packet *p, __u64 seed)
{
	__u64 remote = p->remote.half[0] ^ p->remote.half[1];
	__u64 local = p->local.half[0] ^ p->local.half[1];

	return sl_tuple_hash(remote, local, p->remote_port, p->local_port, p->protocol, seed);
}

static __always_inline enum sl_shed_class sl_shed_class_of(const struct sl_packet *p)
{
	if (p->protocol != PROTO_TCP || p->no_ports)
		return SL_SHED_DATAGRAM;
	if (sl_is_syn(p))
		return SL_SHED_NEW_CONN;
	if (p->has_payload && !(p->tcp_flags & (TCP_FIN | TCP_RST)))
		return SL_SHED_DATA;
	return SL_SHED_CONTROL;
}

static __always_inline bool sl_sheds(struct sl_case *c)
{
	__u32 share;

	if (!c->side->shed_until_ns || c->now_ns >= c->side->shed_until_ns)
		return false;
	c->shedding = true;
	share = sl_shed_share(sl_shed_class_of(c->packet), c->side->shed_permille);
	return share && sl_shed_picks(sl_flow_hash(c->packet, c->seed), share);
}

/* Another tenant had this id: start with full buckets. One CPU wins the exchange. */
static __always_inline void sl_rearm(struct sl_case *c)
{
	struct sl_bucket_side *b = c->bucket;
	__u32 seen = *(volatile __u32 *)&b->gen;

	if (seen == c->side->gen)
		return;
	c->full = c->dry;
	if (c->dry)
		return;
	if (__sync_val_compare_and_swap(&b->gen, seen, c->side->gen) != seen)
		return;
	b->packets_tat_cu = c->now_ns << SL_CREDIT_SHIFT;
	b->bytes_tat_cu = c->now_ns << SL_CREDIT_SHIFT;
	b->new_conns_tat_cu = c->now_ns << SL_CREDIT_SHIFT;
	b->fragments_tat_cu = c->now_ns << SL_CREDIT_SHIFT;
	b->refusals_until_ns = 0;
}

/* Room for @cost_cu? Takes nothing; a refused word is pulled back when it has to be. */
static __always_inline bool sl_has(struct sl_case *c, __u64 *tat_cu, __u64 cost_cu, __u64 burst_cu,
				   __u64 debt_cu)
{
	__u64 now_cu = c->now_ns << SL_CREDIT_SHIFT;

	if (c->dry && c->full) /* which admits the dearest packet */
		return true;
	if (sl_bucket_has(tat_cu, cost_cu, burst_cu, now_cu))
		return true;
	if (!c->dry && sl_bucket_is_astray(*tat_cu, burst_cu, debt_cu, now_cu))
		c->events.pullbacks +=
			(__u32)sl_bucket_pull_back(tat_cu, burst_cu, debt_cu, now_cu);
	return false;
}

static __always_inline bool sl_take(struct sl_case *c, __u64 *tat_cu, __u64 cost_cu, __u64 burst_cu,
				    __u64 debt_cu)
{
	if (c->dry)
		return sl_has(c, tat_cu, cost_cu, burst_cu, debt_cu);
	return sl_bucket_take(tat_cu, cost_cu, burst_cu, debt_cu, c->now_ns << SL_CREDIT_SHIFT,
			      &c->events);
}

/*
 * Packets and bytes. Bytes are looked at first without writing, so that a
 * packet over its bytes does not cost the tenant a packet. When another CPU
 * takes the last bytes in between, that packet's unit is lost, never minted.
 */
static __always_inline enum sl_reason sl_take_rates(struct sl_case *c,
						    const struct sl_rate *packets,
						    const struct sl_rate *bytes)
{
	__u64 bytes_cost = sl_bytes_cost(bytes, c->packet->bytes);
	struct sl_bucket_side *b = c->bucket;

	if (packets->cost) {
		if (bytes->cost &&
		    !sl_has(c, &b->bytes_tat_cu, bytes_cost, bytes->burst_cu, sl_bytes_debt(bytes)))
			return SL_REASON_RATE_BYTES;
		if (!sl_take(c, &b->packets_tat_cu, packets->cost * c->packet->packets,
			     packets->burst_cu, sl_packets_debt(packets)))
			return SL_REASON_RATE_PACKETS;
	}
	if (bytes->cost &&
	    !sl_take(c, &b->bytes_tat_cu, bytes_cost, bytes->burst_cu, sl_bytes_debt(bytes)))
		return SL_REASON_RATE_BYTES;
	return SL_REASON_PASS;
}

/* A bucket that only some packets use, one unit each: new connections, fragments. */
static __always_inline bool sl_one_has(struct sl_case *c, __u64 *tat_cu, const struct sl_rate *rate)
{
	return rate->cost != SL_COST_NEVER && sl_has(c, tat_cu, rate->cost, rate->burst_cu, 0);
}

static __always_inline bool sl_one_take(struct sl_case *c, __u64 *tat_cu,
					const struct sl_rate *rate)
{
	return sl_take(c, tat_cu, rate->cost, rate->burst_cu, 0);
}

static __always_inline bool sl_conns_full(const struct sl_case *c)
{
	__u32 tenant = c->tenant;
	const struct sl_conns *conns = bpf_map_lookup_elem(&sl_conns, &tenant);

	return conns && conns->open >= c->limit->conns_max;
}

/* A SYN is refused when all connections are open; what else is, the hook finds out. */
static __always_inline bool sl_refuses_conn(struct sl_case *c, bool syn)
{
	const struct sl_packet *p = c->packet;

	if (p->protocol != PROTO_TCP || p->no_ports || (p->tcp_flags & TCP_RST) ||
	    !sl_conns_full(c))
		return false;
	c->conns_full = true;
	return syn;
}

/*
 * Nothing but rates decides about this side of the tenant: no block, no shed level, no
 * ended lease, no limit of open connections, and its buckets are its own.
 */
static __always_inline bool sl_only_rates(const struct sl_case *c)
{
	const struct sl_side *side = c->side;

	if ((side->flags & (SL_SIDE_BLOCKED | SL_SIDE_CONNS)) || side->shed_until_ns ||
	    c->packet->malformed)
		return false;
	if (side->lease_until_ns && c->now_ns >= side->lease_until_ns)
		return false;
	if (c->now_ns < c->bucket->refusals_until_ns)
		return false;
	return *(volatile __u32 *)&c->bucket->gen == side->gen;
}

/* Certain to be refused, by a word that is in no need to be pulled back. */
static __always_inline bool sl_is_spent(const struct sl_case *c, const __u64 *tat_cu, __u64 cost_cu,
					__u64 burst_cu, __u64 debt_cu)
{
	__u64 now_cu = c->now_ns << SL_CREDIT_SHIFT;
	__u64 seen_cu = *(const volatile __u64 *)tat_cu;

	return sl_bucket_wait(seen_cu, cost_cu, burst_cu, now_cu) > 0 &&
	       !sl_bucket_is_astray(seen_cu, burst_cu, debt_cu, now_cu);
}

/*
 * The reason sl_judge() would find after sl_only_rates(), at the cost of reading one
 * line; SL_REASON_PASS: it is to be asked.
 */
static __always_inline enum sl_reason sl_rates_spent(const struct sl_case *c)
{
	const struct sl_rate *packets = &c->side->packets, *bytes = &c->side->bytes;
	const struct sl_rate *conns = &c->limit->new_conns, *fragments = &c->limit->fragments;
	const struct sl_packet *p = c->packet;

	if ((c->side->flags & SL_SIDE_NEW_CONNS) && sl_is_syn(p) &&
	    sl_is_spent(c, &c->bucket->new_conns_tat_cu, conns->cost, conns->burst_cu, 0))
		return SL_REASON_RATE_NEW_CONNS;
	if ((c->side->flags & SL_SIDE_FRAGMENTS) && p->no_ports &&
	    sl_is_spent(c, &c->bucket->fragments_tat_cu, fragments->cost, fragments->burst_cu, 0))
		return SL_REASON_FRAGMENTS;
	if (bytes->cost && sl_is_spent(c, &c->bucket->bytes_tat_cu, sl_bytes_cost(bytes, p->bytes),
				       bytes->burst_cu, sl_bytes_debt(bytes)))
		return SL_REASON_RATE_BYTES;
	if (packets->cost && sl_is_spent(c, &c->bucket->packets_tat_cu, packets->cost * p->packets,
					 packets->burst_cu, sl_packets_debt(packets)))
		return SL_REASON_RATE_PACKETS;
	return SL_REASON_PASS;
}

static __always_inline bool sl_refusal_holds(__u64 hash, __u64 now_ns)
{
	__u32 index = sl_refusal_index(hash);
	const struct sl_refusal *refusal = bpf_map_lookup_elem(&sl_refusals, &index);

	return refusal && sl_refusal_is(sl_refusal_read(refusal), hash, now_ns);
}

/*
 * The gateway refused this connection, or this tenant, until later. Requests are
 * refused here then; what only acknowledges or ends the connection passes, so that TCP
 * keeps its own state and sends the request again afterwards.
 */
static __always_inline bool sl_is_escalated(const struct sl_case *c)
{
	const struct sl_packet *p = c->packet;
	bool syn = sl_is_syn(p);

	if (c->full || c->now_ns >= c->bucket->refusals_until_ns || p->protocol != PROTO_TCP ||
	    p->no_ports || (p->tcp_flags & TCP_RST) || !(syn || p->has_payload))
		return false;
	if (sl_refusal_holds(sl_refusal_hash_tenant(c->tenant, c->seed), c->now_ns))
		return true;
	return !syn && sl_refusal_holds(sl_flow_hash(p, c->seed), c->now_ns);
}

/* New connections are looked at first and charged last, as in sl_judge(). */
static __always_inline bool sl_take_safe(struct sl_case *c, const struct sl_rate *packets,
					 const struct sl_rate *bytes, const struct sl_rate *conns)
{
	const bool opens = c->way == SL_INGRESS && conns->cost &&
			   (c->side->flags & SL_SIDE_NEW_CONNS) && sl_is_syn(c->packet);

	if (opens && !sl_one_has(c, &c->bucket->new_conns_tat_cu, conns))
		return false;
	if (sl_take_rates(c, packets, bytes) != SL_REASON_PASS)
		return false;
	return !opens || c->dry || sl_one_take(c, &c->bucket->new_conns_tat_cu, conns);
}

/* After the lease: the named fallback. True when @ret_reason is the verdict. */
static __always_inline bool sl_lease_ended(struct sl_case *c, enum sl_reason *ret_reason)
{
	struct sl_rate packets, bytes, conns;

	c->lease_over = true;
	switch (c->side->flags >> SL_SIDE_FALLBACK_SHIFT & 3) {
	case SL_FALLBACK_CLOSED:
		*ret_reason = SL_REASON_LEASE_CLOSED;
		return true;
	case SL_FALLBACK_OPEN:
		*ret_reason = SL_REASON_PASS;
		return true;
	case SL_FALLBACK_SAFE:
		packets = c->limit->safe_packets;
		bytes = c->limit->safe_bytes;
		conns = c->limit->safe_new_conns;
		if (c->side->flags & SL_SIDE_BLEND) {
			__u64 over_ns = c->now_ns - c->side->lease_until_ns;

			sl_blend(&packets, &c->side->packets, over_ns);
			sl_blend(&bytes, &c->side->bytes, over_ns);
			sl_blend(&conns, &c->limit->new_conns, over_ns);
		}
		*ret_reason = sl_take_safe(c, &packets, &bytes, &conns) ? SL_REASON_PASS
									: SL_REASON_LEASE_SAFE;
		return true;
	default:
		return false;
	}
}

/* Why this packet is to be dropped, or SL_REASON_PASS and it has been charged. */
static __always_inline enum sl_reason sl_judge(struct sl_case *c)
{
	const struct sl_side *side = c->side;
	const struct sl_packet *p = c->packet;
	enum sl_reason reason;
	bool syn = false;

	if ((side->flags & SL_SIDE_BLOCKED) &&
	    (!c->limit->blocked_until_ns || c->now_ns < c->limit->blocked_until_ns))
		return SL_REASON_BLOCKED_TENANT;

	sl_rearm(c);
	if (side->lease_until_ns && c->now_ns >= side->lease_until_ns && sl_lease_ended(c, &reason))
		return reason;
	if (sl_sheds(c))
		return SL_REASON_SHED;

	if (c->way == SL_INGRESS) {
		if (sl_is_escalated(c))
			return SL_REASON_ESCALATED;
		syn = sl_is_syn(p);
		/* Looked at before anything is charged; charged when all have admitted it. */
		if ((side->flags & SL_SIDE_CONNS) && sl_refuses_conn(c, syn))
			return SL_REASON_CONNS_MAX;
		if (syn && (side->flags & SL_SIDE_NEW_CONNS) &&
		    !sl_one_has(c, &c->bucket->new_conns_tat_cu, &c->limit->new_conns))
			return SL_REASON_RATE_NEW_CONNS;
		if (p->no_ports && (side->flags & SL_SIDE_FRAGMENTS) &&
		    !sl_one_has(c, &c->bucket->fragments_tat_cu, &c->limit->fragments))
			return SL_REASON_FRAGMENTS;
	}

	reason = sl_take_rates(c, &side->packets, &side->bytes);
	if (reason != SL_REASON_PASS || c->way != SL_INGRESS || c->dry)
		return reason;

	if (syn && (side->flags & SL_SIDE_NEW_CONNS) &&
	    !sl_one_take(c, &c->bucket->new_conns_tat_cu, &c->limit->new_conns))
		return SL_REASON_RATE_NEW_CONNS;
	if (p->no_ports && (side->flags & SL_SIDE_FRAGMENTS) &&
	    !sl_one_take(c, &c->bucket->fragments_tat_cu, &c->limit->fragments))
		return SL_REASON_FRAGMENTS;
	return SL_REASON_PASS;
}
