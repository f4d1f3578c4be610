/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators said of all nodes: another rate of a tenant's limit, and nodes that shall
 * hold no leases. Kept in one hash of Redis (PREFIX:{alloc}:said), a field for each subject,
 * and by every agent in memory: what Redis loses, the agents bring back.
 *
 *   field  s:TENANT:K      value  SERIAL RATE_MU UNTIL_MS BY     K as in the keys of limits;
 *                                                                RATE_MU 0: as configured
 *          d:NODE                 SERIAL DRAINED UNTIL_MS BY     DRAINED 1 or 0
 *          version                the last writer's; other than the one known: read all again
 *
 * Of one subject the highest serial counts. A serial is the writer's wall clock in ms, or
 * more: newer than any before it, also after Redis forgot those. It is part of the terms'
 * generation, so an override is newer than what it overrides, and so is its end.
 *
 * Owner:  the struct is the caller's; sl_said_release() frees the array.
 * Thread: no state but the struct. Time is a parameter: wall clock in ms.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/quota/terms.h"

#define SL_SAID_MAX	   4096u /* records */
#define SL_SAID_NAME_BYTES 64	 /* of a tenant or node, with its end */
#define SL_SAID_TEXT_BYTES 160	 /* of a field or value, with its end */

enum sl_said_subject {
	SL_SAID_LIMIT = 0,
	SL_SAID_NODE,
};

struct sl_said_record {
	enum sl_said_subject subject;
	char name[SL_SAID_NAME_BYTES];
	enum sl_quota_kind kind; /* of a limit */
	int64_t serial;		 /* 1..2^52 */
	int64_t rate_mu_per_s;	 /* of a limit; 0: as configured */
	bool drained;		 /* a node */
	int64_t until_ms;	 /* 0: for good */
	char by[SL_SAID_NAME_BYTES];
};

struct sl_said {
	struct sl_said_record *at; /* by subject, name and kind */
	size_t count;
};

void sl_said_release(struct sl_said *ledger);

/* -EINVAL: not a record; *ret is untouched. */
int sl_said_read(struct sl_said_record *ret, struct sl_span field, struct sl_span value);
/* What sl_said_read() reads as @record. -EINVAL: a member is out of bounds. */
int sl_said_write(const struct sl_said_record *record, char field[SL_SAID_TEXT_BYTES],
		  char value[SL_SAID_TEXT_BYTES]);

/* 1: @record is news and was taken; 0: it is known, or older. -ENOSPC: SL_SAID_MAX
 * subjects, -ENOMEM. */
int sl_said_merge(struct sl_said *ledger, const struct sl_said_record *record);

/* The record of @key's subject, name and kind. NULL: none. Valid until the next merge. */
const struct sl_said_record *sl_said_find(const struct sl_said *ledger,
					  const struct sl_said_record *key);

/* Is it in force: neither ended nor taken back? NULL is not. */
bool sl_said_holds(const struct sl_said_record *record, int64_t now_ms);

/* A serial that is newer than @record's and its end's. NULL is fine. */
int64_t sl_said_next_serial(const struct sl_said_record *record, int64_t now_ms);

/* When something ends next after @now_ms; INT64_MAX: nothing does. */
int64_t sl_said_next_end(const struct sl_said *ledger, int64_t now_ms);

/* Terms of the configuration as @record changes them: R, what follows from it, and the
 * generation. @nodes as in sl_terms_are_small(). NULL: nothing. */
void sl_said_apply(struct sl_terms *terms, const struct sl_said_record *record, uint32_t nodes,
		   int64_t now_ms);
