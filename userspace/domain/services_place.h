/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where entries stand in a two-choice table: for each a line out of two by its
 * hash, moving others to their second line to make room. Source: R. Pagh, F.
 * Rodler, "Cuckoo hashing", with several slots a line.
 *
 * Thread: no state but the struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_placement {
	uint32_t *slots;  /* [lines * slots_per_line]: entry + 1, 0 = empty */
	uint64_t *hashes; /* [entries], set by the caller before each try */
	size_t entries;
	uint32_t lines; /* a power of two */
	uint32_t slots_per_line;
};

/* -ENOMEM. */
int sl_placement_init(struct sl_placement *ret, uint32_t lines, uint32_t slots_per_line,
		      size_t entries);
void sl_placement_release(struct sl_placement *placement);

/* Places all entries anew. False: they do not fit by these hashes. */
bool sl_placement_try(struct sl_placement *placement);
