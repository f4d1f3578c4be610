// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/refusals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* The packet path holds IPv4 in the first word of 16 bytes, the rest is 0. */
static uint64_t fold(const struct sl_address *address)
{
	uint64_t half[2] = { 0 };

	memcpy(half, address->bytes, address->family == 4 ? 4 : sizeof(half));
	return half[0] ^ half[1];
}

/* The kernel looks at cells only until then. */
static void raise_until(struct sl_bucket *bucket, uint64_t until_ns)
{
	__u64 *at = (__u64 *)&bucket->ingress.refusals_until_ns;
	__u64 seen = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (seen < until_ns && !__atomic_compare_exchange_n(at, &seen, until_ns, true,
							       __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static int put(const struct sl_refusals *refusals, struct sl_bucket *bucket, uint64_t hash,
	       uint64_t until_ns, uint64_t now_ns)
{
	struct sl_refusal refusal = sl_refusal_make(hash, until_ns);
	__u64 word;

	if (until_ns <= now_ns || until_ns - now_ns > SL_REFUSAL_NS_MAX)
		return -EINVAL;
	memcpy(&word, &refusal, sizeof(word));
	__atomic_store_n((__u64 *)(void *)&refusals->cells[sl_refusal_index(hash)], word,
			 __ATOMIC_RELEASE);
	raise_until(bucket, until_ns);
	return 0;
}

int sl_refuse_connection(const struct sl_refusals *refusals, struct sl_bucket *bucket,
			 const struct sl_connection *connection, uint64_t until_ns, uint64_t now_ns)
{
	const struct sl_connection *c = connection;

	if (c->remote.family != c->local.family || (c->remote.family != 4 && c->remote.family != 6))
		return -EINVAL;
	return put(refusals, bucket,
		   sl_tuple_hash(fold(&c->remote), fold(&c->local), htons(c->remote_port),
				 htons(c->local_port), c->protocol, refusals->seed),
		   until_ns, now_ns);
}

int sl_refuse_tenant(const struct sl_refusals *refusals, struct sl_bucket *bucket, uint32_t tenant,
		     uint64_t until_ns, uint64_t now_ns)
{
	return put(refusals, bucket, sl_refusal_hash_tenant(tenant, refusals->seed), until_ns,
		   now_ns);
}
