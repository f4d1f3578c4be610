/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis has stored of a quota beside what its model has: the first difference. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/quota/store.h"

struct sl_quota_pair {
	const char *name; /* of the field */
	int64_t redis, model;
};

/* True: they differ, *ret says where. The fields that quota_show shows. */
bool sl_quota_rows_differ(struct sl_quota_pair *ret, const struct sl_store_row *redis,
			  const struct sl_store_row *model);
bool sl_quota_sums_differ(struct sl_quota_pair *ret, const struct sl_store_sums *redis,
			  const struct sl_store_sums *model);
