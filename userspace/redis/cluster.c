// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"

#define S_NS 1000000000ull
#define IDLE_NS                                                                                    \
	(30 * S_NS) /* without a slot and without calls, longer than any of them may take          \
		     */

static bool is_ready(const struct sl_redis_node *node)
{
	return node && node->step == SL_REDIS_STEP_READY;
}

/* The next one in turn that can be asked now; NULL: none. */
static struct sl_redis_node *any_ready(struct sl_redis *redis)
{
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++) {
		struct sl_redis_node *node = redis->nodes[redis->turn++ % SL_REDIS_NODES_MAX];

		if (is_ready(node))
			return node;
	}
	return NULL;
}

struct sl_redis_node *sl_redis_cluster_route(struct sl_redis *redis, int slot)
{
	struct sl_redis_node *node = NULL;

	if (slot < 0)
		node = any_ready(redis);
	else if (redis->owner[slot])
		node = redis->nodes[redis->owner[slot] - 1];
	return node ? node : redis->nowhere;
}

static bool is_idle(const struct sl_redis_node *node, uint64_t now_ns)
{
	return !node->in_map && !node->sent && TAILQ_EMPTY(&node->waiting) &&
	       now_ns - node->used_ns > IDLE_NS;
}

static void forget(struct sl_redis *redis, struct sl_redis_node *node)
{
	for (size_t slot = 0; slot < SL_REDIS_SLOTS; slot++)
		if (redis->owner[slot] == node->at + 1)
			redis->owner[slot] = 0;
	redis->nodes[node->at] = NULL;
	sl_redis_node_free(node);
}

void sl_redis_cluster_sweep(struct sl_redis *redis)
{
	const uint64_t now_ns = sl_monotonic_ns();

	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++)
		if (redis->nodes[i] && is_idle(redis->nodes[i], now_ns))
			forget(redis, redis->nodes[i]);
}

bool sl_redis_cluster_probe(struct sl_redis *redis)
{
	const uint64_t now_ns = sl_monotonic_ns();
	bool found = false;

	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++) {
		struct sl_redis_node *node = redis->nodes[i];

		if (!node || !node->in_map || node->breaker.state == SL_BREAKER_CLOSED)
			continue;
		found = true;
		if (is_ready(node) &&
		    sl_breaker_admits(&node->breaker, &redis->settings.breaker, now_ns))
			sl_redis_probe(node);
	}
	return found;
}

struct sl_redis_node *sl_redis_cluster_node(struct sl_redis *redis,
					    const struct sl_redis_address *address)
{
	struct sl_redis_node *node;
	size_t room = SL_REDIS_NODES_MAX;

	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++) {
		node = redis->nodes[i];
		if (node && sl_redis_address_equal(&node->address, address))
			return node;
		if (!node && room == SL_REDIS_NODES_MAX)
			room = i;
	}
	if (room == SL_REDIS_NODES_MAX || sl_redis_node_new(&node, redis, address))
		return NULL;
	node->at = (uint16_t)room;
	redis->nodes[room] = node;
	return node;
}

void sl_redis_cluster_moved(struct sl_redis *redis, uint16_t slot, struct sl_redis_node *node)
{
	redis->covered += !redis->owner[slot];
	redis->owner[slot] = (uint16_t)(node->at + 1);
}

/* ---- the map
 * -------------------------------------------------------------------------------------- */

static void take_nodes(struct sl_redis *redis, const struct sl_redis_slots *slots,
		       struct sl_redis_node *found[SL_REDIS_NODES_MAX])
{
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++)
		if (redis->nodes[i])
			redis->nodes[i]->in_map = false;
	for (size_t i = 0; i < slots->node_count; i++) {
		found[i] = sl_redis_cluster_node(redis, &slots->nodes[i]);
		if (!found[i])
			continue;
		found[i]->in_map = true;
		found[i]->used_ns = sl_monotonic_ns();
		sl_redis_node_kick(found[i]);
	}
}

/* Calls that wait may have to wait elsewhere now. */
static void move_calls(struct sl_redis *redis)
{
	redis->nowhere->breaker = (struct sl_breaker){ .since_ns = sl_monotonic_ns() };
	sl_redis_dispatch_all(&redis->nowhere->waiting);
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++)
		if (redis->nodes[i])
			sl_redis_dispatch_all(&redis->nodes[i]->waiting);
}

static void apply(struct sl_redis *redis, const struct sl_redis_slots *slots)
{
	struct sl_redis_node *found[SL_REDIS_NODES_MAX] = { NULL };

	take_nodes(redis, slots, found);
	redis->covered = 0;
	for (size_t slot = 0; slot < SL_REDIS_SLOTS; slot++) {
		const uint16_t number = slots->owner[slot];
		const struct sl_redis_node *node = number ? found[number - 1] : NULL;

		redis->owner[slot] = node ? (uint16_t)(node->at + 1) : 0;
		redis->covered += node != NULL;
	}
	move_calls(redis);
}

struct question {
	struct sl_redis *redis;
	char host[SL_REDIS_HOST_BYTES]; /* that was asked */
};

static void map_came(void *context, int status, const struct sl_redis_reply *reply)
{
	sl_autofree struct question *question = context;
	sl_autofree struct sl_redis_slots *slots = NULL;
	struct sl_redis *redis = question->redis;
	int err = status;

	if (redis->freeing)
		return;
	slots = calloc(1, sizeof(*slots));
	if (!err)
		err = slots ? sl_redis_slots_parse(slots, reply, question->host) : -ENOMEM;
	if (!err && !slots->covered)
		err = -ENODATA; /* one that was taken out of the cluster */
	if (err) {
		redis->stats.hostile_total += !status && err != -ENOMEM && err != -ENODATA;
		sl_redis_set_error(redis, "slots of %.100s: %s", question->host, strerror(-err));
		sl_redis_resolved(redis, false);
		return;
	}
	apply(redis, slots);
	sl_redis_resolved(redis, true);
}

static int ask_node(struct sl_redis_node *node)
{
	sl_autofree struct question *question = calloc(1, sizeof(*question));
	int err;

	if (!question)
		return -ENOMEM;
	question->redis = node->redis;
	memcpy(question->host, node->address.host, sizeof(question->host));
	err = sl_redis_call_to(node, 2, (const char *const[]){ "CLUSTER", "SLOTS" }, map_came,
			       question);
	if (!err)
		(void)SL_TAKE_PTR(question);
	return err;
}

static void try_seed(struct sl_redis *redis)
{
	const struct sl_redis_address *address = sl_redis_next_address(redis);
	struct sl_redis_node *node = address ? sl_redis_cluster_node(redis, address) : NULL;

	sl_redis_names_ask(redis->names);
	if (node)
		sl_redis_node_kick(node);
}

void sl_redis_cluster_ask(struct sl_redis *redis)
{
	struct sl_redis_node *node = any_ready(redis);

	if (!node) {
		try_seed(redis);
		sl_redis_resolve_later(redis);
		return;
	}
	redis->resolving = true;
	if (ask_node(node))
		sl_redis_resolved(redis, false);
}
