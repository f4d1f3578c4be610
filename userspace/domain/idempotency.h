/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are given again: a request that comes twice under one key gets the
 * first answer; another request under the same key is a conflict.
 *
 * Owner:  the store owns copies of the answers; a span is valid until the next call.
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/table.h"

struct sl_idempotency;

struct sl_idempotency_options {
	uint32_t entries_max;
	uint64_t bytes_max; /* of all answers together: the oldest give way */
	uint64_t ttl_ns;
	uint64_t secret[2]; /* random */
};

enum sl_idempotency_found {
	SL_IDEMPOTENCY_NEW = 0,	 /* not known */
	SL_IDEMPOTENCY_PENDING,	 /* the same request is being worked on */
	SL_IDEMPOTENCY_STORED,	 /* the same request has this answer */
	SL_IDEMPOTENCY_CONFLICT, /* another request has the key */
};

struct sl_idempotency_stats {
	uint32_t entries;
	uint64_t bytes; /* of the answers */
	uint64_t evictions;
	uint64_t expirations;
};

/* The same request: what @sl_digest() of it says. */
struct sl_digest {
	uint64_t words[2];
};

int sl_idempotency_new(struct sl_idempotency **ret, const struct sl_idempotency_options *options);
void sl_idempotency_free(struct sl_idempotency *store); /* NULL is fine */
void sl_idempotency_freep(struct sl_idempotency **store);

struct sl_idempotency_key {
	struct sl_table_key key;
};
/* @kind keeps apart what is stored under a key of the client, a message, a request. */
struct sl_idempotency_key sl_idempotency_key(const struct sl_idempotency *store, char kind,
					     struct sl_span tenant, struct sl_span name);

enum sl_idempotency_found sl_idempotency_look(struct sl_span *ret_answer,
					      struct sl_idempotency *store,
					      struct sl_idempotency_key key,
					      struct sl_digest digest, uint64_t now_ns);
/* The answer alone, whatever the request was; an empty span: none. */
struct sl_span sl_idempotency_answer(struct sl_idempotency *store, struct sl_idempotency_key key,
				     uint64_t now_ns);

/* From now on it is being worked on. */
void sl_idempotency_begin(struct sl_idempotency *store, struct sl_idempotency_key key,
			  struct sl_digest digest, uint64_t now_ns);
/* -ENOMEM: not kept, the key is free again; -EFBIG: larger than all there is room for. */
int sl_idempotency_store(struct sl_idempotency *store, struct sl_idempotency_key key,
			 struct sl_digest digest, struct sl_span answer, uint64_t now_ns);
/* It came to nothing: the next one is new. */
void sl_idempotency_forget(struct sl_idempotency *store, struct sl_idempotency_key key);

struct sl_idempotency_stats sl_idempotency_stats(const struct sl_idempotency *store);

/* Of the parts that make two requests the same; the secret is the same everywhere, so
 * that every router finds the same. */
struct sl_digest sl_digest(const struct sl_span *parts, size_t count);
