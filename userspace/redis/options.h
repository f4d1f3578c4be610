/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration says of Redis, as the client takes it.
 *
 * Owner:  the texts are the spec's, which has to outlive the options.
 * Thread: any.
 */
#pragma once

#include "userspace/domain/redis_spec.h"
#include "userspace/redis/redis.h"

/* What the spec does not name has its default. */
struct sl_redis_options sl_redis_options_of(const struct sl_redis_spec *spec, uint64_t seed);
