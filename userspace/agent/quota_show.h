/* SPDX-License-Identifier: Apache-2.0 */
/* Thread: the event loop's. A NULL quota: no limit is global. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "userspace/agent/quota.h"
#include "userspace/obs/metrics.h"

/* Packets, connections, requests; of bytes bytes. */
double sl_quota_per_s(enum sl_quota_kind kind, int64_t mu_per_s);

/* Why a node has what it has, in words: a string constant. */
const char *sl_quota_why(const struct sl_quota_view *view, uint64_t now_ns);

/* The body of the answer to `quota`; NULL when there is no memory. */
json_t *sl_quota_json(const struct sl_quota *quota, uint64_t now_ns);

/* The body of the answer to `quota.explain`. NULL: no limit of @tenant is global here, or
 * no memory. */
json_t *sl_quota_explain_json(const struct sl_quota *quota, const char *tenant, uint64_t now_ns);

void sl_quota_export(struct sl_metrics *page, const struct sl_quota *quota, uint64_t now_ns);
