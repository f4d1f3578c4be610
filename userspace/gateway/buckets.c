/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/buckets.h"

#include "userspace/base/siphash.h"

#define WAYS	    8u
#define LOCK_TRIES  1000
#define LOCK_MAX_NS 1000000000ull

size_t sl_buckets_bytes(size_t count)
{
	return sizeof(struct sl_buckets) +
	       (count < WAYS ? WAYS : count) * sizeof(struct sl_caller_bucket);
}

void sl_buckets_init(struct sl_buckets *buckets, size_t count, const uint64_t secret[2])
{
	buckets->secret[0] = secret[0];
	buckets->secret[1] = secret[1];
	buckets->count = count < WAYS ? WAYS : count / WAYS * WAYS;
}

static struct sl_caller_bucket *group_of(struct sl_buckets *buckets, const uint64_t key[2])
{
	return &buckets->places[key[1] % (buckets->count / WAYS) * WAYS];
}

static bool is_free(const struct sl_caller_bucket *bucket)
{
	return !bucket->key[0];
}

static struct sl_caller_bucket *look(struct sl_caller_bucket *group, const uint64_t key[2])
{
	for (size_t i = 0; i < WAYS; i++)
		if (__atomic_load_n(&group[i].key[0], __ATOMIC_ACQUIRE) == key[0] &&
		    group[i].key[1] == key[1])
			return &group[i];
	return NULL;
}

/* Nothing is lost with it: every bucket is full and no operator set anything. */
static bool is_idle(const struct sl_caller_bucket *bucket, uint64_t now_ns)
{
	for (size_t i = 0; i < SL_CLASSES; i++) {
		uint64_t tat_ns = __atomic_load_n(&bucket->words[i].tat_ns, __ATOMIC_RELAXED);

		if (bucket->limits[i] || (int64_t)(tat_ns - now_ns) > 0)
			return false;
	}
	return true;
}

static bool lock(struct sl_buckets *buckets, uint64_t now_ns)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		uint64_t held_ns = __atomic_load_n(&buckets->lock_ns, __ATOMIC_RELAXED);

		if (held_ns && (int64_t)(now_ns - held_ns) < (int64_t)LOCK_MAX_NS)
			continue;
		if (__atomic_compare_exchange_n(&buckets->lock_ns, &held_ns, now_ns | 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static void unlock(struct sl_buckets *buckets)
{
	__atomic_store_n(&buckets->lock_ns, 0, __ATOMIC_RELEASE);
}

static struct sl_caller_bucket *settle(struct sl_caller_bucket *group, const uint64_t key[2],
				       uint64_t now_ns)
{
	struct sl_caller_bucket *found = look(group, key), *idle = NULL;

	if (found)
		return found;
	for (size_t i = 0; i < WAYS && !found; i++) {
		if (is_free(&group[i]))
			found = &group[i];
		else if (!idle && is_idle(&group[i], now_ns))
			idle = &group[i];
	}
	if (!found)
		found = idle;
	if (!found)
		return NULL;
	__atomic_store_n(&found->key[0], 0, __ATOMIC_RELAXED);
	found->checked_total = 0;
	found->exceeded_total = 0;
	for (size_t i = 0; i < SL_CLASSES; i++)
		__atomic_store_n(&found->words[i].tat_ns, now_ns, __ATOMIC_RELAXED);
	found->key[1] = key[1];
	__atomic_store_n(&found->key[0], key[0], __ATOMIC_RELEASE);
	return found;
}

static void key_of(uint64_t ret[2], const struct sl_buckets *buckets, struct sl_span name)
{
	sl_siphash(ret, buckets->secret, name.at, name.length);
	ret[0] |= 1; /* 0 is a free place */
}

struct sl_caller_bucket *sl_buckets_find(struct sl_buckets *buckets, struct sl_span name)
{
	uint64_t key[2];

	key_of(key, buckets, name);
	return look(group_of(buckets, key), key);
}

struct sl_caller_bucket *sl_buckets_get(struct sl_buckets *buckets, struct sl_span name,
					uint64_t now_ns)
{
	uint64_t key[2];
	struct sl_caller_bucket *group, *found;

	key_of(key, buckets, name);
	group = group_of(buckets, key);
	found = look(group, key);
	if (found)
		return found;
	if (lock(buckets, now_ns)) {
		found = settle(group, key, now_ns);
		unlock(buckets);
	}
	if (found)
		return found;
	__atomic_fetch_add(&buckets->shared_total, 1, __ATOMIC_RELAXED);
	return &buckets->common;
}
