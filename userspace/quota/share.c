// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/share.h"

#include <math.h>

#include "userspace/quota/store.h"

int64_t sl_share_decayed(int64_t effective_mu_per_s, int64_t rate_mu_per_s, int64_t age_ms)
{
	const int64_t past_ms = age_ms - SL_STORE_DECAY_MS;
	double way;

	if (past_ms <= 0)
		return effective_mu_per_s;
	if (past_ms >= SL_STORE_DECAY_MS)
		return rate_mu_per_s;
	way = (double)(rate_mu_per_s - effective_mu_per_s) * ((double)past_ms / SL_STORE_DECAY_MS);
	return effective_mu_per_s + (int64_t)floor(way);
}
