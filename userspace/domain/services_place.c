// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/services_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOVES 256u /* at half load a handful is plenty; more means that it does not fit */

int sl_placement_init(struct sl_placement *ret, uint32_t lines, uint32_t slots_per_line,
		      size_t entries)
{
	struct sl_placement made = {
		.slots = calloc((size_t)lines * slots_per_line, sizeof(*made.slots)),
		.hashes = calloc(entries + 1, sizeof(*made.hashes)),
		.entries = entries,
		.lines = lines,
		.slots_per_line = slots_per_line,
	};

	if (!made.slots || !made.hashes) {
		sl_placement_release(&made);
		return -ENOMEM;
	}
	*ret = made;
	return 0;
}

void sl_placement_release(struct sl_placement *placement)
{
	free(placement->slots);
	free(placement->hashes);
	placement->slots = NULL;
	placement->hashes = NULL;
}

static uint32_t line_of(const struct sl_placement *p, size_t entry, unsigned choice)
{
	return (uint32_t)(p->hashes[entry] >> (choice * 32)) & (p->lines - 1);
}

static bool put(struct sl_placement *p, size_t entry, uint32_t line)
{
	uint32_t *slots = &p->slots[(size_t)line * p->slots_per_line];

	for (uint32_t i = 0; i < p->slots_per_line; i++) {
		if (slots[i] == 0) {
			slots[i] = (uint32_t)entry + 1;
			return true;
		}
	}
	return false;
}

/* Takes a slot of @line from its entry, which is returned. The slot varies with @move. */
static size_t displace(struct sl_placement *p, size_t entry, uint32_t line, uint32_t move)
{
	uint32_t *slot = &p->slots[(size_t)line * p->slots_per_line + move / 2 % p->slots_per_line];
	size_t moved = *slot - 1;

	*slot = (uint32_t)entry + 1;
	return moved;
}

static bool insert(struct sl_placement *p, size_t entry)
{
	uint32_t line = line_of(p, entry, 0);

	if (put(p, entry, line) || put(p, entry, line_of(p, entry, 1)))
		return true;
	for (uint32_t move = 0; move < MOVES; move++) {
		entry = displace(p, entry, line, move);
		/* It came from this line, so it goes to its other one. */
		line = line_of(p, entry, line == line_of(p, entry, 0));
		if (put(p, entry, line))
			return true;
	}
	return false;
}

bool sl_placement_try(struct sl_placement *placement)
{
	const size_t slots = (size_t)placement->lines * placement->slots_per_line;

	if (placement->entries > slots)
		return false;
	memset(placement->slots, 0, slots * sizeof(*placement->slots));
	for (size_t i = 0; i < placement->entries; i++)
		if (!insert(placement, i))
			return false;
	return true;
}
