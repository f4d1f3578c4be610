// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/credits.h"

#define OVERCOMMIT 2u

int64_t sl_credits_grant(uint32_t slots, uint32_t busy, uint64_t waiting, uint32_t routers)
{
	const int64_t unused = busy < slots ? (int64_t)slots - busy : 0;
	const int64_t waits = (int64_t)(waiting < INT32_MAX ? waiting : INT32_MAX);
	/* What waits counts once: each router taking all of it back would leave none of them any.
	 */
	const int64_t share = ((int64_t)OVERCOMMIT * slots - waits) / (routers ? routers : 1);

	return unused + share;
}

bool sl_credits_allow(int64_t open_max, uint64_t open, enum sl_criticality criticality)
{
	/* Thousandths that are left to those above. */
	static const int64_t reserved[SL_CRITICALITIES] = { 500, 400, 50, 0 };
	const int64_t keep =
		open_max * reserved[(unsigned int)criticality % SL_CRITICALITIES] / 1000;

	return open_max > 0 && open < INT64_MAX && open_max - keep > (int64_t)open;
}
