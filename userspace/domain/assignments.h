/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assignments a router gave out and has no result of yet: found by their id,
 * in the order of their deadlines.
 *
 * Owner:  the table owns copies of all texts; a pointer is valid until its assignment
 *         is removed.
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/table.h"

struct sl_assignments;

struct sl_assigned {
	const char *assignment_id, *request_id, *tenant_id, *provider_id;
	const char *job_type, *trace_id, *run_id; /* "" when there is none */
	uint64_t begun_ns;			  /* when it was published */
	uint64_t due_ns;			  /* when it is given up */
	bool accepted;				  /* a worker said so */
	uint32_t mark;				  /* the owner's */
};

int sl_assignments_new(struct sl_assignments **ret, uint32_t entries_max, const uint64_t secret[2]);
void sl_assignments_free(struct sl_assignments *assignments); /* NULL is fine */
void sl_assignments_freep(struct sl_assignments **assignments);

/* -EEXIST, -ENOSPC: as many as there may be; -ENOMEM. */
int sl_assignments_add(struct sl_assignments *assignments, const struct sl_assigned *assigned);
/* NULL: not ours, or over. */
struct sl_assigned *sl_assignments_find(struct sl_assignments *assignments, struct sl_span id);
void sl_assignments_remove(struct sl_assignments *assignments, struct sl_span id);
/* Moves the deadline. */
void sl_assignments_extend(struct sl_assignments *assignments, struct sl_span id, uint64_t due_ns);

/* The one that is due first; NULL: none. */
const struct sl_assigned *sl_assignments_next(const struct sl_assignments *assignments);
uint32_t sl_assignments_count(const struct sl_assignments *assignments);
