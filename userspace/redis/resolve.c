// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/redis/redis_private.h"

#define MS_NS	   1000000ull
#define PAUSE_NS   (100 * MS_NS) /* between two questions at least */
#define ANSWER_LEN 2
/* Where a master is not well the map is asked for as often as in vain, at the end: 1 s. */
#define UNWELL_ATTEMPT 16u

static const struct sl_redis_backoff again_backoff = {
	.min_ns = PAUSE_NS,
	.max_ns = 1000 * MS_NS,
};

static void set_timer(struct sl_redis *redis, uint64_t delay_ns)
{
	sl_redis_set_timer(redis, &redis->resolve_timer, delay_ns);
}

void sl_redis_resolve_soon(struct sl_redis *redis)
{
	const uint64_t now_ns = sl_monotonic_ns();
	const uint64_t next_ns = redis->resolved_ns + PAUSE_NS;

	if (redis->settings.mode == SL_REDIS_STANDALONE || redis->resolve_wanted)
		return;
	redis->resolve_wanted = true;
	if (!redis->resolving)
		set_timer(redis, next_ns > now_ns ? next_ns - now_ns : 0);
}

void sl_redis_resolved(struct sl_redis *redis, bool found)
{
	const struct sl_redis_backoff steady = { redis->settings.resolve_ns,
						 redis->settings.resolve_ns };
	const struct sl_redis_backoff *backoff = &again_backoff;
	uint32_t attempt = 0;

	redis->resolving = false;
	if (found) {
		redis->stats.resolves_total++;
		redis->resolve_attempts = 0;
		if (redis->settings.mode == SL_REDIS_CLUSTER && sl_redis_cluster_probe(redis))
			attempt = UNWELL_ATTEMPT;
		else if (!redis->resolve_wanted)
			backoff = &steady;
	} else {
		redis->stats.resolve_failures_total++;
		attempt = redis->resolve_attempts++;
	}
	set_timer(redis, sl_redis_backoff_ns(backoff, attempt, &redis->random));
	sl_redis_update_state(redis);
}

void sl_redis_resolve_later(struct sl_redis *redis)
{
	set_timer(redis,
		  sl_redis_backoff_ns(&again_backoff, redis->resolve_attempts++, &redis->random));
}

const struct sl_redis_address *sl_redis_next_address(struct sl_redis *redis)
{
	const struct sl_redis_settings *settings = &redis->settings;

	return settings->address_count
		       ? &settings->addresses[redis->next_address++ % settings->address_count]
		       : NULL;
}

/* ---- sentinels ------------------------------------------------------------------------------- */

static int read_master(struct sl_redis_address *ret, const struct sl_redis_reply *reply)
{
	if (reply->type != SL_REDIS_ARRAY || reply->count != ANSWER_LEN ||
	    sl_redis_parse_port(&ret->port, sl_redis_item(reply, 1)->text))
		return -EINVAL;
	return sl_redis_parse_host(ret->host, sl_redis_item(reply, 0)->text);
}

static void move_master(struct sl_redis *redis, const struct sl_redis_address *address)
{
	struct sl_redis_node *master = redis->nodes[0];

	if (master->known && sl_redis_address_equal(&master->address, address))
		return;
	redis->stats.master_changes_total += master->known;
	sl_redis_node_move(master, address);
}

static void sentinel_said(void *context, int status, const struct sl_redis_reply *reply)
{
	struct sl_redis *redis = context;
	struct sl_redis_address address;

	if (redis->freeing)
		return;
	if (status) {
		sl_redis_resolved(redis, false);
		if (status == -EREMOTEIO || status == -EACCES)
			sl_redis_node_fail(redis->sentinel, "the sentinel does not answer this");
		return;
	}
	if (reply->type == SL_REDIS_NIL) {
		sl_redis_resolved(redis, false);
		sl_redis_node_fail(redis->sentinel, "the sentinel knows no such master");
		return;
	}
	if (read_master(&address, reply)) {
		redis->stats.hostile_total++;
		sl_redis_resolved(redis, false);
		sl_redis_node_fail(redis->sentinel, "the sentinel names no master that can be");
		return;
	}
	sl_redis_resolved(redis, true);
	move_master(redis, &address);
}

static void ask_sentinel(struct sl_redis *redis)
{
	const char *const argv[] = { "SENTINEL", "GET-MASTER-ADDR-BY-NAME",
				     redis->settings.master };

	if (redis->sentinel->step != SL_REDIS_STEP_READY) {
		sl_redis_node_kick(redis->sentinel);
		set_timer(redis, PAUSE_NS);
		return;
	}
	redis->resolving = true;
	if (sl_redis_call_to(redis->sentinel, 3, argv, sentinel_said, redis))
		sl_redis_resolved(redis, false);
}

/* ---- when
 * ---------------------------------------------------------------------------------------- */

static void ask(struct sl_redis *redis)
{
	if (redis->resolving)
		return;
	redis->resolve_wanted = false;
	redis->resolved_ns = sl_monotonic_ns();
	if (redis->settings.mode == SL_REDIS_SENTINEL) {
		ask_sentinel(redis);
	} else {
		sl_redis_cluster_sweep(redis);
		sl_redis_cluster_ask(redis);
	}
}

static void timer_fired(struct sl_loop_timer *timer)
{
	ask(timer->context);
}

/* Of the list, the one that answers as a master is the master. */
void sl_redis_resolve_failed(struct sl_redis_node *node)
{
	struct sl_redis *redis = node->redis;
	const struct sl_redis_address *address;

	if (!node->is_sentinel && redis->settings.mode != SL_REDIS_STANDALONE) {
		sl_redis_resolve_soon(redis);
		return;
	}
	address = sl_redis_next_address(redis);
	if (address)
		node->address = *address;
	sl_redis_names_ask(redis->names);
}

void sl_redis_resolve_ready(struct sl_redis_node *node)
{
	struct sl_redis *redis = node->redis;

	switch (redis->settings.mode) {
	case SL_REDIS_STANDALONE:
		if (redis->last_master.port &&
		    !sl_redis_address_equal(&redis->last_master, &node->address))
			redis->stats.master_changes_total++;
		redis->last_master = node->address;
		break;
	case SL_REDIS_SENTINEL:
		if (node->is_sentinel)
			ask(redis);
		break;
	case SL_REDIS_CLUSTER:
		if (!redis->covered || redis->resolve_attempts)
			ask(redis);
		break;
	}
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* Who of the list is to be asked; NULL in a cluster. */
static struct sl_redis_node *listed_node(const struct sl_redis *redis)
{
	return redis->settings.mode == SL_REDIS_STANDALONE ? redis->nodes[0] : redis->sentinel;
}

static bool is_listed(const struct sl_redis *redis, const struct sl_redis_address *address)
{
	for (size_t i = 0; i < redis->settings.address_count; i++)
		if (sl_redis_address_equal(&redis->settings.addresses[i], address))
			return true;
	return false;
}

/* A connection that is good is kept, wherever it leads. */
static void names_found(void *owner, const struct sl_redis_address *addresses, size_t count,
			const char *why)
{
	struct sl_redis *redis = owner;
	struct sl_redis_node *node = listed_node(redis);

	if (!count) {
		redis->stats.name_failures_total++;
		sl_redis_set_error(redis, "addresses: %.180s", why);
		return;
	}
	memcpy(redis->settings.addresses, addresses, count * sizeof(*addresses));
	redis->settings.address_count = count;
	if (!node)
		sl_redis_resolve_soon(redis);
	else if (!node->known || (!node->was_ready && !is_listed(redis, &node->address)))
		sl_redis_node_move(node, sl_redis_next_address(redis));
}

static int start_names(struct sl_redis *redis)
{
	const struct sl_redis_settings *settings = &redis->settings;

	if (settings->address_count == settings->name_count)
		return 0;
	return sl_redis_names_new(&redis->names, redis->loop, settings->names, settings->name_count,
				  names_found, redis);
}

/* ---- the beginning ----------------------------------------------------------------------------
 */

static int start_master(struct sl_redis *redis, const struct sl_redis_address *address)
{
	int err = sl_redis_node_new(&redis->nodes[0], redis, address);

	if (!err)
		redis->nodes[0]->in_map = true;
	return err;
}

int sl_redis_resolve_start(struct sl_redis *redis)
{
	int err = -EINVAL;

	redis->resolve_timer = (struct sl_loop_timer){ .fire = timer_fired, .context = redis };
	switch (redis->settings.mode) {
	case SL_REDIS_STANDALONE:
		err = start_master(redis, sl_redis_next_address(redis));
		if (!err)
			sl_redis_node_kick(redis->nodes[0]);
		return err ? err : start_names(redis);
	case SL_REDIS_SENTINEL:
		err = start_master(redis, NULL);
		if (!err)
			err = sl_redis_node_new(&redis->sentinel, redis,
						sl_redis_next_address(redis));
		if (!err)
			redis->sentinel->is_sentinel = true;
		break;
	case SL_REDIS_CLUSTER:
		err = sl_redis_node_new(&redis->nowhere, redis, NULL);
		break;
	}
	if (err)
		return err;
	set_timer(redis, 0);
	return start_names(redis);
}
