// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"
#include "userspace/redis/wire.h"

#define MS_NS 1000000ull

/* Between the tries of one call. */
static const struct sl_redis_backoff try_backoff = { .min_ns = 5 * MS_NS, .max_ns = 50 * MS_NS };

/* They answer more than once, or change what the connection answers. */
static bool is_refused(const char *name, size_t length)
{
	static const char *const names[] = { "subscribe", "psubscribe",	  "ssubscribe",
					     "monitor",	  "unsubscribe",  "punsubscribe",
					     "reset",	  "sunsubscribe", "hello",
					     "quit" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return true;
	return false;
}

static int make(struct sl_redis_call **ret, struct sl_redis *redis, size_t argc,
		const char *const *argv, const size_t *lens)
{
	struct sl_redis_call *call;
	size_t length;

	if (!argc || !lens[0] || is_refused(argv[0], lens[0]))
		return -EINVAL;
	if (argc > SL_REDIS_ARGUMENTS_MAX)
		return -EMSGSIZE;
	length = sl_redis_wire_length(argc, lens);
	if (length > SL_REDIS_CALL_BYTES_MAX)
		return -EMSGSIZE;
	call = calloc(1, sizeof(*call) + length + 1); /* a NUL for hiredis */
	if (!call)
		return -ENOMEM;
	sl_redis_wire_write(call->wire, argc, argv, lens);
	call->length = length;
	call->redis = redis;
	call->ticket.done = sl_redis_answered;
	call->slot = SL_REDIS_ANY_SLOT;
	*ret = call;
	return 0;
}

static void begin(struct sl_redis_call *call, sl_redis_done *done, void *userdata)
{
	struct sl_redis *redis = call->redis;

	call->done = done;
	call->userdata = userdata;
	call->deadline_ns = sl_monotonic_ns() + redis->settings.command_timeout_ns;
	TAILQ_INSERT_TAIL(&redis->calls, call, by_age);
	sl_redis_arm(redis, call->deadline_ns);
	sl_redis_dispatch(call);
}

int sl_redis_call(struct sl_redis *redis, int slot, size_t argc, const char *const *argv,
		  const size_t *lens, sl_redis_done *done, void *userdata)
{
	struct sl_redis_call *call = NULL;
	int err;

	if (slot < SL_REDIS_ANY_SLOT || slot >= (int)SL_REDIS_SLOTS)
		return -EINVAL;
	if (redis->freeing)
		return -ECANCELED;
	if (redis->stats.in_flight >= redis->settings.calls_max) {
		redis->stats.busy_total++;
		return -EBUSY;
	}
	err = make(&call, redis, argc, argv, lens);
	if (err)
		return err;
	call->slot = slot;
	redis->stats.calls_total++;
	redis->stats.in_flight++;
	begin(call, done, userdata);
	return 0;
}

int sl_redis_call_to(struct sl_redis_node *node, size_t argc, const char *const *argv,
		     sl_redis_done *done, void *userdata)
{
	size_t lens[8];
	struct sl_redis_call *call = NULL;
	int err;

	if (argc > sizeof(lens) / sizeof(*lens))
		return -EMSGSIZE;
	for (size_t i = 0; i < argc; i++)
		lens[i] = strlen(argv[i]);
	err = make(&call, node->redis, argc, argv, lens);
	if (err)
		return err;
	call->internal = true;
	call->pinned = node;
	begin(call, done, userdata);
	return 0;
}

static void probed(void *context, int status, const struct sl_redis_reply *reply)
{
	(void)context;
	(void)status;
	(void)reply;
}

void sl_redis_probe(struct sl_redis_node *node)
{
	static const size_t length = sizeof("PING") - 1;
	struct sl_redis *redis = node->redis;
	struct sl_redis_call *call = NULL;

	if (redis->stats.in_flight >= redis->settings.calls_max ||
	    make(&call, redis, 1, (const char *const[]){ "PING" }, &length) != 0)
		return;
	call->pinned = node;
	redis->stats.calls_total++;
	redis->stats.in_flight++;
	begin(call, probed, NULL);
}

/* ---- queues -------------------------------------------------------------------------------- */

void sl_redis_enqueue(struct sl_redis_call *call, struct sl_redis_calls *queue)
{
	sl_redis_dequeue(call);
	TAILQ_INSERT_TAIL(queue, call, queued);
	call->queue = queue;
}

void sl_redis_dequeue(struct sl_redis_call *call)
{
	if (call->queue)
		TAILQ_REMOVE(call->queue, call, queued);
	call->queue = NULL;
}

static struct sl_redis_node *route(const struct sl_redis_call *call)
{
	struct sl_redis *redis = call->redis;

	if (call->pinned)
		return call->pinned;
	if (redis->settings.mode != SL_REDIS_CLUSTER)
		return redis->nodes[0];
	return sl_redis_cluster_route(redis, call->slot);
}

/* Asked once for each node, however often a call comes by. */
static bool is_admitted(struct sl_redis_call *call, struct sl_redis_node *node, uint64_t now_ns)
{
	const struct sl_breaker_limits *limits = &call->redis->settings.breaker;

	if (call->internal || call->admitted_by == node->id)
		return true;
	if (!sl_breaker_admits(&node->breaker, limits, now_ns))
		return false;
	(void)sl_breaker_take(&node->breaker, limits, now_ns);
	call->admitted_by = node->id;
	return true;
}

void sl_redis_dispatch(struct sl_redis_call *call)
{
	struct sl_redis_node *node = route(call);
	const uint64_t now_ns = sl_monotonic_ns();

	call->node = node;
	node->used_ns = now_ns;
	if (!is_admitted(call, node, now_ns)) {
		call->redis->stats.short_circuit_total++;
		sl_redis_finish_soon(call, -EHOSTUNREACH);
		return;
	}
	if (node->step == SL_REDIS_STEP_READY && sl_redis_node_send(node, call) == 0)
		return;
	if (node->refused) {
		sl_redis_finish_soon(call, -EACCES);
		return;
	}
	sl_redis_enqueue(call, &node->waiting);
	sl_redis_node_kick(node);
}

void sl_redis_dispatch_all(struct sl_redis_calls *calls)
{
	struct sl_redis_calls taken = TAILQ_HEAD_INITIALIZER(taken);
	struct sl_redis_call *call;

	/* What is queued again meanwhile is not looked at again. */
	while ((call = TAILQ_FIRST(calls)))
		sl_redis_enqueue(call, &taken);
	while ((call = TAILQ_FIRST(&taken))) {
		sl_redis_dequeue(call);
		sl_redis_dispatch(call);
	}
}

/* ---- the end -----------------------------------------------------------------------------------
 */

void sl_redis_finish(struct sl_redis_call *call, int status, const struct sl_redis_reply *reply)
{
	struct sl_redis *redis = call->redis;

	sl_redis_dequeue(call);
	TAILQ_REMOVE(&redis->calls, call, by_age);
	call->answered = true;
	if (!call->internal)
		redis->stats.in_flight--;
	call->done(call->userdata, status, reply);
	if (!call->sent)
		free(call);
}

void sl_redis_finish_soon(struct sl_redis_call *call, int status)
{
	call->ending = status;
	call->due_ns = sl_monotonic_ns();
	sl_redis_enqueue(call, &call->redis->later);
	sl_redis_arm(call->redis, call->due_ns);
}

void sl_redis_try_later(struct sl_redis_call *call, enum sl_redis_error refusal,
			const struct sl_redis_reply *reply)
{
	struct sl_redis *redis = call->redis;

	call->due_ns =
		sl_monotonic_ns() + sl_redis_backoff_ns(&try_backoff, call->tries, &redis->random);
	if (++call->tries > SL_REDIS_TRIES_MAX || call->due_ns >= call->deadline_ns) {
		sl_redis_finish(call, sl_redis_error_status(refusal), reply);
		return;
	}
	call->refused = true;
	call->refusal = refusal;
	call->ending = 0;
	redis->stats.resent_total++;
	sl_redis_enqueue(call, &redis->later);
	sl_redis_arm(redis, call->due_ns);
}

/* ---- time
 * ------------------------------------------------------------------------------------------ */

/* Nobody answered it: what that says of the server, and what it ends as. */
static void expire(struct sl_redis_call *call)
{
	struct sl_redis *redis = call->redis;
	struct sl_redis_node *node = call->node;
	const bool was_sent = call->sent, refused = call->refused && !was_sent;
	const int status = refused ? sl_redis_error_status(call->refusal) : -ETIMEDOUT;

	if (!call->internal && !refused)
		redis->stats.timeouts_total++;
	/* The calls behind it wait for the same answer: the connection is given up. */
	if (!was_sent && !refused && call->admitted_by == node->id)
		sl_redis_node_report(node, false, 0);
	sl_redis_finish(call, status, NULL);
	if (was_sent)
		sl_redis_node_fail(node, "no answer within the deadline");
}

static void try_again(struct sl_redis_call *call)
{
	const int ending = call->ending;

	sl_redis_dequeue(call);
	if (ending)
		sl_redis_finish(call, ending, NULL);
	else
		sl_redis_dispatch(call);
}

static struct sl_redis_call *first_due(const struct sl_redis *redis)
{
	struct sl_redis_call *call, *first = NULL;

	TAILQ_FOREACH(call, &redis->later, queued)
	if (!first || call->due_ns < first->due_ns)
		first = call;
	return first;
}

void sl_redis_tick(struct sl_loop_timer *timer)
{
	struct sl_redis *redis = timer->context;
	const uint64_t now_ns = sl_monotonic_ns();
	struct sl_redis_call *call;

	redis->timer_ns = 0;
	/* Ends first: their callbacks may call again, and are owed first. */
	while ((call = first_due(redis)) && call->due_ns <= now_ns)
		try_again(call);
	while ((call = TAILQ_FIRST(&redis->calls)) && call->deadline_ns <= now_ns)
		expire(call);
	if (call)
		sl_redis_arm(redis, call->deadline_ns);
	call = first_due(redis);
	if (call)
		sl_redis_arm(redis, call->due_ns);
}
