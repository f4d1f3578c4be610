/* SPDX-License-Identifier: Apache-2.0 */
/* The tables about global limits: "global" of a tenant, and "quota". */
#pragma once

#include "userspace/conf/table.h"

extern const struct sl_conf_table sl_conf_global_table; /* into a struct sl_global_spec */
extern const struct sl_conf_table sl_conf_quota_table;	/* into a struct sl_conf_draft */
