/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/abuse.h"

#include <math.h>

#include "userspace/base/siphash.h"

/* Beside the patterns in `told`. */
#define TOLD_CRITICAL (1u << SL_ABUSE_PATTERNS)

static const char *const names[SL_ABUSE_PATTERNS] = {
	[SL_ABUSE_EMPTY_PAYLOAD] = "abuse.empty_payload",
	[SL_ABUSE_TARGETED_TENANT] = "abuse.targeted_tenant",
	[SL_ABUSE_RATE_LIMIT_EVASION] = "abuse.rate_limit_evasion",
	[SL_ABUSE_HEAVY_PAYLOAD] = "abuse.heavy_payload",
	[SL_ABUSE_MULTI_TENANT_FLOOD] = "abuse.multi_tenant_flood",
};

const char *sl_abuse_name(enum sl_abuse_pattern pattern)
{
	return names[pattern];
}

static uint64_t hash_of(const struct sl_abuse *abuse, struct sl_span name)
{
	uint64_t hash[2];

	sl_siphash(hash, abuse->secret, name.at, name.length);
	return hash[0] | 1; /* 0 is a free place */
}

static struct sl_abuse_table tenants_of(struct sl_abuse *abuse)
{
	return (struct sl_abuse_table){ abuse->tenants, SL_ABUSE_TENANTS,
					sizeof(abuse->tenants[0]) };
}

static struct sl_abuse_table sources_of(struct sl_abuse *abuse)
{
	return (struct sl_abuse_table){ abuse->sources, SL_ABUSE_SOURCES,
					sizeof(abuse->sources[0]) };
}

static void *place_of(struct sl_abuse *abuse, const struct sl_abuse_table *table,
		      const struct sl_abuse_rules *rules, uint64_t hash, uint64_t now_ns)
{
	void *place = sl_abuse_place_get(table, hash, rules->window_ns, now_ns);

	if (!place)
		__atomic_fetch_add(&abuse->untracked_total, 1, __ATOMIC_RELAXED);
	return place;
}

static struct sl_abuse_tenant *tenant_at(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
					 uint64_t hash, uint64_t now_ns)
{
	struct sl_abuse_table table = tenants_of(abuse);

	return place_of(abuse, &table, rules, hash, now_ns);
}

static struct sl_abuse_tenant *tenant_of(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
					 struct sl_span name, uint64_t now_ns)
{
	return tenant_at(abuse, rules, hash_of(abuse, name), now_ns);
}

/* ---- what is told, and what is done ------------------------------------------------------- */

static void punish(struct sl_abuse_place *place, const struct sl_abuse_rules *rules, int action,
		   uint64_t now_ns)
{
	uint32_t before = __atomic_load_n(&place->action, __ATOMIC_RELAXED);

	if (action < SL_ABUSE_CUT)
		return;
	/* A cut does not soften a block that is not over. */
	if (sl_abuse_place_left_ns(place, now_ns) && before > (uint32_t)action)
		return;
	__atomic_store_n(&place->action, (uint32_t)action, __ATOMIC_RELAXED);
	__atomic_store_n(&place->until_ns, now_ns + rules->punish_ns, __ATOMIC_RELAXED);
}

/* The event's bit when it is news in this window, and acts on it. */
static uint32_t tell(struct sl_abuse_place *place, const struct sl_abuse_rules *rules,
		     enum sl_abuse_pattern pattern, uint32_t bit, uint64_t now_ns)
{
	if (rules->action[pattern] == SL_ABUSE_OFF ||
	    __atomic_fetch_or(&place->told, bit, __ATOMIC_RELAXED) & bit)
		return 0;
	punish(place, rules, rules->action[pattern], now_ns);
	return 1u << pattern;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

/* Of what a request showed; 0: it did not. */
struct hashes {
	uint64_t tenant, credential, address;
};

/* How many different ones there are, this one among them when it is new; 0: it is not.
 * clang-tidy does not see that the builtin writes. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static uint32_t see(uint32_t seen[SL_ABUSE_SEEN_MAX], uint64_t hash)
{
	uint32_t mark = (uint32_t)(hash >> 32) | 1; /* 0 is a free word */

	for (uint32_t i = 0; i < SL_ABUSE_SEEN_MAX; i++) {
		uint32_t here = __atomic_load_n(&seen[i], __ATOMIC_RELAXED);

		if (!here && __atomic_compare_exchange_n(&seen[i], &here, mark, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return i + 1;
		if (here == mark)
			return 0; /* nothing new */
	}
	return SL_ABUSE_SEEN_MAX;
}

static uint32_t look_at_tenant(struct sl_abuse_tenant *tenant, const struct sl_abuse_rules *rules,
			       const struct hashes *hashes, bool *ret_critical, uint64_t now_ns)
{
	struct sl_abuse_place *place = &tenant->place;
	uint64_t requests = sl_abuse_count(&place->requests);
	uint32_t events = 0;

	if (requests > rules->requests)
		events |= tell(place, rules, SL_ABUSE_TARGETED_TENANT,
			       1u << SL_ABUSE_TARGETED_TENANT, now_ns);
	if (requests > rules->requests_critical &&
	    tell(place, rules, SL_ABUSE_TARGETED_TENANT, TOLD_CRITICAL, now_ns)) {
		*ret_critical = true;
		events |= 1u << SL_ABUSE_TARGETED_TENANT;
	}
	if ((hashes->credential && see(tenant->keys, hashes->credential) > rules->keys) ||
	    (hashes->address && see(tenant->addresses, hashes->address) > rules->addresses))
		events |= tell(place, rules, SL_ABUSE_RATE_LIMIT_EVASION,
			       1u << SL_ABUSE_RATE_LIMIT_EVASION, now_ns);
	return events;
}

/* About how many have left a mark, by the share of the bits that none has set. */
static double estimate(uint32_t marked)
{
	double zero = marked < SL_ABUSE_BITS ? (double)(SL_ABUSE_BITS - marked) : 1;

	return SL_ABUSE_BITS * log(SL_ABUSE_BITS / zero);
}

static uint32_t look_at_source(struct sl_abuse_source *source, const struct sl_abuse_rules *rules,
			       uint64_t tenant, uint64_t now_ns)
{
	struct sl_abuse_place *place = &source->place;
	uint32_t place_of_bit = (uint32_t)(tenant >> 32) % SL_ABUSE_BITS;
	uint32_t bit = 1u << place_of_bit % 32, *word = &source->tenants[place_of_bit / 32];
	uint32_t requests = sl_abuse_count(&place->requests), marked;
	double tenants;

	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit) &&
	    !(__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit))
		(void)sl_abuse_count(&place->marked);
	marked = __atomic_load_n(&place->marked, __ATOMIC_RELAXED);
	/* Up to half of the bits there are fewer than twice as many: most ask for few tenants. */
	if (marked <= SL_ABUSE_BITS / 2 && 2 * (uint64_t)marked <= rules->flood_tenants)
		return 0;
	tenants = estimate(marked);
	if (tenants < (double)rules->flood_tenants + 0.5 ||
	    requests <= tenants * (double)rules->flood_requests)
		return 0;
	return tell(place, rules, SL_ABUSE_MULTI_TENANT_FLOOD, 1u << SL_ABUSE_MULTI_TENANT_FLOOD,
		    now_ns);
}

static enum sl_abuse_action sentence(uint64_t *ret_left_ns, const struct sl_abuse_place *place,
				     uint64_t now_ns)
{
	*ret_left_ns = sl_abuse_place_left_ns(place, now_ns);
	if (!*ret_left_ns)
		return SL_ABUSE_OFF;
	return (enum sl_abuse_action)__atomic_load_n(&place->action, __ATOMIC_RELAXED);
}

void sl_abuse_request(struct sl_abuse_verdict *ret, struct sl_abuse *abuse,
		      const struct sl_abuse_rules *rules, const struct sl_abuse_request *request,
		      uint64_t now_ns)
{
	const struct hashes hashes = {
		.tenant = hash_of(abuse, request->tenant),
		.credential = request->credential.length ? hash_of(abuse, request->credential) : 0,
		.address = request->address.length ? hash_of(abuse, request->address) : 0,
	};
	struct sl_abuse_table sources = sources_of(abuse);
	struct sl_abuse_tenant *tenant = tenant_at(abuse, rules, hashes.tenant, now_ns);
	struct sl_abuse_source *source = NULL;

	*ret = (struct sl_abuse_verdict){ 0 };
	/* Who is blocked is not counted meanwhile: a block ends, and then it is judged anew. */
	if (tenant && sentence(&ret->tenant_left_ns, &tenant->place, now_ns) != SL_ABUSE_BLOCK)
		ret->events = look_at_tenant(tenant, rules, &hashes, &ret->critical, now_ns);
	if (tenant)
		ret->tenant = sentence(&ret->tenant_left_ns, &tenant->place, now_ns);
	if (hashes.address)
		source = place_of(abuse, &sources, rules, hashes.address, now_ns);
	if (!source)
		return;
	if (sentence(&ret->source_left_ns, &source->place, now_ns) != SL_ABUSE_BLOCK)
		ret->events |= look_at_source(source, rules, hashes.tenant, now_ns);
	ret->source = sentence(&ret->source_left_ns, &source->place, now_ns);
}

uint32_t sl_abuse_body(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
		       struct sl_span tenant, uint64_t bytes, uint64_t now_ns)
{
	struct sl_abuse_tenant *found = tenant_of(abuse, rules, tenant, now_ns);
	uint64_t bodies, heavy;

	if (!found)
		return 0;
	bodies = sl_abuse_count(&found->bodies);
	heavy = bytes > rules->heavy_bytes ? sl_abuse_count(&found->heavy)
					   : __atomic_load_n(&found->heavy, __ATOMIC_RELAXED);
	if (bodies <= rules->heavy_requests || (double)heavy <= rules->heavy_share * (double)bodies)
		return 0;
	return tell(&found->place, rules, SL_ABUSE_HEAVY_PAYLOAD, 1u << SL_ABUSE_HEAVY_PAYLOAD,
		    now_ns);
}

uint32_t sl_abuse_empty(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
			struct sl_span tenant, uint64_t now_ns)
{
	struct sl_abuse_tenant *found;

	if (rules->action[SL_ABUSE_EMPTY_PAYLOAD] == SL_ABUSE_OFF)
		return 0;
	found = tenant_of(abuse, rules, tenant, now_ns);
	if (found)
		punish(&found->place, rules, rules->action[SL_ABUSE_EMPTY_PAYLOAD], now_ns);
	return 1u << SL_ABUSE_EMPTY_PAYLOAD; /* each of them is an event of its own */
}

uint64_t sl_abuse_source_left_ns(struct sl_abuse *abuse, struct sl_span address, uint64_t now_ns)
{
	struct sl_abuse_table sources = sources_of(abuse);
	const struct sl_abuse_place *place = sl_abuse_place_find(&sources, hash_of(abuse, address));
	uint64_t left_ns = 0;

	return place && sentence(&left_ns, place, now_ns) == SL_ABUSE_BLOCK ? left_ns : 0;
}

uint64_t sl_abuse_blocked(const struct sl_abuse *abuse, uint64_t now_ns)
{
	uint64_t blocked = 0, left_ns;

	for (size_t i = 0; i < SL_ABUSE_TENANTS; i++)
		blocked += sentence(&left_ns, &abuse->tenants[i].place, now_ns) == SL_ABUSE_BLOCK;
	return blocked;
}
