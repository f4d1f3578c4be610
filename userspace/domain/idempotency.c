// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/idempotency.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/siphash.h"

struct record {
	struct sl_digest digest;
	struct sl_idempotency *store;
	char *answer; /* NULL: being worked on */
	size_t length;
};

struct sl_idempotency {
	struct sl_idempotency_options options;
	struct sl_table *table;
	uint64_t bytes;
	uint64_t evictions; /* for the sake of bytes */
};

static void drop(void *value)
{
	struct record *record = value;

	if (record->store)
		record->store->bytes -= record->length;
	free(record->answer);
	*record = (struct record){ 0 };
}

int sl_idempotency_new(struct sl_idempotency **ret, const struct sl_idempotency_options *options)
{
	sl_cleanup(sl_idempotency_freep) struct sl_idempotency *store = calloc(1, sizeof(*store));
	const struct sl_table_options table = {
		.entries_max = options->entries_max,
		.value_size = sizeof(struct record),
		.ttl_ns = options->ttl_ns,
		.secret = { options->secret[0], options->secret[1] },
		.drop = drop,
	};
	int err;

	if (!store)
		return -ENOMEM;
	store->options = *options;
	err = sl_table_new(&store->table, &table);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(store);
	return 0;
}

void sl_idempotency_free(struct sl_idempotency *store)
{
	if (!store)
		return;
	sl_table_free(store->table);
	free(store);
}

void sl_idempotency_freep(struct sl_idempotency **store)
{
	sl_idempotency_free(*store);
}

struct sl_idempotency_key sl_idempotency_key(const struct sl_idempotency *store, char kind,
					     struct sl_span tenant, struct sl_span name)
{
	const struct sl_span parts[] = { { &kind, 1 }, tenant, name };

	return (struct sl_idempotency_key){ sl_table_key(store->table, parts, 3) };
}

enum sl_idempotency_found sl_idempotency_look(struct sl_span *ret_answer,
					      struct sl_idempotency *store,
					      struct sl_idempotency_key key,
					      struct sl_digest digest, uint64_t now_ns)
{
	const struct record *record = sl_table_get(store->table, key.key, now_ns);

	if (!record)
		return SL_IDEMPOTENCY_NEW;
	if (memcmp(&record->digest, &digest, sizeof(digest)) != 0)
		return SL_IDEMPOTENCY_CONFLICT;
	if (!record->answer)
		return SL_IDEMPOTENCY_PENDING;
	*ret_answer = (struct sl_span){ record->answer, record->length };
	return SL_IDEMPOTENCY_STORED;
}

struct sl_span sl_idempotency_answer(struct sl_idempotency *store, struct sl_idempotency_key key,
				     uint64_t now_ns)
{
	const struct record *record = sl_table_get(store->table, key.key, now_ns);

	return record && record->answer ? (struct sl_span){ record->answer, record->length }
					: (struct sl_span){ NULL, 0 };
}

void sl_idempotency_begin(struct sl_idempotency *store, struct sl_idempotency_key key,
			  struct sl_digest digest, uint64_t now_ns)
{
	struct record *record = sl_table_put(store->table, key.key, now_ns);

	drop(record);
	record->store = store;
	record->digest = digest;
}

/* The oldest go until @length more bytes fit. */
static void make_room(struct sl_idempotency *store, size_t length)
{
	while (store->bytes + length > store->options.bytes_max &&
	       sl_table_remove_oldest(store->table))
		store->evictions++;
}

int sl_idempotency_store(struct sl_idempotency *store, struct sl_idempotency_key key,
			 struct sl_digest digest, struct sl_span answer, uint64_t now_ns)
{
	sl_autofree char *copy = malloc(answer.length + 1);
	struct record *record;

	if (!copy || answer.length > store->options.bytes_max) {
		sl_table_remove(store->table, key.key);
		return copy ? -EFBIG : -ENOMEM;
	}
	memcpy(copy, answer.at, answer.length);
	make_room(store, answer.length);
	record = sl_table_put(store->table, key.key, now_ns);
	drop(record);
	record->store = store;
	record->digest = digest;
	record->answer = SL_TAKE_PTR(copy);
	record->length = answer.length;
	store->bytes += answer.length;
	return 0;
}

void sl_idempotency_forget(struct sl_idempotency *store, struct sl_idempotency_key key)
{
	sl_table_remove(store->table, key.key);
}

struct sl_idempotency_stats sl_idempotency_stats(const struct sl_idempotency *store)
{
	const struct sl_table_stats table = sl_table_stats(store->table);

	return (struct sl_idempotency_stats){
		.entries = table.entries,
		.bytes = store->bytes,
		.evictions = table.evictions + store->evictions,
		.expirations = table.expirations,
	};
}

struct sl_digest sl_digest(const struct sl_span *parts, size_t count)
{
	static const uint64_t secret[2] = { 0x736c756963652d31ull, 0x6469676573742d31ull };
	struct sl_digest digest = { { secret[0], secret[1] } };

	for (size_t i = 0; i < count; i++) {
		/* An absent part and an empty one are alike; the order tells parts apart. */
		digest.words[0] ^= i;
		sl_siphash(digest.words, digest.words, parts[i].length ? parts[i].at : "",
			   parts[i].length);
	}
	return digest;
}
