/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose packet is it? The service table is the gate: what is not addressed to
 * a protected service is nobody's business. Then, in order: the bound flow,
 * the service's own tenant, the remote prefix, on egress the socket, mark and
 * cgroup, and last tenant 0.
 */
#pragma once

#include "bpf/config.h"
#include "bpf/maps.h"
#include "bpf/lib/flows.h"
#include "bpf/lib/parse.h"
#include "sluice/hash.h"

struct sl_owner {
	__u32 tenant;
	enum sl_found_by found_by;
};

/* What the live service entry says; flags 0 = no such service. */
struct sl_service_hit {
	__u8 flags;
	__u16 tenant;
};

/* An entry as one word; 0 = no such service. */
static __always_inline __u64 sl_service_pack(__u8 flags, __u16 tenant)
{
	return (__u64)tenant << 8 | flags;
}

static __always_inline __u64 sl_ask_service4(__u32 half, __u64 word, __u8 protocol, __u64 seed)
{
	__u64 hash = sl_service4_hash(word, protocol, seed);
	__u32 mask = sl_load.services4_mask;
	__u32 first = half ? mask + 1 : 0;

#pragma unroll
	for (int choice = 0; choice < 2; choice++) {
		__u32 line_index = first + ((__u32)(hash >> (choice * 32)) & mask);
		const struct sl_service4_line *line =
			bpf_map_lookup_elem(&sl_services4, &line_index);

		if (!line)
			break;
#pragma unroll
		for (int i = 0; i < SL_SERVICE4_SLOTS; i++) {
			const struct sl_service4 *s = &line->slot[i];

			if (*(const __u64 *)s == word && s->protocol == protocol && s->flags)
				return sl_service_pack(s->flags, s->tenant);
		}
	}
	return 0;
}

static __always_inline __u64 sl_ask_service6(__u32 half, __u64 high, __u64 low, __be16 port,
					     __u16 vlan, __u8 protocol, __u64 seed)
{
	__u64 hash = sl_service6_hash(high, low, port, vlan, protocol, seed);
	__u32 mask = sl_load.services6_mask;
	__u32 first = half ? mask + 1 : 0;

#pragma unroll
	for (int choice = 0; choice < 2; choice++) {
		__u32 line_index = first + ((__u32)(hash >> (choice * 32)) & mask);
		const struct sl_service6_line *line =
			bpf_map_lookup_elem(&sl_services6, &line_index);

		if (!line)
			break;
#pragma unroll
		for (int i = 0; i < SL_SERVICE6_SLOTS; i++) {
			const struct sl_service6 *s = &line->slot[i];
			const __u64 *address = (const __u64 *)s->address;

			if (address[0] == high && address[1] == low && s->port == port &&
			    s->vlan == vlan && s->protocol == protocol && s->flags)
				return sl_service_pack(s->flags, s->tenant);
		}
	}
	return 0;
}

/* Try the wildcard shapes in use, most specific first. */
static __always_inline __u64 sl_find_service4(const struct sl_ctl_half *live, __u32 half,
					      const struct sl_packet *p)
{
	__u8 protocol = p->no_ports ? SL_PROTO_FRAGMENT : p->protocol;
	__u32 shapes = live->shapes4;
	__u64 hit = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_SHAPES && i < live->shapes4_count && !hit; i++, shapes >>= 4) {
		__u16 vlan = shapes & SL_SHAPE_ANY_VLAN ? SL_VLAN_ANY : p->vlan;
		__be16 port = shapes & SL_SHAPE_ANY_PORT ? 0 : p->local_port;
		__be32 address = shapes & SL_SHAPE_ANY_ADDRESS ? 0 : p->local.word[0];

		hit = sl_ask_service4(half, sl_service4_word(address, port, vlan), protocol,
				      live->services4_seed);
	}
	return hit;
}

static __always_inline __u64 sl_find_service6(const struct sl_ctl_half *live, __u32 half,
					      const struct sl_packet *p)
{
	__u8 protocol = p->no_ports ? SL_PROTO_FRAGMENT : p->protocol;
	__u32 shapes = live->shapes6;
	__u64 hit = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_SHAPES && i < live->shapes6_count && !hit; i++, shapes >>= 4) {
		__u16 vlan = shapes & SL_SHAPE_ANY_VLAN ? SL_VLAN_ANY : p->vlan;
		__be16 port = shapes & SL_SHAPE_ANY_PORT ? 0 : p->local_port;
		bool any = shapes & SL_SHAPE_ANY_ADDRESS;

		hit = sl_ask_service6(half, any ? 0 : p->local.half[0], any ? 0 : p->local.half[1],
				      port, vlan, protocol, live->services6_seed);
	}
	return hit;
}

static __always_inline struct sl_service_hit sl_find_service(const struct sl_packet *p,
							     const struct sl_ctl_half *live,
							     __u32 half)
{
	__u64 hit;

	if (p->family == 4)
		hit = sl_find_service4(live, half, p);
	else
		hit = sl_find_service6(live, half, p);
	return (struct sl_service_hit){ .flags = (__u8)hit, .tenant = (__u16)(hit >> 8) };
}

/* What is to be looked at. Flows, only once one was bound: a miss costs a cache line. */
static __always_inline __u32 sl_features(const struct sl_ctl *ctl, const struct sl_ctl_half *live)
{
	return ctl->flows_in_use ? live->features : live->features & ~(__u32)SL_FEATURE_FLOWS;
}

static __always_inline __u32 sl_find_source(const struct sl_packet *p, __u32 features, __u32 half)
{
	const struct sl_source *source = NULL;

	if (p->family == 4) {
		struct sl_prefix4 key = { .prefix_bits = 32 };

		if (!(features & SL_FEATURE_SOURCES4))
			return SL_TENANT_NONE;
		__builtin_memcpy(key.address, &p->remote, 4);
		source = bpf_map_lookup_elem(&sl_sources4, &key);
	} else {
		struct sl_prefix6 key = { .prefix_bits = 128 };

		if (!(features & SL_FEATURE_SOURCES6))
			return SL_TENANT_NONE;
		__builtin_memcpy(key.address, &p->remote, 16);
		source = bpf_map_lookup_elem(&sl_sources6, &key);
	}
	return source ? source->tenant[half] : SL_TENANT_NONE;
}

/* Tenant by flow, service or prefix; SL_TENANT_NONE when none of them knows. */
static __always_inline struct sl_owner sl_owner_of(const struct sl_packet *p,
						   struct sl_service_hit hit, __u64 seed,
						   __u32 features, __u32 half)
{
	struct sl_owner owner = { .tenant = SL_TENANT_NONE };

	if ((hit.flags & SL_SERVICE_BIND) && (features & SL_FEATURE_FLOWS) && !p->no_ports) {
		owner.found_by = SL_FOUND_FLOW;
		owner.tenant = sl_find_flow(p, seed);
		if (owner.tenant != SL_TENANT_NONE)
			return owner;
	}
	if (hit.flags & SL_SERVICE_TENANT) {
		owner.found_by = SL_FOUND_SERVICE;
		owner.tenant = hit.tenant;
		return owner;
	}
	owner.found_by = SL_FOUND_SOURCE;
	owner.tenant = sl_find_source(p, features, half);
	return owner;
}
