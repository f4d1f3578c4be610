/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the routes of messages and of the registry have in common: a value of the
 * key-value store for each, and answers out of it.
 *
 * Thread: the loop's.
 */
#pragma once

#include "userspace/gateway/gateway_private.h"

#define SL_STORE_KEY_MAX 128

/* What a store's call came to, while the exchange is still there: -ENOENT and -EEXIST are
 * the store's word, any other error means that it did not answer. */
typedef void sl_store_got(struct sl_exchange *exchange, int status, struct sl_span value,
			  uint64_t revision);

/* One call at a time for an exchange. Without memory they answer 503. */
void sl_store_get(struct sl_exchange *exchange, const char *bucket, const char *key,
		  sl_store_got *done);
void sl_store_put(struct sl_exchange *exchange, const char *bucket, const char *key,
		  struct sl_span value, sl_store_got *done);
/* @revision 0: only when there is none; -EEXIST. */
void sl_store_update(struct sl_exchange *exchange, const char *bucket, const char *key,
		     struct sl_span value, uint64_t revision, sl_store_got *done);
void sl_store_delete(struct sl_exchange *exchange, const char *bucket, const char *key,
		     sl_store_got *done);

/* {"items": [...], "count": n} of every value whose key matches, at most @max. */
void sl_store_list(struct sl_exchange *exchange, const char *bucket, const char *filter,
		   const char *items, uint32_t max);

/* 503: the store did not answer, or is not there. */
void sl_store_answer_lost(struct sl_exchange *exchange, int status);
