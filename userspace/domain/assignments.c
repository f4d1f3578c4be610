// SPDX-License-Identifier: Apache-2.0
/* A hash of ids beside a binary heap of deadlines; each entry knows its place in the heap. */
#include "userspace/domain/assignments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

struct entry {
	struct sl_assigned assigned; /* its texts follow the struct */
	uint32_t place;
};

struct sl_assignments {
	struct sl_table *table; /* of struct entry * */
	struct entry **heap;
	uint32_t count, entries_max;
};

static void drop(void *value)
{
	free(*(struct entry **)value);
}

int sl_assignments_new(struct sl_assignments **ret, uint32_t entries_max, const uint64_t secret[2])
{
	sl_cleanup(sl_assignments_freep) struct sl_assignments *assignments =
		calloc(1, sizeof(*assignments));
	const struct sl_table_options options = {
		.entries_max = entries_max,
		.value_size = sizeof(struct entry *),
		.secret = { secret[0], secret[1] },
		.drop = drop,
	};
	int err;

	if (!assignments)
		return -ENOMEM;
	err = sl_table_new(&assignments->table, &options);
	if (err)
		return err;
	assignments->entries_max = entries_max;
	assignments->heap = calloc(entries_max, sizeof(struct entry *));
	if (!assignments->heap)
		return -ENOMEM;
	*ret = SL_TAKE_PTR(assignments);
	return 0;
}

void sl_assignments_free(struct sl_assignments *assignments)
{
	if (!assignments)
		return;
	sl_table_free(assignments->table);
	free(assignments->heap);
	free(assignments);
}

void sl_assignments_freep(struct sl_assignments **assignments)
{
	sl_assignments_free(*assignments);
}

/* ---- the heap ---------------------------------------------------------------------- */

static void place(struct sl_assignments *assignments, struct entry *entry, uint32_t at)
{
	assignments->heap[at] = entry;
	entry->place = at;
}

static void rise(struct sl_assignments *assignments, struct entry *entry)
{
	uint32_t at = entry->place;

	while (at > 0) {
		struct entry *parent = assignments->heap[(at - 1) / 2];

		if (parent->assigned.due_ns <= entry->assigned.due_ns)
			break;
		place(assignments, parent, at);
		at = (at - 1) / 2;
	}
	place(assignments, entry, at);
}

static void sink(struct sl_assignments *assignments, struct entry *entry)
{
	uint32_t at = entry->place;

	for (;;) {
		uint32_t child = 2 * at + 1;
		struct entry *lower;

		if (child >= assignments->count)
			break;
		lower = assignments->heap[child];
		if (child + 1 < assignments->count &&
		    assignments->heap[child + 1]->assigned.due_ns < lower->assigned.due_ns)
			lower = assignments->heap[child + 1];
		if (entry->assigned.due_ns <= lower->assigned.due_ns)
			break;
		child = lower->place;
		place(assignments, lower, at);
		at = child;
	}
	place(assignments, entry, at);
}

/* ---- use ------------------------------------------------------------------------------ */

static struct sl_table_key key_of(const struct sl_assignments *assignments, struct sl_span id)
{
	return sl_table_key(assignments->table, &id, 1);
}

static struct entry *find(struct sl_assignments *assignments, struct sl_span id)
{
	struct entry **slot = sl_table_peek(assignments->table, key_of(assignments, id), 0);

	return slot ? *slot : NULL;
}

static const char *keep(char **at, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = *at;

	memcpy(copy, text, size);
	*at += size;
	return copy;
}

static struct entry *copy_of(const struct sl_assigned *from)
{
	/* Seven final NULs. */
	const size_t texts = strlen(from->assignment_id) + strlen(from->request_id) +
			     strlen(from->tenant_id) + strlen(from->provider_id) +
			     strlen(from->job_type) + strlen(from->trace_id) +
			     strlen(from->run_id) + 7;
	struct entry *entry = calloc(1, sizeof(*entry) + texts);
	char *at;

	if (!entry)
		return NULL;
	at = (char *)(entry + 1);
	entry->assigned = *from;
	entry->assigned.assignment_id = keep(&at, from->assignment_id);
	entry->assigned.request_id = keep(&at, from->request_id);
	entry->assigned.tenant_id = keep(&at, from->tenant_id);
	entry->assigned.provider_id = keep(&at, from->provider_id);
	entry->assigned.job_type = keep(&at, from->job_type);
	entry->assigned.trace_id = keep(&at, from->trace_id);
	entry->assigned.run_id = keep(&at, from->run_id);
	return entry;
}

int sl_assignments_add(struct sl_assignments *assignments, const struct sl_assigned *assigned)
{
	const struct sl_span id = sl_span_of(assigned->assignment_id);
	struct entry *entry;

	if (find(assignments, id))
		return -EEXIST;
	/* So the table never has to give one up. */
	if (assignments->count == assignments->entries_max)
		return -ENOSPC;
	entry = copy_of(assigned);
	if (!entry)
		return -ENOMEM;
	*(struct entry **)sl_table_put(assignments->table, key_of(assignments, id), 0) = entry;
	entry->place = assignments->count++;
	rise(assignments, entry);
	return 0;
}

struct sl_assigned *sl_assignments_find(struct sl_assignments *assignments, struct sl_span id)
{
	struct entry *entry = find(assignments, id);

	return entry ? &entry->assigned : NULL;
}

void sl_assignments_remove(struct sl_assignments *assignments, struct sl_span id)
{
	const struct entry *entry = find(assignments, id);
	struct entry *last;

	if (!entry)
		return;
	last = assignments->heap[--assignments->count];
	if (last != entry) {
		last->place = entry->place;
		rise(assignments, last);
		sink(assignments, last);
	}
	sl_table_remove(assignments->table, key_of(assignments, id));
}

void sl_assignments_extend(struct sl_assignments *assignments, struct sl_span id, uint64_t due_ns)
{
	struct entry *entry = find(assignments, id);

	if (!entry)
		return;
	entry->assigned.due_ns = due_ns;
	rise(assignments, entry);
	sink(assignments, entry);
}

const struct sl_assigned *sl_assignments_next(const struct sl_assignments *assignments)
{
	return assignments->count ? &assignments->heap[0]->assigned : NULL;
}

uint32_t sl_assignments_count(const struct sl_assignments *assignments)
{
	return assignments->count;
}
