// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/terms.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "userspace/domain/quota_defaults.h"

#define NUMBER_MAX	9007199254740991ull
#define UNIT_MU		1000
#define COST_MU		(SL_QUOTA_DEFAULT_COST_UNITS * UNIT_MU)
#define SMALL_MU_PER_S	(SL_QUOTA_DEFAULT_SMALL_UNITS_PER_S * UNIT_MU) /* for each node */
#define COLD_PART	100					       /* 1 % */
#define WEIGHT_MAX	1000000u
#define WEIGHT_DEFAULT	100u
#define PERIOD_MS_LEAST 50u

struct sl_terms sl_terms_of(uint64_t gen, int64_t rate_mu_per_s, int64_t burst_mu)
{
	return (struct sl_terms){
		.gen = gen,
		.rate_mu_per_s = rate_mu_per_s,
		.burst_mu = burst_mu,
		.cost_max_mu = burst_mu < COST_MU ? burst_mu : COST_MU,
		.guarantee_mu_per_s = rate_mu_per_s,
		.ceiling_mu_per_s = rate_mu_per_s,
		.weight = WEIGHT_DEFAULT,
		.overbook_max_ppm = SL_QUOTA_PPM,
		.safe_ppm = SL_QUOTA_PPM,
		.ttl_ms = SL_QUOTA_DEFAULT_TTL_S * 1000,
		.period_ms = SL_QUOTA_DEFAULT_PERIOD_S * 1000,
		.class = SL_QUOTA_CRITICAL,
		.on_expiry = SL_EXPIRY_BLEND,
	};
}

static bool is_within(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

int sl_terms_check(const struct sl_terms *terms, const char **ret_field)
{
	const struct {
		const char *name;
		bool good;
	} fields[] = {
		{ "gen", terms->gen >= 1 && terms->gen <= NUMBER_MAX },
		{ "rate", is_within(terms->rate_mu_per_s, 1, SL_QUOTA_RATE_MAX) },
		{ "burst", is_within(terms->burst_mu, 1, SL_QUOTA_BURST_MAX) },
		{ "cost_max", is_within(terms->cost_max_mu, 1, terms->burst_mu) },
		{ "guarantee", is_within(terms->guarantee_mu_per_s, 0, terms->rate_mu_per_s) },
		{ "ceiling",
		  is_within(terms->ceiling_mu_per_s, terms->rate_mu_per_s, SL_QUOTA_RATE_MAX) },
		{ "node_ceiling", is_within(terms->node_ceiling_mu_per_s, 0, SL_QUOTA_RATE_MAX) },
		{ "weight", is_within(terms->weight, 1, WEIGHT_MAX) },
		{ "overbook_max",
		  is_within(terms->overbook_max_ppm, SL_QUOTA_PPM, SL_QUOTA_OVERBOOK_MAX) },
		{ "safe", terms->safe_ppm <= SL_QUOTA_PPM },
		{ "ttl", is_within(terms->ttl_ms, SL_QUOTA_TTL_MS_MIN, SL_QUOTA_TTL_MS_MAX) },
		{ "period", is_within(terms->period_ms, PERIOD_MS_LEAST, terms->ttl_ms / 2) },
		{ "class", (unsigned int)terms->class < SL_QUOTA_CLASSES },
		{ "on_lease_expiry", (unsigned int)terms->on_expiry <= SL_EXPIRY_OPEN },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].good)
			continue;
		if (ret_field)
			*ret_field = fields[i].name;
		return -EINVAL;
	}
	return 0;
}

bool sl_terms_are_small(int64_t rate_mu_per_s, uint32_t nodes)
{
	return rate_mu_per_s <= SMALL_MU_PER_S * (int64_t)(nodes ? nodes : 1);
}

static const char *name_of(const char *const *names, size_t count, unsigned int at)
{
	return at < count ? names[at] : NULL;
}

#define NAME_OF(names, at) name_of(names, sizeof(names) / sizeof(*(names)), (unsigned int)(at))

const char *sl_quota_kind_name(enum sl_quota_kind kind)
{
	static const char *const names[] = { "packets", "bytes", "new_connections", "requests",
					     "cost" };

	return NAME_OF(names, kind);
}

const char *sl_on_expiry_name(enum sl_on_expiry on_expiry)
{
	static const char *const names[] = { "blend", "last", "safe", "closed", "open" };

	return NAME_OF(names, on_expiry);
}

const char *sl_quota_class_name(enum sl_quota_class class)
{
	static const char *const names[] = { "critical_plus", "critical", "sheddable_plus",
					     "sheddable" };

	return NAME_OF(names, class);
}

static int64_t part(int64_t amount, double factor)
{
	return (int64_t)floor((double)amount * factor);
}

int64_t sl_terms_safe_rate(const struct sl_terms *terms, uint32_t nodes)
{
	return part(terms->rate_mu_per_s / (nodes ? nodes : 1),
		    (double)terms->safe_ppm / SL_QUOTA_PPM);
}

int64_t sl_terms_cold_rate(const struct sl_terms *terms, uint32_t nodes)
{
	return terms->rate_mu_per_s / COLD_PART / (nodes ? nodes : 1);
}

int64_t sl_terms_cap(const struct sl_terms *terms, int64_t rate_mu_per_s)
{
	int64_t cap = part(terms->burst_mu, (double)rate_mu_per_s / (double)terms->rate_mu_per_s);

	return cap > terms->cost_max_mu ? cap : terms->cost_max_mu;
}
