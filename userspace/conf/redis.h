/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping `redis`. */
#pragma once

#include "userspace/conf/table.h"
#include "userspace/domain/redis_spec.h"

/* For a field whose .offset is that of a struct sl_redis_spec. */
extern const struct sl_conf_table sl_conf_redis_table;
