/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one set of source prefixes to the next, through a trie that has no
 * halves: its values have, so each prefix of both sets gets the answer of the
 * old set in the live half and that of the new set in the other. An answer is
 * resolved: the tenant of the longest prefix of that set that covers the key.
 *
 * How to apply the changes with half L live:
 *   1. update each change with .write: tenant[L] = before, tenant[!L] = after;
 *   2. flip the epoch;
 *   3. delete each change with .remove, and update the others with .write
 *      once more: both halves = after.
 * Before 1 and after 3 both halves of every entry agree. Whoever begins with a
 * map that may have been left in between takes the old set from the map's keys
 * and tenant[L], and does 1 and 3 for every change, .write or not.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/prefix.h"

struct sl_source_entry {
	union sl_prefix_key key;
	uint32_t tenant; /* or SL_TENANT_NONE */
};

struct sl_source_change {
	union sl_prefix_key key;
	uint32_t before; /* resolved in the old set, or SL_TENANT_NONE */
	uint32_t after;	 /* resolved in the new set */
	bool write;	 /* the key is new, or its answer changes */
	bool remove;	 /* the key is not in the new set */
};

struct sl_source_changes {
	struct sl_source_change *at;
	size_t count;
};

/*
 * Both sets are of one family and in any order; of a key given twice in a set
 * the last wins. O(n log n). @ret's array is the caller's, to free(); sorted as
 * by sl_prefix_compare(). -ENOMEM.
 */
int sl_sources_diff(struct sl_source_changes *ret, const struct sl_source_entry *before,
		    size_t before_count, const struct sl_source_entry *after, size_t after_count);
