// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"

static void count(struct sl_redis_stats *stats, enum sl_redis_error error)
{
	uint64_t *const counters[SL_REDIS_ERROR_KINDS] = {
		[SL_REDIS_ERROR_MOVED] = &stats->moved_total,
		[SL_REDIS_ERROR_ASK] = &stats->ask_total,
		[SL_REDIS_ERROR_TRYAGAIN] = &stats->try_again_total,
		[SL_REDIS_ERROR_CLUSTERDOWN] = &stats->cluster_down_total,
		[SL_REDIS_ERROR_LOADING] = &stats->loading_total,
		[SL_REDIS_ERROR_READONLY] = &stats->read_only_total,
		[SL_REDIS_ERROR_NO_FUNCTION] = &stats->no_function_total,
		[SL_REDIS_ERROR_DENIED] = &stats->denied_total,
		[SL_REDIS_ERROR_FULL] = &stats->full_total,
	};
	uint64_t *counter = counters[error] ? counters[error] : &stats->other_errors_total;

	(*counter)++;
}

static void refuse(struct sl_redis_call *call, enum sl_redis_error error,
		   const struct sl_redis_reply *reply)
{
	sl_redis_finish(call, sl_redis_error_status(error), reply);
}

/* To the node that the answer names: MOVED for good, ASK this once. */
static void redirect(struct sl_redis_call *call, enum sl_redis_error error,
		     const struct sl_redis_reply *reply)
{
	struct sl_redis *redis = call->redis;
	struct sl_redis_redirect found;
	struct sl_redis_node *node;

	if (redis->settings.mode != SL_REDIS_CLUSTER || call->pinned) {
		refuse(call, error, reply);
		return;
	}
	if (sl_redis_redirect_parse(&found, reply->text, call->node->address.host) != 0) {
		redis->stats.hostile_total++;
		refuse(call, error, reply);
		return;
	}
	node = sl_redis_cluster_node(redis, &found.to);
	if (!node || ++call->redirects > SL_REDIS_REDIRECTS_MAX) {
		refuse(call, error, reply);
		return;
	}
	redis->stats.resent_total++;
	if (error == SL_REDIS_ERROR_MOVED) {
		sl_redis_cluster_moved(redis, found.slot, node);
		sl_redis_resolve_soon(redis);
		call->slot = found.slot;
		sl_redis_dispatch(call);
		return;
	}
	call->asking = true;
	call->node = node;
	node->used_ns = sl_monotonic_ns();
	if (node->step == SL_REDIS_STEP_READY && sl_redis_node_send(node, call) == 0)
		return;
	sl_redis_enqueue(call, &node->waiting);
	sl_redis_node_kick(node);
}

/* The library went with a failover or was flushed: it is loaded, and the call comes again. */
static void reload(struct sl_redis_call *call, const struct sl_redis_reply *reply)
{
	struct sl_redis_node *node = call->node;

	if (!call->redis->library.code || call->reloaded) {
		refuse(call, SL_REDIS_ERROR_NO_FUNCTION, reply);
		return;
	}
	call->reloaded = true;
	call->redis->stats.resent_total++;
	sl_redis_handshake_library(node);
	sl_redis_enqueue(call, &node->waiting);
}

static void refused(struct sl_redis_call *call, const struct sl_redis_reply *reply)
{
	const enum sl_redis_error error = sl_redis_error_of(reply->text);
	struct sl_redis *redis = call->redis;
	const bool cluster = redis->settings.mode == SL_REDIS_CLUSTER;

	count(&redis->stats, error);
	call->asking = false;
	switch (error) {
	case SL_REDIS_ERROR_MOVED:
	case SL_REDIS_ERROR_ASK:
		redirect(call, error, reply);
		return;
	case SL_REDIS_ERROR_READONLY:
		if (!cluster)
			sl_redis_node_leave(call->node);
		sl_redis_resolve_soon(redis);
		break;
	case SL_REDIS_ERROR_CLUSTERDOWN:
	case SL_REDIS_ERROR_MASTERDOWN:
		sl_redis_resolve_soon(redis);
		break;
	case SL_REDIS_ERROR_TRYAGAIN:
	case SL_REDIS_ERROR_LOADING:
	case SL_REDIS_ERROR_NOREPLICAS:
	case SL_REDIS_ERROR_BUSY:
		break;
	case SL_REDIS_ERROR_NO_FUNCTION:
		reload(call, reply);
		return;
	case SL_REDIS_ERROR_OTHER:
	case SL_REDIS_ERROR_DENIED:
	case SL_REDIS_ERROR_FULL:
	case SL_REDIS_ERROR_CROSSSLOT:
	case SL_REDIS_ERROR_MISCONF:
	case SL_REDIS_ERROR_KINDS:
		refuse(call, error, reply);
		return;
	}
	if (call->internal)
		refuse(call, error, reply);
	else
		sl_redis_try_later(call, error, reply);
}

void sl_redis_answered(struct sl_redis_ticket *ticket, const struct sl_redis_reply *reply)
{
	struct sl_redis_call *call = (struct sl_redis_call *)ticket;
	struct sl_redis *redis = call->redis;

	call->sent = false;
	call->node->sent--;
	if (call->answered) {
		free(call);
		return;
	}
	if (!reply) {
		if (!call->internal)
			redis->stats.lost_total++;
		sl_redis_finish(call, redis->freeing ? -ECANCELED : -ECONNRESET, NULL);
		return;
	}
	/* The server is there, whatever it says. */
	if (!call->internal)
		sl_redis_node_report(call->node, true, sl_monotonic_ns() - call->sent_ns);
	if (reply->type == SL_REDIS_ERROR) {
		refused(call, reply);
		return;
	}
	if (!call->internal)
		redis->stats.answers_total++;
	sl_redis_finish(call, 0, reply);
}
