// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

#define POLYNOMIAL 0x1021u

uint16_t sl_redis_crc16(struct sl_span bytes)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < bytes.length; i++) {
		crc ^= (uint32_t)(unsigned char)bytes.at[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000u ? crc << 1 ^ POLYNOMIAL : crc << 1;
	}
	return (uint16_t)(crc & 0xffffu);
}

static struct sl_span tag_of(struct sl_span key)
{
	const char *open = key.length ? memchr(key.at, '{', key.length) : NULL;
	const char *close;

	if (!open)
		return key;
	open++;
	close = memchr(open, '}', key.length - (size_t)(open - key.at));
	return close && close > open ? (struct sl_span){ open, (size_t)(close - open) } : key;
}

uint16_t sl_redis_slot(struct sl_span key)
{
	return sl_redis_crc16(tag_of(key)) % SL_REDIS_SLOTS;
}

static int read_integer(uint32_t *ret, const struct sl_redis_reply *reply, uint32_t min,
			uint32_t max)
{
	if (reply->type != SL_REDIS_INTEGER || reply->integer < min || reply->integer > max)
		return -EINVAL;
	*ret = (uint32_t)reply->integer;
	return 0;
}

/* [host, port, ...]; a host that is nil or empty is the one that was asked. */
static int read_node(struct sl_redis_address *ret, const struct sl_redis_reply *node,
		     const char *from)
{
	const struct sl_redis_reply *host = sl_redis_item(node, 0);
	uint32_t port;

	if (node->type != SL_REDIS_ARRAY || node->count < 2 ||
	    read_integer(&port, sl_redis_item(node, 1), 1, UINT16_MAX))
		return -EINVAL;
	if (host->type != SL_REDIS_NIL && host->type != SL_REDIS_STRING)
		return -EINVAL;
	ret->port = (uint16_t)port;
	return sl_redis_parse_host(ret->host, host->text.length ? host->text : sl_span_of(from));
}

/* The node's index + 1; 0: there is no room. */
static uint16_t node_number(struct sl_redis_slots *slots, const struct sl_redis_address *address)
{
	for (uint16_t i = 0; i < slots->node_count; i++)
		if (sl_redis_address_equal(&slots->nodes[i], address))
			return (uint16_t)(i + 1);
	if (slots->node_count == SL_REDIS_NODES_MAX)
		return 0;
	slots->nodes[slots->node_count] = *address;
	return ++slots->node_count;
}

static int read_range(struct sl_redis_slots *slots, const struct sl_redis_reply *range,
		      const char *from)
{
	struct sl_redis_address address;
	uint32_t first, last;
	uint16_t number;

	if (read_integer(&first, sl_redis_item(range, 0), 0, SL_REDIS_SLOTS - 1) ||
	    read_integer(&last, sl_redis_item(range, 1), first, SL_REDIS_SLOTS - 1) ||
	    read_node(&address, sl_redis_item(range, 2), from))
		return -EINVAL;
	number = node_number(slots, &address);
	if (!number)
		return -E2BIG;
	for (uint32_t slot = first; slot <= last; slot++) {
		if (slots->owner[slot])
			return -EINVAL;
		slots->owner[slot] = number;
	}
	slots->covered += last - first + 1;
	return 0;
}

int sl_redis_slots_parse(struct sl_redis_slots *ret, const struct sl_redis_reply *reply,
			 const char *from)
{
	sl_autofree struct sl_redis_slots *slots = calloc(1, sizeof(*slots));
	int err = 0;

	if (!slots)
		return -ENOMEM;
	if (reply->type != SL_REDIS_ARRAY)
		return -EINVAL;
	for (size_t i = 0; !err && i < reply->count; i++)
		err = read_range(slots, &reply->items[i], from);
	if (!err)
		*ret = *slots;
	return err;
}
