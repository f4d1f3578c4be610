/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tenant that a connection is bound to. A flow is written by the gateway, which is
 * not trusted with the range of tenants.
 */
#pragma once

#include "bpf/config.h"
#include "bpf/maps.h"
#include "bpf/lib/parse.h"
#include "sluice/flow.h"

static __always_inline __u32 sl_find_flow4(const struct sl_packet *p, __u64 key, __u64 seed)
{
	__u64 addresses = (__u64)p->remote.word[0] | (__u64)p->local.word[0] << 32;
	__u64 hash = sl_flow4_hash(addresses, key, seed);
	__u32 index = sl_flow_first_line(hash, sl_load.flows4_lines);
	__u32 tenant = SL_TENANT_NONE;

#pragma unroll
	for (int choice = 0; choice < 2; choice++) {
		const struct sl_flow4_line *line = bpf_map_lookup_elem(&sl_flows4, &index);

		if (line)
			tenant = sl_flow4_in_line(line, addresses, key);
		if (tenant != SL_TENANT_NONE)
			break;
		index = sl_flow_second_line(hash, index, sl_load.flows4_lines);
	}
	return tenant;
}

static __always_inline __u32 sl_find_flow6(const struct sl_packet *p, __u64 key, __u64 seed)
{
	__u64 address[4] = { p->remote.half[0], p->remote.half[1], p->local.half[0],
			     p->local.half[1] };
	__u64 hash = sl_flow6_hash(address, key, seed);
	__u32 index = sl_flow_first_line(hash, sl_load.flows6_lines);
	__u32 tenant = SL_TENANT_NONE;

#pragma unroll
	for (int choice = 0; choice < 2; choice++) {
		const struct sl_flow6_line *line = bpf_map_lookup_elem(&sl_flows6, &index);

		if (line)
			tenant = sl_flow6_in_line(line, address, key);
		if (tenant != SL_TENANT_NONE)
			break;
		index = sl_flow_second_line(hash, index, sl_load.flows6_lines);
	}
	return tenant;
}

/* @seed: sl_ctl.hash_seed. */
static __always_inline __u32 sl_find_flow(const struct sl_packet *p, __u64 seed)
{
	__u64 key = sl_flow_key(p->remote_port, p->local_port, p->protocol);
	__u32 tenant;

	if (p->family == 4)
		tenant = sl_find_flow4(p, key, seed);
	else
		tenant = sl_find_flow6(p, key, seed);
	return tenant < sl_load.tenants ? tenant : SL_TENANT_NONE;
}
