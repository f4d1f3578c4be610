// SPDX-License-Identifier: Apache-2.0
/* The bytes of a server through hiredis into our values, and from there as a map of slots
 * and as a list of libraries. A map that is accepted is one. */
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/redis_bytes.h"
#include "userspace/redis/library.h"
#include "userspace/redis/slots.h"

#define FROM "192.0.2.1"
#define CODE "#!lua name=quota\n-- version: 2\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not deeper than hiredis reads. */
static void count(const struct sl_redis_reply *reply, unsigned int depth, size_t *values,
		  size_t *bytes)
{
	require(depth <= SL_REDIS_REPLY_DEPTH_MAX);
	++*values;
	*bytes += reply->text.length;
	require(!reply->text.at || reply->text.at[reply->text.length] == '\0');
	for (size_t i = 0; i < reply->count; i++)
		count(&reply->items[i], depth + 1, values, bytes);
}

static void check_map(const struct sl_redis_slots *slots)
{
	uint32_t covered = 0;

	require(slots->node_count <= SL_REDIS_NODES_MAX);
	for (size_t i = 0; i < SL_REDIS_SLOTS; i++) {
		require(slots->owner[i] <= slots->node_count);
		covered += slots->owner[i] != 0;
	}
	require(covered == slots->covered);
	for (size_t i = 0; i < slots->node_count; i++)
		require(slots->nodes[i].port && slots->nodes[i].host[0]);
}

static void use(const struct sl_redis_reply *reply)
{
	static struct sl_redis_slots slots;
	enum sl_redis_library_state state;
	size_t values = 0, bytes = 0;

	count(reply, 0, &values, &bytes);
	require(values <= SL_REDIS_REPLY_VALUES_MAX && bytes <= SL_REDIS_REPLY_BYTES_MAX);
	if (sl_redis_slots_parse(&slots, reply, FROM) == 0)
		check_map(&slots);
	(void)sl_redis_library_compare(&state, reply, "quota", SL_SPAN(CODE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	redis_bytes(data, size, use);
	return 0;
}
