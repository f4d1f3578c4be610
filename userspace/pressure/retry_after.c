/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pressure/retry_after.h"

uint32_t sl_retry_after_s(uint32_t base_s, uint64_t random)
{
	uint64_t base = base_s < SL_RETRY_AFTER_MAX_S ? base_s : SL_RETRY_AFTER_MAX_S;
	/* 0.5 x base and a whole number of seconds up to base on top: base + 1 of them. */
	uint64_t wait_s = (base + 1) / 2 + (random >> 32) % (base + 1);

	if (!wait_s)
		return 1;
	return wait_s < SL_RETRY_AFTER_MAX_S ? (uint32_t)wait_s : SL_RETRY_AFTER_MAX_S;
}
