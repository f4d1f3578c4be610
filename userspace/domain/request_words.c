/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/request_words.h"

#include <stddef.h>

bool sl_request_words_own(struct sl_request_words *words, uint32_t gen)
{
	__u32 seen = __atomic_load_n(&words->gen, __ATOMIC_ACQUIRE);

	while (seen != gen) {
		if ((int32_t)(gen - seen) < 0)
			return false;
		if (!__atomic_compare_exchange_n(&words->gen, &seen, gen, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			continue;
		for (size_t i = 0; i < SL_REQUEST_SLOTS; i++) {
			__atomic_store_n(&words->slot[i].word.tat_ns, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&words->slot[i].admitted, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&words->slot[i].refused, 0, __ATOMIC_RELAXED);
		}
		return true;
	}
	return true;
}
