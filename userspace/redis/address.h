/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a server is: from the configuration, or as other servers say, which is
 * hostile input like any other.
 *
 * Thread: pure functions. Errors: 0 or -EINVAL, outputs untouched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_REDIS_HOST_BYTES	    254
#define SL_REDIS_ADDRESS_TEXT_BYTES 264 /* "host:port" */
#define SL_REDIS_PORT_DEFAULT	    6379
#define SL_REDIS_SENTINEL_PORT	    26379

struct sl_redis_address {
	char host[SL_REDIS_HOST_BYTES]; /* a numeric address, or a name */
	uint16_t port;
};

/*
 * A host as servers name others: an IPv4 or IPv6 address in digits that belongs to one
 * machine (neither unspecified, nor broadcast, nor multicast). No names: to ask for one
 * would stop the loop, at the will of a server.
 */
int sl_redis_parse_host(char ret[SL_REDIS_HOST_BYTES], struct sl_span text);

/* 1..65535, digits only. */
int sl_redis_parse_port(uint16_t *ret, struct sl_span text);

/*
 * "host:port", "[::1]:port" of the configuration; without a port @port_default. The host
 * may be a name of letters, digits, '-', '_' and '.'.
 */
int sl_redis_parse_address(struct sl_redis_address *ret, struct sl_span text,
			   uint16_t port_default);

bool sl_redis_address_equal(const struct sl_redis_address *a, const struct sl_redis_address *b);

/* Is it an address in digits, so that nobody has to be asked for it? */
bool sl_redis_host_is_numeric(const char *host);
