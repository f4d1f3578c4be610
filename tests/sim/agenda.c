// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/agenda.h"

#include <stdlib.h>

#include "tests/harness/options.h"

static bool is_before(const struct sl_moment *a, const struct sl_moment *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void grow(struct sl_agenda *agenda)
{
	size_t room = agenda->room ? 2 * agenda->room : 1024;
	struct sl_moment *heap = reallocarray(agenda->heap, room, sizeof(*heap));

	if (!heap)
		sl_die("no memory for %zu events", room);
	agenda->heap = heap;
	agenda->room = room;
}

void sl_agenda_put(struct sl_agenda *agenda, struct sl_moment moment)
{
	size_t hole;

	if (agenda->count == agenda->room)
		grow(agenda);
	moment.order = agenda->order++;
	for (hole = agenda->count++; hole > 0; hole = (hole - 1) / 2) {
		struct sl_moment *parent = &agenda->heap[(hole - 1) / 2];

		if (!is_before(&moment, parent))
			break;
		agenda->heap[hole] = *parent;
	}
	agenda->heap[hole] = moment;
}

bool sl_agenda_take(struct sl_agenda *agenda, struct sl_moment *ret)
{
	const struct sl_moment *last;
	size_t hole = 0, child;

	if (!agenda->count)
		return false;
	*ret = agenda->heap[0];
	last = &agenda->heap[--agenda->count];
	for (child = 1; child < agenda->count; child = 2 * hole + 1) {
		if (child + 1 < agenda->count &&
		    is_before(&agenda->heap[child + 1], &agenda->heap[child]))
			child++;
		if (!is_before(&agenda->heap[child], last))
			break;
		agenda->heap[hole] = agenda->heap[child];
		hole = child;
	}
	agenda->heap[hole] = *last;
	return true;
}

void sl_agenda_release(struct sl_agenda *agenda)
{
	free(agenda->heap);
	*agenda = (struct sl_agenda){ 0 };
}
