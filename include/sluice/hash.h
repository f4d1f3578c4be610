/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The hash functions that the packet path and userspace must agree on.
 *
 * All are built on one 64-bit mixer: two rounds of multiply and fold (the
 * finaliser of MurmurHash3, constants of its public domain reference). It is a
 * bijection of 64-bit words; none of this is a cryptographic hash. Keys that a
 * remote party chooses are mixed with a secret seed.
 */
#pragma once

#include "sluice/abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static __always_inline __u64 sl_mix(__u64 word)
{
	word ^= word >> 33;
	word *= 0xff51afd7ed558ccdull;
	word ^= word >> 33;
	word *= 0xc4ceb9fe1a85ec53ull;
	return word ^ (word >> 33);
}

/* The first 8 bytes of struct sl_service4 as one word, for hash and compare. */
static __always_inline __u64 sl_service4_word(__be32 address, __be16 port, __u16 vlan)
{
	return (__u64)address | (__u64)port << 32 | (__u64)vlan << 48;
}

static __always_inline __u64 sl_service4_hash(__u64 word, __u8 protocol, __u64 seed)
{
	return sl_mix(word ^ seed ^ (__u64)protocol << 40);
}

static __always_inline __u64 sl_service6_hash(__u64 high, __u64 low, __be16 port, __u16 vlan,
					      __u8 protocol, __u64 seed)
{
	__u64 rest = (__u64)port | (__u64)vlan << 16 | (__u64)protocol << 32;

	return sl_mix(sl_mix(high ^ seed) ^ sl_mix(low ^ ~seed) ^ rest);
}

/* Of a bound flow; @key: flow.h. Low half: the line of the first choice, high: the second. */
static __always_inline __u64 sl_flow4_hash(__u64 addresses, __u64 key, __u64 seed)
{
	return sl_mix(sl_mix(addresses ^ seed) ^ key);
}

/* @address: remote, then local. */
static __always_inline __u64 sl_flow6_hash(const __u64 address[4], __u64 key, __u64 seed)
{
	__u64 remote = sl_mix(sl_mix(address[0] ^ seed) ^ address[1]);
	__u64 local = sl_mix(sl_mix(address[2] ^ ~seed) ^ address[3]);

	return sl_mix((remote + local) ^ key);
}

/* A connection as seen from here. Addresses are folded to a word each. */
static __always_inline __u64 sl_tuple_hash(__u64 remote, __u64 local, __be16 remote_port,
					   __be16 local_port, __u8 protocol, __u64 seed)
{
	return sl_mix(sl_mix(remote ^ seed) + local +
		      ((__u64)remote_port << 32 | (__u64)local_port << 16 | protocol));
}

/* A remote address: IPv4 whole, IPv6 by its /64, which is what one host has. */
static __always_inline __u64 sl_source_hash(__u64 address, __u64 seed)
{
	return sl_mix(address ^ seed);
}
