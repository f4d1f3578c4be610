/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How a bound flow is found in its line: the packet path and userspace read it by the
 * same code. Who may write, and how: userspace/domain/flow_table.h, docs/adr/0008.
 *
 * The last 8 bytes of a slot are its word: ports, tenant, protocol, state and turn. It
 * is stored last, and read again once the addresses were compared. When it is the same
 * still, word and addresses are of one flow; else the slot was given to another one
 * meanwhile, and what was read may be half of each. (The turn tells apart two flows of
 * the same ports and tenant.) The loads are in this order for the compiler and for x86.
 * A CPU that reorders loads (arm64) may see the addresses of one flow under the word of
 * another in the few nanoseconds of such a change; BPF has no load barrier that the
 * compilers we support can emit.
 */
#pragma once

#include "sluice/hash.h"

#define SL_FLOW_KEY_MASK     0x03ff0000ffffffffull /* of the word: ports, protocol, state */
#define SL_FLOW_TENANT_SHIFT 32
#define SL_FLOW_STATE_SHIFT  56
#define SL_FLOW_TURN_SHIFT   58

#ifdef __bpf__
#define SL_FLOW_LOAD(at) (*(const volatile __u64 *)(at))
#define SL_FLOW_UNROLL	 _Pragma("unroll")
#else
#define SL_FLOW_LOAD(at) __atomic_load_n(at, __ATOMIC_ACQUIRE)
#define SL_FLOW_UNROLL
#endif

/* What the word of a used slot is under SL_FLOW_KEY_MASK. */
static __always_inline __u64 sl_flow_key(__be16 remote_port, __be16 local_port, __u8 protocol)
{
	return (__u64)remote_port | (__u64)local_port << 16 | (__u64)protocol << 48 |
	       (__u64)SL_FLOW_USED << SL_FLOW_STATE_SHIFT;
}

/* Lines are no power of two, but two at least: the two of a flow are never the same. */
static __always_inline __u32 sl_flow_first_line(__u64 hash, __u32 lines)
{
	return (__u32)((hash & 0xffffffff) * lines >> 32);
}

static __always_inline __u32 sl_flow_second_line(__u64 hash, __u32 first, __u32 lines)
{
	__u32 line = (__u32)((hash >> 32) * (lines - 1) >> 32);

	return line + (line >= first);
}

/* The tenant; SL_TENANT_NONE when the line does not have the flow. */
static __always_inline __u32 sl_flow4_in_line(const struct sl_flow4_line *line, __u64 addresses,
					      __u64 key)
{
	SL_FLOW_UNROLL
	for (int i = 0; i < SL_FLOW4_SLOTS; i++) {
		const __u64 *slot = (const __u64 *)&line->slot[i];
		__u64 word = SL_FLOW_LOAD(slot + 1);

		if ((word & SL_FLOW_KEY_MASK) == key && SL_FLOW_LOAD(slot) == addresses &&
		    SL_FLOW_LOAD(slot + 1) == word)
			return (__u16)(word >> SL_FLOW_TENANT_SHIFT);
	}
	return SL_TENANT_NONE;
}

/* @address: remote, then local. */
static __always_inline __u32 sl_flow6_in_line(const struct sl_flow6_line *line,
					      const __u64 address[4], __u64 key)
{
	SL_FLOW_UNROLL
	for (int i = 0; i < SL_FLOW6_SLOTS; i++) {
		const __u64 *slot = (const __u64 *)&line->slot[i];
		__u64 word = SL_FLOW_LOAD(slot + 4);

		if ((word & SL_FLOW_KEY_MASK) == key && SL_FLOW_LOAD(slot) == address[0] &&
		    SL_FLOW_LOAD(slot + 1) == address[1] && SL_FLOW_LOAD(slot + 2) == address[2] &&
		    SL_FLOW_LOAD(slot + 3) == address[3] && SL_FLOW_LOAD(slot + 4) == word)
			return (__u16)(word >> SL_FLOW_TENANT_SHIFT);
	}
	return SL_TENANT_NONE;
}
