/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which limits of a tenant are global, and on which terms. Thread: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "userspace/domain/config.h"
#include "userspace/quota/terms.h"

/* Is this limit of @tenant global? False as well where it is unlimited or 0. */
bool sl_quota_is_global(const struct sl_tenant_spec *tenant, enum sl_quota_kind kind);

/* The terms of a global limit. They pass sl_terms_check(). */
struct sl_terms sl_quota_terms_of(const struct sl_quota_spec *quota,
				  const struct sl_tenant_spec *tenant, enum sl_quota_kind kind);

/* What the platform can do of @kind, for all tenants together; -1: not known. */
int64_t sl_quota_capacity_of(const struct sl_capacity_spec *capacity, enum sl_quota_kind kind);
