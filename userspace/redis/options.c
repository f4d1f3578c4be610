// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/options.h"

#include <stddef.h>

static const char *given(const char *text)
{
	return text[0] ? text : NULL;
}

struct sl_redis_options sl_redis_options_of(const struct sl_redis_spec *spec, uint64_t seed)
{
	return (struct sl_redis_options){
		.mode = (enum sl_redis_mode)spec->mode,
		.addresses = spec->addresses,
		.master = given(spec->master),
		.user = given(spec->user),
		.password_file = given(spec->password_file),
		.sentinel_user = given(spec->sentinel_user),
		.sentinel_password_file = given(spec->sentinel_password_file),
		.database = spec->database,
		.tls = spec->tls,
		.connect_timeout_ns = spec->connect_timeout_ns,
		.command_timeout_ns = spec->command_timeout_ns,
		.seed = seed,
	};
}
