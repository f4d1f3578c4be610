// SPDX-License-Identifier: Apache-2.0
/* Errors of a server: where they may send us. What is accepted can be connected to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/redis/error.h"
#include "userspace/redis/slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check(const struct sl_redis_address *address)
{
	require(address->port != 0);
	require(memchr(address->host, 0, sizeof(address->host)) != NULL);
	require(address->host[0] && !strpbrk(address->host, "/@ \r\n\"'"));
	require(strcmp(address->host, "0.0.0.0") != 0 && strcmp(address->host, "::") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	const enum sl_redis_error error = sl_redis_error_of(text);
	struct sl_redis_redirect redirect;
	struct sl_redis_address address;

	require(sl_redis_error_status(error) < 0);
	require(sl_redis_slot(text) < SL_REDIS_SLOTS);
	if (sl_redis_redirect_parse(&redirect, text, "192.0.2.1") == 0) {
		require(error == SL_REDIS_ERROR_MOVED || error == SL_REDIS_ERROR_ASK);
		require(redirect.slot < SL_REDIS_SLOTS);
		check(&redirect.to);
		require(sl_redis_host_is_numeric(redirect.to.host));
	}
	if (sl_redis_parse_address(&address, text, 6379) == 0)
		check(&address);
	return 0;
}
