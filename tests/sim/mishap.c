// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/mishap.h"

#include "tests/harness/options.h"

#define NS_PER_S 1e9

void sl_mishaps_draw(struct sl_mishaps *ret, const struct sl_mishap_script *script,
		     struct sl_rng *rng)
{
	uint64_t count = 1 + sl_rng_below(rng, script->most);

	if (count > SL_MISHAPS_MAX)
		sl_die("more than %u mishaps", SL_MISHAPS_MAX);
	*ret = (struct sl_mishaps){ .kinds = script->kinds };
	for (uint64_t i = 0; i < count; i++) {
		uint32_t number = (uint32_t)sl_rng_below(rng, script->kind_count);
		const struct sl_mishap_kind *kind = &script->kinds[number];
		uint64_t at_ns =
			script->from_ns + sl_rng_below(rng, script->until_ns - script->from_ns);
		double for_s = sl_rng_between(rng, kind->for_s[0], kind->for_s[1]);
		double amount = sl_rng_between(rng, kind->amount[0], kind->amount[1]);
		uint64_t for_ns = (uint64_t)(for_s * NS_PER_S);

		if (for_ns > script->until_ns - at_ns)
			for_ns = script->until_ns - at_ns;
		ret->at[ret->count++] =
			(struct sl_mishap){ .kind = number,
					    .subject = (uint32_t)sl_rng_below(rng, UINT32_MAX),
					    .at_ns = at_ns,
					    .for_ns = for_ns,
					    .amount = amount };
	}
}

static bool lasts(const struct sl_mishaps *mishaps, size_t at, uint32_t kind, uint64_t now_ns)
{
	const struct sl_mishap *mishap = &mishaps->at[at];

	return !mishaps->is_left_out[at] && mishap->kind == kind && mishap->at_ns <= now_ns &&
	       now_ns < mishap->at_ns + mishap->for_ns;
}

double sl_mishaps_amount(const struct sl_mishaps *mishaps, uint32_t kind, uint64_t now_ns)
{
	double amount = 0;

	for (size_t i = 0; i < mishaps->count; i++)
		if (lasts(mishaps, i, kind, now_ns) && mishaps->at[i].amount > amount)
			amount = mishaps->at[i].amount;
	return amount;
}

bool sl_mishaps_hit(const struct sl_mishaps *mishaps, uint32_t kind, uint32_t subject,
		    uint32_t subjects, uint64_t now_ns)
{
	for (size_t i = 0; i < mishaps->count; i++)
		if (lasts(mishaps, i, kind, now_ns) && mishaps->at[i].subject % subjects == subject)
			return true;
	return false;
}

static const struct sl_mishap *next_of(const struct sl_mishaps *mishaps, size_t *at, uint32_t kind)
{
	for (; *at < mishaps->count; (*at)++)
		if (!mishaps->is_left_out[*at] && mishaps->at[*at].kind == kind)
			return &mishaps->at[(*at)++];
	return NULL;
}

static bool is_between(uint64_t at_ns, uint64_t from_ns, uint64_t until_ns)
{
	return at_ns > from_ns && at_ns <= until_ns;
}

const struct sl_mishap *sl_mishaps_begun(const struct sl_mishaps *mishaps, size_t *at,
					 uint32_t kind, uint64_t from_ns, uint64_t until_ns)
{
	const struct sl_mishap *mishap;

	while ((mishap = next_of(mishaps, at, kind)))
		if (is_between(mishap->at_ns, from_ns, until_ns))
			return mishap;
	return NULL;
}

const struct sl_mishap *sl_mishaps_ended(const struct sl_mishaps *mishaps, size_t *at,
					 uint32_t kind, uint64_t from_ns, uint64_t until_ns)
{
	const struct sl_mishap *mishap;

	while ((mishap = next_of(mishaps, at, kind)))
		if (is_between(mishap->at_ns + mishap->for_ns, from_ns, until_ns))
			return mishap;
	return NULL;
}

void sl_mishaps_print(const struct sl_mishaps *mishaps, FILE *out)
{
	for (size_t i = 0; i < mishaps->count; i++) {
		const struct sl_mishap *mishap = &mishaps->at[i];

		if (!mishaps->is_left_out[i])
			(void)fprintf(out,
				      "#   %2zu  %-10s at %7.3f s for %6.3f s, number %u, "
				      "amount %.3f\n",
				      i, mishaps->kinds[mishap->kind].name,
				      (double)mishap->at_ns / NS_PER_S,
				      (double)mishap->for_ns / NS_PER_S, mishap->subject,
				      mishap->amount);
	}
}
