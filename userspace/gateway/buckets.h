/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets of many tenants, or of many addresses, in memory that all workers share:
 * a table of a fixed size. A key lives in one of a few places; a place whose
 * buckets are all full again holds nothing worth keeping and is given away. When
 * there is none, the newcomer shares one common place with others like it.
 *
 * Owner:  the memory is the caller's, zeroed at first.
 * Thread: any number of processes. Finding does not lock; making a new place does,
 *         briefly; who dies meanwhile holds up nobody for longer than a second.
 * Time:   CLOCK_MONOTONIC, a parameter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/requests.h"
#include "userspace/base/span.h"
#include "userspace/gateway/route.h"

#define SL_BUCKET_UNLIMITED UINT64_MAX

struct sl_caller_bucket {
	uint64_t key[2];
	struct sl_request_word words[SL_CLASSES]; /* SL_CLASS_NONE: refusals (kernel.h) */
	uint64_t limits[SL_CLASSES]; /* set by an operator: requests + 1 or SL_BUCKET_UNLIMITED; 0:
					the plan's */
	uint64_t checked_total;
	uint64_t exceeded_total;
};

struct sl_buckets {
	uint64_t secret[2];
	uint64_t lock_ns; /* since when it is held; 0: free */
	uint64_t count;	  /* of places, without the common one */
	uint64_t shared_total;
	struct sl_caller_bucket common;
	struct sl_caller_bucket places[];
};

size_t sl_buckets_bytes(size_t count);
/* @count is rounded down to whole groups of places, at least one. */
void sl_buckets_init(struct sl_buckets *buckets, size_t count, const uint64_t secret[2]);

/* The place of @name, made when it is new. Never NULL. */
struct sl_caller_bucket *sl_buckets_get(struct sl_buckets *buckets, struct sl_span name,
					uint64_t now_ns);
/* NULL when it has none. */
struct sl_caller_bucket *sl_buckets_find(struct sl_buckets *buckets, struct sl_span name);
