/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis Cluster: which slot a key is in, and which master has the slot.
 *
 * Source: the Redis Cluster specification, "Key distribution model", "Hash tags":
 *         CRC16 with the polynomial 0x1021 (XMODEM), modulo 16384.
 * Thread: pure functions.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/redis/address.h"
#include "userspace/redis/reply.h"

#define SL_REDIS_SLOTS	   16384u
#define SL_REDIS_NODES_MAX 128u

uint16_t sl_redis_crc16(struct sl_span bytes);

/* Of the part in the first {}, when there is one and it is not empty; else of all. */
uint16_t sl_redis_slot(struct sl_span key);

struct sl_redis_slots {
	struct sl_redis_address nodes[SL_REDIS_NODES_MAX];
	uint16_t node_count;
	uint16_t owner[SL_REDIS_SLOTS]; /* the node's index + 1; 0: nobody */
	uint32_t covered;		/* slots with an owner */
};

/*
 * Reads the answer to CLUSTER SLOTS; replicas are passed over. A node that does not
 * say its own host is at @from, where the answer came from. @ret is written from the
 * start, and only on 0. -EINVAL: it is not such an answer (ranges that overlap, hosts
 * that cannot be); -E2BIG: more masters than SL_REDIS_NODES_MAX.
 */
int sl_redis_slots_parse(struct sl_redis_slots *ret, const struct sl_redis_reply *reply,
			 const char *from);
