// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"

#define MS_NS	 1000000ull
#define LEAVE_NS (20 * MS_NS) /* for answers that are under way */

static const char asking[] = "*1\r\n$6\r\nASKING\r\n";

/* ---- the connection ---------------------------------------------------------------------------
 */

static void link_up(void *owner)
{
	sl_redis_handshake_begin(owner);
}

static void link_answered(void *owner, const struct sl_redis_reply *reply)
{
	sl_redis_handshake_answered(owner, reply);
}

static void link_down(void *owner, const char *reason, bool hostile)
{
	struct sl_redis_node *node = owner;

	node->link = NULL;
	node->redis->stats.hostile_total += hostile;
	sl_redis_node_fail(node, reason);
}

static const struct sl_redis_link_events link_events = {
	.up = link_up,
	.answered = link_answered,
	.down = link_down,
};

static void close_link(struct sl_redis_node *node)
{
	struct sl_redis_link *link = node->link;

	node->link = NULL;
	if (node->was_ready)
		node->redis->stats.disconnects_total++;
	else if (node->step != SL_REDIS_STEP_IDLE)
		node->redis->stats.connect_failures_total++;
	node->step = SL_REDIS_STEP_IDLE;
	node->was_ready = false;
	if (link)
		sl_redis_link_close(link);
}

static void connect_now(struct sl_redis_node *node)
{
	struct sl_redis *redis = node->redis;
	int err;

	if (redis->freeing || !node->known)
		return;
	node->step = SL_REDIS_STEP_CONNECT;
	err = sl_redis_link_open(&node->link, redis->loop, &node->address, &link_events, node);
	if (err)
		sl_redis_node_fail(node, strerror(-err));
	else
		sl_redis_node_set_timer(node, redis->settings.connect_timeout_ns);
}

/* A node that no call goes to is not looked for. */
static bool is_wanted(const struct sl_redis_node *node)
{
	return node->in_map || node->is_sentinel || !TAILQ_EMPTY(&node->waiting);
}

static void timer_fired(struct sl_loop_timer *timer)
{
	struct sl_redis_node *node = timer->context;

	node->timer_runs = false;
	if (node->step == SL_REDIS_STEP_IDLE) {
		if (is_wanted(node))
			connect_now(node);
	} else if (node->step == SL_REDIS_STEP_LEAVE) {
		sl_redis_node_fail(node, "it is a replica");
	} else if (node->step != SL_REDIS_STEP_READY) {
		sl_redis_node_fail(node, "not ready within the time to connect");
	}
}

void sl_redis_node_kick(struct sl_redis_node *node)
{
	if (node->step == SL_REDIS_STEP_IDLE && !node->timer_runs)
		connect_now(node);
}

void sl_redis_node_set_timer(struct sl_redis_node *node, uint64_t delay_ns)
{
	node->timer_runs = true;
	sl_redis_set_timer(node->redis, &node->timer, delay_ns);
}

static void stop_timer(struct sl_redis_node *node)
{
	node->timer_runs = false;
	node->redis->loop->timer_clear(node->redis->loop, &node->timer);
}

/* The first try after a connection that was good comes at once, but not in step. */
static void try_again(struct sl_redis_node *node)
{
	struct sl_redis *redis = node->redis;
	const uint64_t delay_ns =
		sl_redis_backoff_ns(&redis->settings.reconnect, node->attempts, &redis->random);

	if (node->attempts < UINT32_MAX)
		node->attempts++;
	sl_redis_node_set_timer(node, delay_ns);
}

static void refuse_waiting(struct sl_redis_node *node)
{
	struct sl_redis_call *call;

	while ((call = TAILQ_FIRST(&node->waiting)))
		sl_redis_finish_soon(call, -EACCES);
}

void sl_redis_node_report(struct sl_redis_node *node, bool success, uint64_t latency_ns)
{
	struct sl_redis *redis = node->redis;

	if (!sl_breaker_report(&node->breaker, &redis->settings.breaker, success, latency_ns,
			       sl_monotonic_ns()))
		return;
	redis->stats.breaker_opened_total += node->breaker.state == SL_BREAKER_OPEN;
	sl_redis_update_state(redis);
}

void sl_redis_node_fail(struct sl_redis_node *node, const char *reason)
{
	struct sl_redis *redis = node->redis;

	if (redis->freeing)
		return;
	if (node->known) /* else the last error says why it is not */
		sl_redis_set_error(redis, "%.100s port %u: %.120s", node->address.host,
				   (unsigned int)node->address.port, reason);
	if (node->step != SL_REDIS_STEP_LEAVE)
		sl_redis_node_report(node, false, 0);
	close_link(node);
	if (node->refused)
		refuse_waiting(node);
	sl_redis_resolve_failed(node);
	try_again(node);
	sl_redis_update_state(redis);
}

void sl_redis_node_leave(struct sl_redis_node *node)
{
	if (node->step != SL_REDIS_STEP_READY)
		return;
	node->step = SL_REDIS_STEP_LEAVE;
	sl_redis_node_set_timer(node, LEAVE_NS);
	sl_redis_update_state(node->redis);
}

void sl_redis_node_move(struct sl_redis_node *node, const struct sl_redis_address *address)
{
	close_link(node);
	node->known = true;
	node->address = *address;
	node->attempts = 0;
	node->refused = false;
	node->breaker = (struct sl_breaker){ .since_ns = sl_monotonic_ns() };
	stop_timer(node);
	connect_now(node);
	sl_redis_update_state(node->redis);
}

void sl_redis_node_ready(struct sl_redis_node *node)
{
	struct sl_redis *redis = node->redis;

	stop_timer(node);
	redis->stats.connects_total += !node->was_ready;
	node->was_ready = true;
	node->step = SL_REDIS_STEP_READY;
	node->attempts = 0;
	node->refused = false;
	sl_redis_update_state(redis);
	sl_redis_resolve_ready(node);
	for (struct sl_redis_call *call;
	     node->step == SL_REDIS_STEP_READY && (call = TAILQ_FIRST(&node->waiting));)
		if (sl_redis_node_send(node, call) != 0)
			return;
}

int sl_redis_node_send(struct sl_redis_node *node, struct sl_redis_call *call)
{
	int err = 0;

	if (!node->link)
		return -ENOTCONN;
	if (call->asking)
		err = sl_redis_link_send_unheard(node->link, asking, sizeof(asking) - 1);
	if (!err)
		err = sl_redis_link_send(node->link, call->wire, call->length, &call->ticket);
	if (err)
		return err;
	sl_redis_dequeue(call);
	call->node = node;
	call->sent = true;
	call->sent_ns = sl_monotonic_ns();
	node->sent++;
	return 0;
}

/* ---- birth and end
 * ------------------------------------------------------------------------------- */

int sl_redis_node_new(struct sl_redis_node **ret, struct sl_redis *redis,
		      const struct sl_redis_address *address)
{
	struct sl_redis_node *node = calloc(1, sizeof(*node));

	if (!node)
		return -ENOMEM;
	node->redis = redis;
	node->timer = (struct sl_loop_timer){ .fire = timer_fired, .context = node };
	node->id = ++redis->next_id;
	TAILQ_INIT(&node->waiting);
	node->used_ns = node->breaker.since_ns = sl_monotonic_ns();
	if (address) {
		node->address = *address;
		node->known = true;
	}
	*ret = node;
	return 0;
}

void sl_redis_node_free(struct sl_redis_node *node)
{
	if (!node)
		return;
	close_link(node);
	stop_timer(node);
	free(node);
}
