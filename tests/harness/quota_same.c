// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/quota_same.h"

#include <stddef.h>

#define PAIR(field)                                                                                \
	{                                                                                          \
#field, (redis)->field, (model)->field,                                            \
	}
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static bool find(struct sl_quota_pair *ret, const struct sl_quota_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].redis != pairs[i].model) {
			*ret = pairs[i];
			return true;
		}
	}
	return false;
}

bool sl_quota_rows_differ(struct sl_quota_pair *ret, const struct sl_store_row *redis,
			  const struct sl_store_row *model)
{
	const struct sl_quota_pair pairs[] = {
		PAIR(want), PAIR(grant),     PAIR(held),	PAIR(used),
		PAIR(seq),  PAIR(expiry_ms), PAIR(incarnation),
	};

	return find(ret, pairs, COUNT_OF(pairs));
}

bool sl_quota_sums_differ(struct sl_quota_pair *ret, const struct sl_store_sums *redis,
			  const struct sl_store_sums *model)
{
	const struct sl_quota_pair pairs[] = {
		PAIR(want),	      PAIR(held),
		PAIR(used),	      PAIR(overbook_ppm),
		PAIR(swept_ms),	      PAIR(learn_ms),
		PAIR(last_ms),	      PAIR(epoch),
		PAIR(floor_mu_per_s), PAIR(floor_want_mu_per_s),
		PAIR(full_at_us),     PAIR(live),
	};

	return find(ret, pairs, COUNT_OF(pairs));
}
