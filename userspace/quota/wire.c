// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/siphash.h"

#define WORD		8
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct number {
	int64_t is, most;
};

/* Not secret: all nodes must find the same bucket. */
static const uint64_t bucket_key[2] = { 0x736c756963652d71ull, 0x756f74612d627563ull };

/* ---- names and keys ----------------------------------------------------------------- */

uint32_t sl_wire_bucket(const struct sl_wire_keys *keys, struct sl_span tenant)
{
	uint64_t hash[2];

	sl_siphash(hash, bucket_key, tenant.at, tenant.length);
	return (uint32_t)(hash[0] % keys->buckets);
}

static bool is_made_of(struct sl_span text, const char *set, size_t max)
{
	if (!text.length || text.length > max)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (!sl_byte_in(text.at[i], set))
			return false;
	return true;
}

static bool is_tenant(struct sl_span name)
{
	if (!name.length || name.length > SL_WIRE_TENANT_BYTES)
		return false;
	for (size_t i = 0; i < name.length; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || sl_byte_in(name.at[i], "{}"))
			return false;
	return true;
}

static bool are_keys(const struct sl_wire_keys *keys)
{
	return keys->buckets >= 1 && keys->buckets <= SL_WIRE_BUCKETS_MAX &&
	       is_made_of(sl_span_of(keys->prefix), NAME_CHARACTERS, SL_WIRE_PREFIX_BYTES);
}

int sl_wire_key(const struct sl_wire_keys *keys, const struct sl_wire_tenant *tenant, char *ret)
{
	static const char letters[SL_QUOTA_KINDS] = { 'p', 'b', 'n', 'r', 'c' };

	if (!are_keys(keys) || !is_tenant(tenant->name) ||
	    (unsigned int)tenant->kind >= SL_QUOTA_KINDS)
		return -EINVAL;
	(void)snprintf(ret, SL_WIRE_KEY_BYTES, "%s:{b%03" PRIu32 "}:%.*s:%c", keys->prefix,
		       sl_wire_bucket(keys, tenant->name), (int)tenant->name.length,
		       tenant->name.at, letters[tenant->kind]);
	return 0;
}

/* ---- arguments ---------------------------------------------------------------------- */

static void begin(struct sl_wire_call *call)
{
	call->argc = 0;
	call->used = 0;
}

/* There is room: the largest call was counted. */
static void __attribute__((format(printf, 2, 3)))
add(struct sl_wire_call *call, const char *format, ...)
{
	char *at = call->bytes + call->used;
	const size_t room = sizeof(call->bytes) - call->used;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(at, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= room || call->argc == SL_WIRE_ARGS_MAX)
		abort();
	call->argv[call->argc] = at;
	call->lengths[call->argc++] = (size_t)length;
	call->used += (size_t)length + 1;
}

/* A tenant's numbers, each a word, big-endian, in the argument that was begun last. False: one is
 * not what the store takes; the call is then refused at the end. */
static bool put_words(struct sl_wire_call *call, const struct number *numbers, size_t count)
{
	bool good = true;

	if (sizeof(call->bytes) - call->used < count * WORD)
		abort();
	for (size_t i = 0; i < count; i++) {
		for (int shift = 8 * (WORD - 1); shift >= 0; shift -= 8)
			call->bytes[call->used++] = (char)((uint64_t)numbers[i].is >> shift);
		good = good && numbers[i].is >= 0 && numbers[i].is <= numbers[i].most;
	}
	call->lengths[call->argc - 1] += count * WORD;
	return good;
}

static void begin_words(struct sl_wire_call *call)
{
	if (call->argc == SL_WIRE_ARGS_MAX)
		abort();
	call->argv[call->argc] = call->bytes + call->used;
	call->lengths[call->argc++] = 0;
}

/* A whole number that the store takes; else the call is refused at the end. */
static bool add_number(struct sl_wire_call *call, int64_t number, int64_t most)
{
	add(call, "%" PRId64, number);
	return number >= 0 && number <= most;
}

static int end(struct sl_wire_call *call, bool good)
{
	if (good)
		return 0;
	begin(call);
	return -EINVAL;
}

/* FCALL function count keys call_id */
static bool add_head(struct sl_wire_call *call, const char *function,
		     const struct sl_wire_keys *keys, uint64_t call_id,
		     const struct sl_wire_tenant *tenants, size_t count)
{
	char key[SL_WIRE_KEY_BYTES];

	begin(call);
	if (!count || count > SL_WIRE_TENANTS_MAX || !call_id || call_id > SL_QUOTA_NUMBER_MAX)
		return false;
	add(call, "FCALL");
	add(call, "%s", function);
	add(call, "%zu", count);
	for (size_t i = 0; i < count; i++) {
		if (sl_wire_key(keys, &tenants[i], key) < 0 ||
		    sl_wire_bucket(keys, tenants[i].name) != sl_wire_bucket(keys, tenants[0].name))
			return false;
		add(call, "%s", key);
	}
	add(call, "%" PRIu64, call_id);
	return true;
}

static bool add_node(struct sl_wire_call *call, struct sl_span node)
{
	if (!is_made_of(node, NAME_CHARACTERS "._-", SL_WIRE_NODE_BYTES))
		return false;
	add(call, "%.*s", (int)node.length, node.at);
	return true;
}

int sl_wire_renew(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  struct sl_span node, int64_t incarnation, const struct sl_wire_tenant *tenants,
		  const struct sl_renew *renewals, size_t count)
{
	bool good = add_head(ret, "quota_renew", keys, call_id, tenants, count) &&
		    add_node(ret, node) && add_number(ret, incarnation, SL_QUOTA_NUMBER_MAX);

	if (good)
		begin_words(ret);
	for (size_t i = 0; good && i < count; i++) {
		const struct number numbers[] = {
			{ renewals[i].want_mu_per_s, 2 * SL_QUOTA_RATE_MAX },
			{ renewals[i].has_mu_per_s, 2 * SL_QUOTA_RATE_MAX },
			{ renewals[i].ack, SL_QUOTA_NUMBER_MAX - 1 },
			{ renewals[i].used_mu_per_s, 2 * SL_QUOTA_RATE_MAX },
			{ renewals[i].ttl_ms, 2 * (int64_t)SL_QUOTA_TTL_MS_MAX },
			{ renewals[i].safe_mu_per_s, SL_QUOTA_RATE_MAX },
		};

		good = put_words(ret, numbers, sizeof(numbers) / sizeof(*numbers));
	}
	return end(ret, good);
}

int sl_wire_central(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		    struct sl_span node, int64_t incarnation, const struct sl_wire_tenant *tenants,
		    const struct sl_charge *charges, size_t count)
{
	bool good = add_head(ret, "quota_central", keys, call_id, tenants, count) &&
		    add_node(ret, node) && add_number(ret, incarnation, SL_QUOTA_NUMBER_MAX);

	if (good)
		begin_words(ret);
	for (size_t i = 0; good && i < count; i++) {
		const struct number numbers[] = {
			{ charges[i].passed_mu, 2 * SL_QUOTA_RATE_MAX },
			{ charges[i].want_mu, 2 * SL_QUOTA_RATE_MAX },
			{ charges[i].want_mu_per_s, 2 * SL_QUOTA_RATE_MAX },
			{ charges[i].total_mu, SL_QUOTA_NUMBER_MAX },
			{ charges[i].since_ms, SL_QUOTA_SINCE_MS_MAX },
			{ charges[i].void_us, SL_QUOTA_NUMBER_MAX },
		};

		good = put_words(ret, numbers, sizeof(numbers) / sizeof(*numbers));
	}
	return end(ret, good);
}

int sl_wire_terms(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  const struct sl_wire_tenant *tenant, const struct sl_terms *terms)
{
	const int64_t numbers[] = {
		(int64_t)terms->gen,
		terms->rate_mu_per_s,
		terms->burst_mu,
		terms->cost_max_mu,
		terms->guarantee_mu_per_s,
		terms->ceiling_mu_per_s,
		terms->node_ceiling_mu_per_s,
		terms->weight,
		terms->overbook_max_ppm,
		terms->safe_ppm,
		terms->ttl_ms,
		terms->period_ms,
		(int64_t)terms->class,
		(int64_t)terms->on_expiry,
		terms->small,
	};
	bool good = !sl_terms_check(terms, NULL) &&
		    add_head(ret, "quota_terms", keys, call_id, tenant, 1);

	for (size_t i = 0; good && i < sizeof(numbers) / sizeof(*numbers); i++)
		good = add_number(ret, numbers[i], SL_QUOTA_NUMBER_MAX);
	return end(ret, good);
}

int sl_wire_share(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		  int64_t token, const struct sl_wire_tenant *tenants,
		  const int64_t *rates_mu_per_s, size_t count)
{
	bool good = add_head(ret, "quota_share", keys, call_id, tenants, count) &&
		    add_number(ret, token, SL_QUOTA_NUMBER_MAX);

	for (size_t i = 0; good && i < count; i++)
		good = add_number(ret, rates_mu_per_s[i], SL_QUOTA_RATE_MAX);
	return end(ret, good);
}

int sl_wire_show(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		 const struct sl_wire_tenant *tenants, size_t count, bool rows)
{
	return end(ret, add_head(ret, "quota_show", keys, call_id, tenants, count) &&
				add_number(ret, rows, 1));
}

int sl_wire_release(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		    struct sl_span node, const struct sl_wire_tenant *tenants, size_t count)
{
	return end(ret, add_head(ret, "quota_release", keys, call_id, tenants, count) &&
				add_node(ret, node));
}

int sl_wire_lead(struct sl_wire_call *ret, const struct sl_wire_keys *keys, uint64_t call_id,
		 struct sl_span node)
{
	begin(ret);
	if (!are_keys(keys) || !call_id || call_id > SL_QUOTA_NUMBER_MAX)
		return -EINVAL;
	add(ret, "FCALL");
	add(ret, "quota_lead");
	add(ret, "1");
	add(ret, "%s:{alloc}", keys->prefix);
	add(ret, "%" PRIu64, call_id);
	return end(ret, add_node(ret, node));
}
