/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner of a packet: by every rule of classify.h in a global function of plain
 * numbers, by its service alone inlined, and on egress by its socket.
 */
#pragma once

#include "bpf/lib/classify.h"
#include "bpf/lib/bucket.h" /* SL_APART */

static __always_inline __u64 sl_owner_pack(struct sl_owner owner)
{
	return (__u64)owner.found_by << 32 | owner.tenant;
}

static __always_inline struct sl_owner sl_owner_unpack(__u64 word)
{
	return (struct sl_owner){ .tenant = (__u32)word, .found_by = (__u8)(word >> 32) };
}

/* What classification needs of a packet beside its addresses, in one word. */
static __always_inline __u64 sl_rest_pack(const struct sl_packet *p, __u32 half)
{
	return (__u64)p->remote_port | (__u64)p->local_port << 16 | (__u64)p->vlan << 32 |
	       (__u64)p->protocol << 48 | (__u64)(half & 1) << 56 | (__u64)p->no_ports << 57 |
	       (__u64)p->malformed << 58 | (__u64)!p->family << 59;
}

static __always_inline void sl_rest_unpack(struct sl_packet *p, __u64 rest)
{
	p->remote_port = (__be16)rest;
	p->local_port = (__be16)(rest >> 16);
	p->vlan = (__u16)(rest >> 32);
	p->protocol = (__u8)(rest >> 48);
	p->no_ports = rest >> 57 & 1;
	p->malformed = rest >> 58 & 1;
}

/*
 * By flow, service and prefix; tenant 0 when it is protected but nobody's. A packet
 * that contradicts itself is tenant 0's when it is addressed to a protected address,
 * or when not even that can be read; else it passes.
 */
static __always_inline struct sl_owner sl_owner_by_address(const struct sl_packet *p, __u64 rest)
{
	struct sl_owner none = { .tenant = SL_TENANT_NONE, .found_by = SL_FOUND_UNPROTECTED };
	__u32 half = rest >> 56 & 1, zero = 0;
	const struct sl_ctl_half *live;
	struct sl_service_hit hit;
	const struct sl_ctl *ctl;
	struct sl_owner owner;

	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	if (!ctl)
		return none;
	live = &ctl->half[half];
	hit = sl_find_service(p, live, half);
	if (p->malformed && (hit.flags || rest >> 59 & 1))
		return (struct sl_owner){ SL_TENANT_UNKNOWN, SL_FOUND_MALFORMED };
	if (p->malformed || !hit.flags)
		return none;
	owner = sl_owner_of(p, hit, ctl->hash_seed, sl_features(ctl, live), half);
	if (owner.tenant != SL_TENANT_NONE)
		return owner;
	return (struct sl_owner){ SL_TENANT_UNKNOWN, SL_FOUND_UNKNOWN };
}

/* @addresses: remote, and local << 32. */
SL_APART __u64 sl_owner4(__u64 addresses, __u64 rest)
{
	struct sl_packet p = { .family = 4 };

	p.remote.word[0] = (__u32)addresses;
	p.local.word[0] = (__u32)(addresses >> 32);
	sl_rest_unpack(&p, rest);
	return sl_owner_pack(sl_owner_by_address(&p, rest));
}

SL_APART __u64 sl_owner6(__u64 remote0, __u64 remote1, __u64 local0, __u64 local1, __u64 rest)
{
	struct sl_packet p = { .family = 6 };

	p.remote.half[0] = remote0;
	p.remote.half[1] = remote1;
	p.local.half[0] = local0;
	p.local.half[1] = local1;
	sl_rest_unpack(&p, rest);
	return sl_owner_pack(sl_owner_by_address(&p, rest));
}

static __always_inline struct sl_owner sl_find_owner(const struct sl_packet *p, __u32 half)
{
	__u64 rest = sl_rest_pack(p, half);

	if (p->family == 4)
		return sl_owner_unpack(
			sl_owner4(p->remote.word[0] | (__u64)p->local.word[0] << 32, rest));
	return sl_owner_unpack(sl_owner6(p->remote.half[0], p->remote.half[1], p->local.half[0],
					 p->local.half[1], rest));
}

/* Egress that no address claims: the socket, its mark or its cgroup may know; else @owner. */
static __always_inline struct sl_owner sl_owner_by_socket(struct __sk_buff *skb,
							  const struct sl_ctl_half *live,
							  struct sl_owner owner)
{
	if ((live->features & SL_FEATURE_SOCKETS) && skb->sk) {
		struct bpf_sock *sk = bpf_sk_fullsock(skb->sk);
		const struct sl_socket *s =
			sk ? bpf_sk_storage_get(&sl_sockets, sk, NULL, 0) : NULL;

		if (s && s->tenant < sl_load.tenants)
			return (struct sl_owner){ s->tenant, SL_FOUND_SOCKET };
	}
	if (live->features & SL_FEATURE_MARKS) {
		__u32 mark = skb->mark;
		const __u32 *tenant = bpf_map_lookup_elem(&sl_marks, &mark);

		if (tenant && *tenant < sl_load.tenants)
			return (struct sl_owner){ *tenant, SL_FOUND_MARK };
	}
	if (live->features & SL_FEATURE_CGROUPS) {
		__u64 cgroup = bpf_skb_cgroup_id(skb);
		const __u32 *tenant = bpf_map_lookup_elem(&sl_cgroups, &cgroup);

		if (tenant && *tenant < sl_load.tenants)
			return (struct sl_owner){ *tenant, SL_FOUND_CGROUP };
	}
	return owner;
}

/*
 * The inlined case: an IPv4 packet to a service of the most specific shape, where no
 * flow is to be looked for. The service has a tenant, or the source has, or it is a
 * stranger: each packet of a flood comes here. False: ask sl_find_owner().
 */
static __always_inline bool sl_owner_by_service(const struct sl_packet *p, const struct sl_ctl *ctl,
						const struct sl_ctl_half *live, __u32 half,
						struct sl_owner *ret)
{
	__u32 shape = live->shapes4;
	__u64 hit;

	if (p->family != 4 || p->no_ports || !live->shapes4_count)
		return false;
	hit = sl_ask_service4(half,
			      sl_service4_word(shape & SL_SHAPE_ANY_ADDRESS ? 0 : p->local.word[0],
					       shape & SL_SHAPE_ANY_PORT ? 0 : p->local_port,
					       shape & SL_SHAPE_ANY_VLAN ? SL_VLAN_ANY : p->vlan),
			      p->protocol, live->services4_seed);
	if (!hit || ((hit & SL_SERVICE_BIND) && ctl->flows_in_use))
		return false;
	if (hit & SL_SERVICE_TENANT) {
		*ret = (struct sl_owner){ (__u16)(hit >> 8), SL_FOUND_SERVICE };
		return true;
	}
	*ret = (struct sl_owner){ sl_find_source(p, live->features, half), SL_FOUND_SOURCE };
	if (ret->tenant == SL_TENANT_NONE)
		*ret = (struct sl_owner){ SL_TENANT_UNKNOWN, SL_FOUND_UNKNOWN };
	return true;
}
