/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prefixes of either family as the keys of the prefix maps, in the order in
 * which each stands right after the prefixes that cover it.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "sluice/abi.h"
#include "userspace/domain/config.h"

/*
 * A key of a prefix map. For an IPv4 map &key.v4 and for an IPv6 map &key.v6 is
 * what the kernel takes; with IPv4 the bytes after the address are 0, so that
 * .v6 compares both.
 */
union sl_prefix_key {
	struct sl_prefix4 v4;
	struct sl_prefix6 v6;
};

_Static_assert(offsetof(struct sl_prefix4, address) == offsetof(struct sl_prefix6, address),
	       "prefix: one key serves both families");

union sl_prefix_key sl_prefix_key_of(const struct sl_prefix_spec *prefix);

/* By address, then the shorter first: <0, 0, >0. Keys of one family only. */
int sl_prefix_compare(const union sl_prefix_key *a, const union sl_prefix_key *b);

/* Every address of @inner is in @outer; a prefix covers itself. */
bool sl_prefix_covers(const union sl_prefix_key *outer, const union sl_prefix_key *inner);
