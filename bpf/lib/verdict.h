/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a frame to a verdict, the same for every hook: parse, find the owner,
 * judge, count. The hook gives the frame and does what the verdict says.
 */
#pragma once

#include "bpf/lib/classify.h"
#include "bpf/lib/events.h"
#include "bpf/lib/judge.h"
#include "bpf/lib/reset.h"
#include "bpf/lib/stats.h"
#include "bpf/lib/unknown.h"

enum sl_verdict {
	SL_VERDICT_PASS = 0,
	SL_VERDICT_DROP,
	SL_VERDICT_RESET, /* a SYN over the limit of a tenant that wants to be told */
};

/* What became of a frame. tenant = SL_TENANT_NONE: it was none of our business. */
struct sl_outcome {
	struct sl_owner owner;
	enum sl_reason reason;
	enum sl_mode mode;
	bool proven;
};

static __always_inline bool sl_is_blocked(const struct sl_packet *p, const struct sl_ctl *ctl,
					  __u64 now_ns)
{
	const struct sl_block *block = NULL;

	if (p->family == 4 && ctl->block_count4) {
		struct sl_prefix4 key = { .prefix_bits = 32 };

		__builtin_memcpy(key.address, &p->remote, 4);
		block = bpf_map_lookup_elem(&sl_blocks4, &key);
	} else if (p->family == 6 && ctl->block_count6) {
		struct sl_prefix6 key = { .prefix_bits = 128 };

		__builtin_memcpy(key.address, &p->remote, 16);
		block = bpf_map_lookup_elem(&sl_blocks6, &key);
	}
	return block && (!block->until_ns || now_ns < block->until_ns);
}

/* Egress of what no service claims: the socket, its mark or its cgroup may know. */
static __always_inline struct sl_owner sl_owner_of_socket(struct __sk_buff *skb,
							  const struct sl_ctl_half *live)
{
	struct sl_owner owner = { .tenant = SL_TENANT_NONE };

	if ((live->features & SL_FEATURE_SOCKETS) && skb->sk) {
		struct bpf_sock *sk = bpf_sk_fullsock(skb->sk);
		const struct sl_socket *s =
			sk ? bpf_sk_storage_get(&sl_sockets, sk, NULL, 0) : NULL;

		owner.found_by = SL_FOUND_SOCKET;
		if (s && s->tenant < sl_load.tenants) {
			owner.tenant = s->tenant;
			return owner;
		}
	}
	if (live->features & SL_FEATURE_MARKS) {
		__u32 mark = skb->mark;
		const __u32 *tenant = bpf_map_lookup_elem(&sl_marks, &mark);

		owner.found_by = SL_FOUND_MARK;
		if (tenant && *tenant < sl_load.tenants) {
			owner.tenant = *tenant;
			return owner;
		}
	}
	if (live->features & SL_FEATURE_CGROUPS) {
		__u64 cgroup = bpf_skb_cgroup_id(skb);
		const __u32 *tenant = bpf_map_lookup_elem(&sl_cgroups, &cgroup);

		owner.found_by = SL_FOUND_CGROUP;
		if (tenant && *tenant < sl_load.tenants)
			owner.tenant = *tenant;
	}
	return owner;
}

/*
 * The owner by every rule of this hook; tenant 0 when it is protected but nobody's.
 * A packet that contradicts itself is tenant 0's when it is addressed to a protected
 * address, or when not even that can be read; else it passes.
 */
static __always_inline struct sl_owner sl_classify(const struct sl_packet *p,
						   const struct sl_frame *f,
						   const struct sl_ctl_half *live, __u32 half)
{
	struct sl_service_hit hit = sl_find_service(p, live, half);
	bool protected = hit.flags || !p->family;
	struct sl_owner owner = { .tenant = SL_TENANT_NONE };

	if (hit.flags && !p->malformed)
		owner = sl_owner_of(p, hit, live->features, half);
	if (owner.tenant == SL_TENANT_NONE && f->is_skb && f->way == SL_EGRESS && !p->malformed)
		owner = sl_owner_of_socket(f->ctx, live);
	if (owner.tenant != SL_TENANT_NONE)
		return owner;

	if (!protected)
		owner.found_by = SL_FOUND_UNPROTECTED;
	else
		owner.found_by = p->malformed ? SL_FOUND_MALFORMED : SL_FOUND_UNKNOWN;
	owner.tenant = protected ? SL_TENANT_UNKNOWN : SL_TENANT_NONE;
	return owner;
}

static __always_inline __u64 sl_case_clock(const struct sl_side *side)
{
	return side->flags & SL_SIDE_KTIME ? bpf_ktime_get_ns() : sl_coarse_ns();
}

/* Fill what judging needs from the maps; false when a lookup failed. */
static __always_inline bool sl_open_case(struct sl_case *c, __u32 half)
{
	__u32 index = c->tenant + (half ? sl_load.tenants : 0);
	struct sl_bucket *bucket = bpf_map_lookup_elem(&sl_buckets, &c->tenant);

	c->limit = bpf_map_lookup_elem(&sl_limits, &index);
	if (!c->limit || !bucket)
		return false;
	c->side = c->way == SL_INGRESS ? &c->limit->ingress : &c->limit->egress;
	c->bucket = c->way == SL_INGRESS ? &bucket->ingress : &bucket->egress;
	c->now_ns = sl_case_clock(c->side);
	return true;
}

static __always_inline enum sl_reason sl_decide(struct sl_case *c, struct sl_ctl *ctl,
						const struct sl_ctl_half *live, bool *ret_proven)
{
	bool unknown = c->tenant == SL_TENANT_UNKNOWN && c->way == SL_INGRESS;
	struct sl_source_cells cells = { 0 };
	enum sl_reason reason;

	if ((ctl->block_count4 | ctl->block_count6) && c->way == SL_INGRESS &&
	    sl_is_blocked(c->packet, ctl, c->now_ns))
		return SL_REASON_BLOCKED_PREFIX;
	if (unknown) {
		if (live->on_miss == SL_ON_MISS_PASS)
			return SL_REASON_PASS;
		reason = sl_unknown_check(c, live, &cells);
		if (reason != SL_REASON_PASS)
			return reason;
		*ret_proven = cells.proven;
	}
	reason = unknown && cells.proven && live->proven_packets.cost
			 ? sl_unknown_reserve(c, ctl, &live->proven_packets)
			 : sl_judge(c);
	if (unknown && reason == SL_REASON_PASS)
		sl_unknown_charge(c, live, &cells);
	return reason;
}

/* What parsing found, as one path for the verifier. */
static __always_inline void sl_forget_packet(struct sl_packet *p, __u64 zero)
{
	SL_FORGET(p->family, zero);
	SL_FORGET(p->protocol, zero);
	SL_FORGET(p->tcp_flags, zero);
	SL_FORGET(p->remote_port, zero);
	SL_FORGET(p->local_port, zero);
	SL_FORGET(p->vlan, zero);
	SL_FORGET(p->no_ports, zero);
	SL_FORGET(p->malformed, zero);
	SL_FORGET(p->bare, zero);
	SL_FORGET(p->has_payload, zero);
}

/* Read the frame and find whose it is. False: it is not to be judged. */
static __always_inline bool sl_find_owner(struct sl_packet *p, const struct sl_frame *f,
					  const struct sl_ctl_half *live, __u32 half, __u64 zero,
					  struct sl_owner *ret)
{
	enum sl_parsed parsed;

	p->packets = f->packets;
	p->bytes = f->bytes;
	p->vlan = f->vlan;
	parsed = sl_parse(p, f);
	if (f->headers_merged)
		p->bytes += (p->packets - 1) * p->header_bytes;
	if (parsed == SL_PARSED_NOT_IP) {
		*ret = (struct sl_owner){ .tenant = SL_TENANT_NONE, .found_by = SL_FOUND_NOT_IP };
		return false;
	}
	p->malformed = parsed == SL_PARSED_MALFORMED;
	p->no_ports |= p->malformed;
	sl_forget_packet(p, zero);
	*ret = sl_classify(p, f, live, half);
	if (ret->tenant == SL_TENANT_NONE)
		return false;
	p->bytes +=
		f->way == SL_INGRESS ? live->overhead_ingress_bytes : live->overhead_egress_bytes;
	if (p->bytes > SL_PACKET_BYTES_MAX)
		p->bytes = SL_PACKET_BYTES_MAX;
	return true;
}

/*
 * The whole way of one frame but for counting. @p and @c are zeroed by the
 * caller, which keeps them: it may have a RST to write.
 */
static __always_inline void sl_try(struct sl_case *c, struct sl_packet *p, struct sl_ctl *ctl,
				   const struct sl_frame *f, struct sl_outcome *ret)
{
	__u32 half = *(volatile __u32 *)&ctl->epoch & 1;
	const struct sl_ctl_half *live = &ctl->half[half];
	__u64 zero = *(volatile __u64 *)&ctl->zero;
	enum sl_mode mode = ctl->mode;

	ret->mode = mode;
	if (mode == SL_MODE_OFF) {
		ret->owner =
			(struct sl_owner){ .tenant = SL_TENANT_NONE, .found_by = SL_FOUND_OFF };
		p->packets = f->packets;
		p->bytes = f->bytes;
		return;
	}
	if (!sl_find_owner(p, f, live, half, zero, &ret->owner))
		return;

	c->packet = p;
	c->way = f->way;
	c->tenant = ret->owner.tenant;
	c->seed = ctl->hash_seed;
	c->ctx = f->ctx;
	c->dry = f->dry;
	c->events = (struct sl_bucket_events){ (__u32)zero, (__u32)zero, (__u32)zero };
	if (!sl_open_case(c, half)) {
		ret->reason = SL_REASON_INTERNAL;
		return;
	}
	if ((c->side->flags & SL_SIDE_MODE_MASK) > mode)
		ret->mode = c->side->flags & SL_SIDE_MODE_MASK;
	if (ret->mode == SL_MODE_OFF)
		ret->reason = SL_REASON_PASS;
	else if (ret->owner.found_by == SL_FOUND_MALFORMED)
		ret->reason = SL_REASON_MALFORMED;
	else
		ret->reason = sl_decide(c, ctl, live, &ret->proven);
	SL_FORGET(ret->reason, zero);
}

static __always_inline enum sl_verdict sl_settle(struct sl_case *c, struct sl_ctl *ctl,
						 const struct sl_outcome *o, __u32 ifindex)
{
	bool shadow = o->mode == SL_MODE_SHADOW && o->reason != SL_REASON_PASS;
	__u64 before;

	if (shadow)
		sl_count_reason(&sl_counters, c->tenant, c->way, SL_REASON_PASS, c->packet);
	before = shadow ? sl_count_reason(&sl_shadow, c->tenant, c->way, o->reason, c->packet)
			: sl_count_reason(&sl_counters, c->tenant, c->way, o->reason, c->packet);
	if (o->reason == SL_REASON_PASS)
		return SL_VERDICT_PASS;
	sl_event_emit(ctl, c, o->reason, shadow, ifindex, before);
	if (shadow)
		return SL_VERDICT_PASS;
	return o->reason == SL_REASON_NEW_CONNS_RESET ? SL_VERDICT_RESET : SL_VERDICT_DROP;
}

/* Judge and count one frame. @p: zeroed. */
static __always_inline enum sl_verdict sl_handle(const struct sl_frame *f, struct sl_packet *p)
{
	struct sl_outcome outcome = { 0 };
	struct sl_case c = { 0 };
	struct sl_ctl *ctl;
	__u32 zero = 0;

	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	if (!ctl)
		return SL_VERDICT_PASS;
	sl_try(&c, p, ctl, f, &outcome);
	if (outcome.owner.tenant == SL_TENANT_NONE) {
		sl_count_bypass(f->way, outcome.owner.found_by, p);
		return SL_VERDICT_PASS;
	}
	sl_count_bucket_events(&c.events);
	if (outcome.reason == SL_REASON_RATE_NEW_CONNS && f->can_reset)
		outcome.reason = sl_reset_reason(&c, ctl, outcome.mode);
	return sl_settle(&c, ctl, &outcome, f->ifindex);
}
