// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_MAX 65535u

static bool is_usable4(const struct in_addr *address)
{
	const uint32_t host = ntohl(address->s_addr);

	return host >> 24 != 0 && host >> 28 < 0xe; /* "this network", multicast and above */
}

static bool is_usable6(const struct in6_addr *address)
{
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_MULTICAST(address);
}

/* What looks like an address in digits is one, or nothing. */
static bool looks_numeric(const char *host)
{
	return strchr(host, ':') || !host[strspn(host, "0123456789.")];
}

static bool is_name(const char *host)
{
	if (!isalnum((unsigned char)host[0]))
		return false;
	for (const char *at = host; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			return false;
	return !strstr(host, "..");
}

static bool is_usable(const char *host)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, host, &four) == 1)
		return is_usable4(&four);
	return inet_pton(AF_INET6, host, &six) == 1 && is_usable6(&six);
}

static int take_host(char ret[SL_REDIS_HOST_BYTES], struct sl_span text, bool names)
{
	char host[SL_REDIS_HOST_BYTES];

	if (!text.length || text.length >= sizeof(host) || memchr(text.at, '\0', text.length))
		return -EINVAL;
	memcpy(host, text.at, text.length);
	host[text.length] = '\0';
	if (looks_numeric(host) ? !is_usable(host) : !names || !is_name(host))
		return -EINVAL;
	memcpy(ret, host, text.length + 1);
	return 0;
}

int sl_redis_parse_host(char ret[SL_REDIS_HOST_BYTES], struct sl_span text)
{
	return take_host(ret, text, false);
}

int sl_redis_parse_port(uint16_t *ret, struct sl_span text)
{
	uint32_t port = 0;

	if (!text.length || text.length > 5)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (!isdigit((unsigned char)text.at[i]))
			return -EINVAL;
		port = port * 10 + (uint32_t)(text.at[i] - '0');
	}
	if (!port || port > PORT_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* Cuts "[host]:port" or "host:port"; *ret_port is empty when none is given. */
static int split(struct sl_span *ret_host, struct sl_span *ret_port, struct sl_span text)
{
	const bool bracketed = text.length && text.at[0] == '[';
	const char *end = bracketed ? memchr(text.at, ']', text.length) : NULL;
	const char *colon = text.length ? memchr(text.at, ':', text.length) : NULL;
	size_t length, rest;

	if (bracketed != (end != NULL))
		return -EINVAL;
	length = end ? (size_t)(end - text.at) + 1
		     : (colon ? (size_t)(colon - text.at) : text.length);
	rest = text.length - length;
	if (rest && (text.at[length] != ':' || rest == 1))
		return -EINVAL;
	*ret_host = end ? (struct sl_span){ text.at + 1, length - 2 }
			: (struct sl_span){ text.at, length };
	*ret_port = rest ? (struct sl_span){ text.at + length + 1, rest - 1 }
			 : (struct sl_span){ NULL, 0 };
	return 0;
}

int sl_redis_parse_address(struct sl_redis_address *ret, struct sl_span text, uint16_t port_default)
{
	struct sl_redis_address made = { .port = port_default };
	struct sl_span host, port;

	if (split(&host, &port, text) || take_host(made.host, host, true) ||
	    (port.length && sl_redis_parse_port(&made.port, port)))
		return -EINVAL;
	*ret = made;
	return 0;
}

bool sl_redis_address_equal(const struct sl_redis_address *a, const struct sl_redis_address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool sl_redis_host_is_numeric(const char *host)
{
	return looks_numeric(host);
}
