/* SPDX-License-Identifier: Apache-2.0 */
/* Thread: the event loop's. A NULL quota: no limit is global. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "userspace/agent/quota.h"
#include "userspace/obs/metrics.h"

/* The body of the answer to `quota`; NULL when there is no memory. */
json_t *sl_quota_json(const struct sl_quota *quota, uint64_t now_ns);

void sl_quota_export(struct sl_metrics *page, const struct sl_quota *quota, uint64_t now_ns);
