/* SPDX-License-Identifier: Apache-2.0 */
/* Where Redis is and how long it may take, as plain data. Empty texts: not given. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SL_REDIS_SPEC_ADDRESSES_BYTES 512
#define SL_REDIS_SPEC_NAME_BYTES      65
#define SL_REDIS_SPEC_PATH_BYTES      256

struct sl_redis_spec {
	int mode; /* enum sl_redis_mode */
	char addresses[SL_REDIS_SPEC_ADDRESSES_BYTES];
	char master[SL_REDIS_SPEC_NAME_BYTES]; /* its name, asked of the sentinels */
	char user[SL_REDIS_SPEC_NAME_BYTES];
	char password_file[SL_REDIS_SPEC_PATH_BYTES];
	char sentinel_user[SL_REDIS_SPEC_NAME_BYTES];
	char sentinel_password_file[SL_REDIS_SPEC_PATH_BYTES];
	uint32_t database;
	bool tls;
	uint64_t connect_timeout_ns;
	uint64_t command_timeout_ns;
};
