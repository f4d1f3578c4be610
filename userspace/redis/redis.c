// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/redis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"

#define NS_PER_MS 1000000ull

/* ---- what all parts use ------------------------------------------------------------------- */

/* Rounded up, so that it is time when it fires. */
void sl_redis_set_timer(struct sl_redis *redis, struct sl_loop_timer *timer, uint64_t delay_ns)
{
	(void)redis->loop->timer_set(redis->loop, timer, (delay_ns + NS_PER_MS - 1) / NS_PER_MS);
}

void sl_redis_arm(struct sl_redis *redis, uint64_t at_ns)
{
	const uint64_t now_ns = sl_monotonic_ns();

	if (redis->timer_ns && redis->timer_ns <= at_ns)
		return;
	redis->timer_ns = at_ns;
	sl_redis_set_timer(redis, &redis->timer, at_ns > now_ns ? at_ns - now_ns : 0);
}

void sl_redis_set_error(struct sl_redis *redis, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(redis->last_error, sizeof(redis->last_error), format, arguments);
	va_end(arguments);
	/* Servers write parts of it. */
	for (char *at = redis->last_error; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '?';
}

static void count_masters(const struct sl_redis *redis, uint64_t *ret_all, uint64_t *ret_usable)
{
	*ret_all = *ret_usable = 0;
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++) {
		const struct sl_redis_node *node = redis->nodes[i];

		if (!node || !node->in_map)
			continue;
		++*ret_all;
		*ret_usable += node->step == SL_REDIS_STEP_READY &&
			       node->breaker.state == SL_BREAKER_CLOSED;
	}
}

void sl_redis_update_state(struct sl_redis *redis)
{
	uint64_t masters, usable;
	enum sl_redis_state state = SL_REDIS_DEGRADED;

	count_masters(redis, &masters, &usable);
	if (!usable)
		state = SL_REDIS_DOWN;
	else if (usable == masters &&
		 (redis->settings.mode != SL_REDIS_CLUSTER || redis->covered == SL_REDIS_SLOTS))
		state = SL_REDIS_OK;
	if (state == redis->state)
		return;
	redis->state = state;
	redis->since_ns = sl_monotonic_ns();
}

/* ---- the client ------------------------------------------------------------------------------ */

int sl_redis_new(struct sl_redis **ret, struct sl_loop *loop,
		 const struct sl_redis_options *options, struct sl_redis_error_text *error)
{
	sl_cleanup(sl_redis_freep) struct sl_redis *redis = calloc(1, sizeof(*redis));
	int err;

	if (!redis)
		return -ENOMEM;
	TAILQ_INIT(&redis->calls);
	TAILQ_INIT(&redis->later);
	redis->loop = loop;
	redis->timer = (struct sl_loop_timer){ .fire = sl_redis_tick, .context = redis };
	redis->random = options->seed;
	redis->since_ns = sl_monotonic_ns();
	err = sl_redis_settings_read(&redis->settings, options, error);
	if (err)
		return err;
	err = sl_redis_resolve_start(redis);
	if (!err)
		*ret = SL_TAKE_PTR(redis);
	return err;
}

void sl_redis_free(struct sl_redis *redis)
{
	struct sl_redis_call *call;

	if (!redis)
		return;
	redis->freeing = true;
	/* Those that were sent end with their connection, the rest after it. */
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++)
		if (redis->nodes[i] && redis->nodes[i]->link)
			sl_redis_link_close(redis->nodes[i]->link);
	if (redis->sentinel && redis->sentinel->link)
		sl_redis_link_close(redis->sentinel->link);
	while ((call = TAILQ_FIRST(&redis->calls)))
		sl_redis_finish(call, -ECANCELED, NULL);
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++) {
		if (redis->nodes[i])
			redis->nodes[i]->link = NULL;
		sl_redis_node_free(redis->nodes[i]);
	}
	if (redis->sentinel)
		redis->sentinel->link = NULL;
	sl_redis_node_free(redis->sentinel);
	sl_redis_node_free(redis->nowhere);
	sl_redis_names_free(redis->names);
	redis->loop->timer_clear(redis->loop, &redis->timer);
	redis->loop->timer_clear(redis->loop, &redis->resolve_timer);
	sl_redis_settings_clear(&redis->settings);
	free(redis->library.code);
	free(redis);
}

void sl_redis_freep(struct sl_redis **redis)
{
	sl_redis_free(*redis);
}

int sl_redis_load_function(struct sl_redis *redis, const char *name, const char *code,
			   size_t length)
{
	const struct sl_span text = { code, length };
	uint32_t version;

	if (redis->library.code)
		return -EALREADY;
	if (sl_redis_library_valid(name, text) || sl_redis_library_version(&version, text))
		return -EINVAL;
	redis->library.code = malloc(length + 1);
	if (!redis->library.code)
		return -ENOMEM;
	memcpy(redis->library.code, code, length);
	redis->library.code[length] = '\0';
	redis->library.length = length;
	(void)snprintf(redis->library.name, sizeof(redis->library.name), "%s", name);
	for (size_t i = 0; i < SL_REDIS_NODES_MAX; i++)
		if (redis->nodes[i])
			sl_redis_handshake_library(redis->nodes[i]);
	return 0;
}

/* ---- what there is -----------------------------------------------------------------------------
 */

enum sl_redis_state sl_redis_state(const struct sl_redis *redis, uint64_t *ret_since_ns)
{
	if (ret_since_ns)
		*ret_since_ns = redis->since_ns;
	return redis->state;
}

const char *sl_redis_state_name(enum sl_redis_state state)
{
	static const char *const names[] = { "down", "degraded", "ok" };

	return (unsigned int)state < 3 ? names[state] : "?";
}

const char *sl_redis_last_error(const struct sl_redis *redis)
{
	return redis->last_error;
}

struct sl_redis_stats sl_redis_stats(const struct sl_redis *redis)
{
	struct sl_redis_stats stats = redis->stats;

	count_masters(redis, &stats.masters, &stats.masters_usable);
	return stats;
}
