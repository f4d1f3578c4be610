/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a frame to a verdict, the same for every hook: parse, find the owner,
 * judge, count. The hook gives the frame and does what the verdict says.
 *
 * Each hook's file defines its global functions by SL_DEFINE_STEPS (see trial.h).
 */
#pragma once

#include "bpf/lib/events.h"
#include "bpf/lib/handshake.h"
#include "bpf/lib/judge.h"
#include "bpf/lib/owner.h"
#include "bpf/lib/reset.h"
#include "bpf/lib/stats.h"
#include "bpf/lib/unknown.h"

enum sl_verdict {
	SL_VERDICT_PASS = 0,
	SL_VERDICT_DROP,
	SL_VERDICT_RESET, /* a SYN over the limit of a tenant that wants to be told */
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

static __always_inline __u64 sl_case_clock(const struct sl_side *side)
{
	return side->flags & SL_SIDE_KTIME ? bpf_ktime_get_ns() : sl_coarse_ns();
}

/*
 * Fill what judging needs from the maps; false when a lookup failed. @tenant: of @c.
 * Whose address a lookup is given stays in memory with all that it is a part of.
 */
static __always_inline bool sl_open_case(struct sl_case *c, const __u32 *tenant, __u32 half)
{
	__u32 index = *tenant + (half ? sl_load.tenants : 0);
	struct sl_bucket *bucket = bpf_map_lookup_elem(&sl_buckets, tenant);

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

/* The mode that applies is the laxer one. */
static __always_inline enum sl_mode sl_apply_mode(struct sl_trial *t, const struct sl_case *c)
{
	__u8 mode = c->side->flags & SL_SIDE_MODE_MASK;

	if (mode > t->mode)
		t->mode = mode;
	t->now_ns = c->now_ns;
	return t->mode;
}

/* For people: how long until each bucket would admit this packet. */
static __always_inline void sl_note_waits(struct sl_trial *t, const struct sl_case *c)
{
	const struct sl_side *side = c->side;
	__u64 now_cu = c->now_ns << SL_CREDIT_SHIFT;
	__s64 wait_cu;

	if (c->full)
		return;
	wait_cu = sl_bucket_wait(c->bucket->packets_tat_cu, side->packets.cost * t->packet.packets,
				 side->packets.burst_cu, now_cu);
	if (side->packets.cost && wait_cu > 0)
		t->packets_wait_cu = (__u64)wait_cu;
	wait_cu = sl_bucket_wait(c->bucket->bytes_tat_cu,
				 sl_bytes_cost(&side->bytes, t->packet.bytes), side->bytes.burst_cu,
				 now_cu);
	if (side->bytes.cost && wait_cu > 0)
		t->bytes_wait_cu = (__u64)wait_cu;
}

/* The whole judge. @t knows its owner; the packet is charged. Returns the reason. */
static __always_inline enum sl_reason sl_judge_trial(struct sl_trial *t, enum sl_direction way,
						     bool can_reset, bool dry)
{
	struct sl_case c = { .packet = &t->packet,
			     .way = way,
			     .tenant = t->tenant,
			     .events = { t->zero, t->zero, t->zero },
			     .dry = dry };
	__u32 tenant = t->tenant, zero = 0;
	enum sl_reason reason;
	bool proven = false;
	struct sl_ctl *ctl;

	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	if (!ctl || !sl_open_case(&c, &tenant, t->half & 1))
		return SL_REASON_INTERNAL;
	c.seed = ctl->hash_seed;
	if (sl_apply_mode(t, &c) == SL_MODE_OFF)
		return SL_REASON_PASS;
	if (t->packet.malformed)
		return SL_REASON_MALFORMED;

	reason = sl_decide(&c, ctl, &ctl->half[t->half & 1], &proven);
	if (can_reset && reason == SL_REASON_RATE_NEW_CONNS)
		reason = sl_reset_reason(&c, ctl, t->mode);
	t->conns_full = c.conns_full;
	if (!dry) {
		sl_count_bucket_events(&c.events);
		return reason;
	}
	t->proven = proven;
	t->lease_over = c.lease_over;
	t->fallback = (__u8)sl_side_fallback(c.side->flags);
	t->shedding = c.shedding;
	sl_note_waits(t, &c);
	return reason;
}

struct sl_steps {
	int (*judge)(struct sl_trial *t);
	int (*event)(struct sl_trial *t, __u32 reason, __u32 shadow);
};

/* The global functions of one hook, and `HOOK_steps` for sl_try() and sl_handle(). */
#define SL_DEFINE_STEPS(hook, way, can_reset, dry)                                                 \
	__noinline int hook##_judge(struct sl_trial *t)                                            \
	{                                                                                          \
		return t ? (int)sl_judge_trial(t, way, can_reset, dry) : SL_REASON_INTERNAL;       \
	}                                                                                          \
	__noinline int hook##_event(struct sl_trial *t, __u32 reason, __u32 shadow)                \
	{                                                                                          \
		if (t)                                                                             \
			sl_event_emit(t, way, reason, shadow);                                     \
		return 0;                                                                          \
	}                                                                                          \
	static const struct sl_steps hook##_steps = { hook##_judge, hook##_event }

/* @t where a function can have its address. */
static __always_inline struct sl_trial *sl_trial_copy(const struct sl_trial *t)
{
	struct sl_trial *copy = sl_trial_scratch();

	if (copy)
		*copy = *t;
	return copy;
}

/* Read the frame and find whose it is; SL_TENANT_NONE: it is not to be judged. */
static __always_inline void sl_read(struct sl_trial *t, const struct sl_frame *f,
				    const struct sl_ctl *ctl)
{
	const struct sl_ctl_half *live = &ctl->half[t->half & 1];
	struct sl_packet *p = &t->packet;
	enum sl_parsed parsed = sl_parse(p, f);
	struct sl_owner owner;

	if (f->headers_merged)
		p->bytes += (p->packets - 1) * p->header_bytes;
	if (parsed == SL_PARSED_NOT_IP) {
		t->found_by = SL_FOUND_NOT_IP;
		return;
	}
	p->malformed = parsed == SL_PARSED_MALFORMED;
	p->no_ports |= p->malformed;
	if (f->dry || !sl_owner_by_service(p, ctl, live, t->half & 1, &owner))
		owner = sl_find_owner(p, t->half);
	if (f->is_skb && f->way == SL_EGRESS && !p->malformed &&
	    (owner.tenant == SL_TENANT_NONE || owner.tenant == SL_TENANT_UNKNOWN))
		owner = sl_owner_by_socket(f->ctx, live, owner);
	t->tenant = owner.tenant;
	t->found_by = (__u8)owner.found_by;
	if (t->tenant == SL_TENANT_NONE)
		return;
	p->bytes +=
		f->way == SL_INGRESS ? live->overhead_ingress_bytes : live->overhead_egress_bytes;
	if (p->bytes > SL_PACKET_BYTES_MAX)
		p->bytes = SL_PACKET_BYTES_MAX;
}

/* Is there anything about this packet, or its tenant, that only the whole judge knows? */
static __always_inline bool sl_is_plain(const struct sl_case *c, const struct sl_ctl *ctl)
{
	const struct sl_packet *p = c->packet;

	if (c->tenant == SL_TENANT_UNKNOWN || !sl_only_rates(c))
		return false;
	return c->way != SL_INGRESS || !(ctl->block_count4 | ctl->block_count6 | p->no_ports ||
					 (p->protocol == PROTO_TCP && sl_is_syn(p)));
}

/* One more packet of its tenant and nothing else: only rates are left to ask. */
static __always_inline enum sl_reason sl_judge_plain(struct sl_trial *t, struct sl_case *c)
{
	enum sl_reason reason;

	if (sl_apply_mode(t, c) == SL_MODE_OFF)
		return SL_REASON_PASS;
	reason = sl_take_rates(c, &c->side->packets, &c->side->bytes);
	sl_count_bucket_events(&c->events);
	return reason;
}

/* A stranger's packet that is refused whatever the whole judge thinks of its source. */
static __always_inline enum sl_reason sl_refuse_stranger(struct sl_trial *t, struct sl_case *c,
							 const struct sl_ctl *ctl)
{
	if (c->tenant != SL_TENANT_UNKNOWN || c->way != SL_INGRESS ||
	    sl_apply_mode(t, c) == SL_MODE_OFF)
		return SL_REASON_PASS;
	c->seed = ctl->hash_seed;
	return sl_unknown_refuses(c, ctl, &ctl->half[t->half & 1]);
}

static __always_inline enum sl_reason sl_judge_copy(struct sl_trial *t, const struct sl_frame *f,
						    const struct sl_steps *steps)
{
	struct sl_trial *copy = f->dry ? t : sl_trial_copy(t);
	enum sl_reason reason;

	if (!copy)
		return SL_REASON_INTERNAL;
	reason = steps->judge(copy);
	t->mode = copy->mode;
	t->now_ns = copy->now_ns;
	if (copy->conns_full && reason == SL_REASON_PASS &&
	    sl_completes_handshake(f->ctx, &copy->packet))
		return SL_REASON_CONNS_MAX;
	return reason;
}

/* The whole way of one frame but for counting it. @t: zeroed. */
static __always_inline enum sl_reason sl_try(struct sl_trial *t, const struct sl_frame *f,
					     const struct sl_steps *steps)
{
	struct sl_case c = { .packet = &t->packet, .way = f->way };
	enum sl_reason reason;
	struct sl_ctl *ctl;
	__u32 zero = 0;

	t->tenant = SL_TENANT_NONE;
	t->ifindex = f->ifindex;
	t->packet.packets = f->packets;
	t->packet.bytes = f->bytes;
	t->packet.vlan = f->vlan;
	t->found_by = SL_FOUND_OFF;
	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	if (!ctl || ctl->mode == SL_MODE_OFF)
		return SL_REASON_PASS;

	t->mode = (__u8)ctl->mode;
	t->half = *(volatile __u32 *)&ctl->epoch & 1;
	sl_read(t, f, ctl);
	if (t->tenant == SL_TENANT_NONE)
		return SL_REASON_PASS;
	c.tenant = t->tenant;
	if (f->dry)
		return sl_judge_copy(t, f, steps);
	if (!sl_open_case(&c, &c.tenant, t->half))
		return SL_REASON_INTERNAL;
	if (sl_is_plain(&c, ctl))
		return sl_judge_plain(t, &c);
	reason = sl_refuse_stranger(t, &c, ctl);
	return reason != SL_REASON_PASS ? reason : sl_judge_copy(t, f, steps);
}

static __always_inline enum sl_verdict sl_settle(struct sl_trial *t, const struct sl_frame *f,
						 enum sl_reason reason,
						 const struct sl_steps *steps)
{
	bool shadow = t->mode == SL_MODE_SHADOW && reason != SL_REASON_PASS;
	const struct sl_ctl *ctl;
	struct sl_trial *copy;
	__u32 zero = 0;
	__u64 before;

	if (shadow)
		sl_count_reason(&sl_counters, t->tenant, f->way, SL_REASON_PASS, &t->packet);
	before = shadow ? sl_count_reason(&sl_shadow, t->tenant, f->way, reason, &t->packet)
			: sl_count_reason(&sl_counters, t->tenant, f->way, reason, &t->packet);
	if (reason == SL_REASON_PASS)
		return SL_VERDICT_PASS;
	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	if (ctl && !(before & ctl->event_mask)) {
		copy = sl_trial_copy(t);
		if (copy)
			steps->event(copy, reason, shadow);
	}
	if (shadow)
		return SL_VERDICT_PASS;
	return reason == SL_REASON_NEW_CONNS_RESET ? SL_VERDICT_RESET : SL_VERDICT_DROP;
}

/* Judge and count one frame. */
static __always_inline enum sl_verdict sl_handle(const struct sl_frame *f,
						 const struct sl_steps *steps)
{
	struct sl_trial t = { 0 };
	enum sl_reason reason = sl_try(&t, f, steps);

	if (t.tenant == SL_TENANT_NONE) {
		sl_count_bypass(f->way, t.found_by, &t.packet);
		return SL_VERDICT_PASS;
	}
	return sl_settle(&t, f, reason, steps);
}
