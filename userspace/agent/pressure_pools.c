// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_pools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

struct router {
	uint64_t epoch, seq;
	enum sl_pressure_state state;
	double pressure;
};

struct pool {
	char name[SL_SIGNAL_NAME_BYTES];
	enum sl_work_class work;
	struct sl_pressure_pool *workers;
	struct sl_table *routers;
	/* Of both, at the last signal or tick. */
	enum sl_pressure_state state;
	double pressure;
	uint32_t router_count;
	uint64_t since_ns, heard_ns;
};

struct sl_agent_pools {
	struct pool at[SL_AGENT_POOLS_MAX];
	size_t count;
	uint64_t secret[2];
	struct sl_agent_pools_stats stats;
};

int sl_agent_pools_new(struct sl_agent_pools **ret, const uint64_t secret[2])
{
	struct sl_agent_pools *pools = calloc(1, sizeof(*pools));

	if (!pools)
		return -ENOMEM;
	memcpy(pools->secret, secret, sizeof(pools->secret));
	*ret = pools;
	return 0;
}

static void release(struct pool *pool)
{
	sl_pressure_pool_free(pool->workers);
	sl_table_free(pool->routers);
}

void sl_agent_pools_free(struct sl_agent_pools *pools)
{
	if (!pools)
		return;
	for (size_t i = 0; i < pools->count; i++)
		release(&pools->at[i]);
	free(pools);
}

/* ---- one pool --------------------------------------------------------------------------- */

static int begin(struct pool *pool, const struct sl_agent_pools *pools,
		 const struct sl_signal *signal, uint64_t now_ns)
{
	const struct sl_pressure_pool_options options = {
		.name = signal->pool,
		.work = signal->work,
		.secret = { pools->secret[0], pools->secret[1] },
	};
	const struct sl_table_options routers = {
		.entries_max = SL_AGENT_POOL_ROUTERS_MAX,
		.value_size = sizeof(struct router),
		.ttl_ns = SL_PRESSURE_STALE_NS,
		.secret = { pools->secret[0], pools->secret[1] },
	};
	int err;

	*pool = (struct pool){ .work = signal->work, .since_ns = now_ns, .heard_ns = now_ns };
	(void)snprintf(pool->name, sizeof(pool->name), "%s", signal->pool);
	err = sl_pressure_pool_new(&pool->workers, &options, now_ns);
	if (!err)
		err = sl_table_new(&pool->routers, &routers);
	if (err)
		release(pool);
	return err;
}

static int find(struct pool **ret, struct sl_agent_pools *pools, const struct sl_signal *signal,
		uint64_t now_ns)
{
	int err;

	for (size_t i = 0; i < pools->count; i++)
		if (pools->at[i].work == signal->work &&
		    strcmp(pools->at[i].name, signal->pool) == 0) {
			*ret = &pools->at[i];
			return 0;
		}
	if (pools->count == SL_AGENT_POOLS_MAX)
		return -ENOSPC;
	err = begin(&pools->at[pools->count], pools, signal, now_ns);
	if (!err)
		*ret = &pools->at[pools->count++];
	return err;
}

/* Has a worker ever spoken, and not fallen silent? */
static bool workers_speak(const struct sl_pool_view *view)
{
	return view->counts.signals_total > 0 && view->state != SL_PRESSURE_STALE;
}

/* What both sides say together. True: the state is another. */
static bool judge(struct sl_agent_pools *pools, struct pool *pool, uint64_t now_ns)
{
	const struct sl_pool_view view = sl_pressure_pool_view(pool->workers);
	const bool speak = workers_speak(&view);
	enum sl_pressure_state state = speak ? view.state : SL_PRESSURE_OK;
	double pressure = speak ? view.pressure : 0;
	const struct router *router;
	uint32_t at = 0, count = 0;

	while ((router = sl_table_next(pool->routers, &at, now_ns))) {
		/* One that hears nobody does not know. */
		if (router->state == SL_PRESSURE_STALE)
			continue;
		count++;
		state = router->state > state ? router->state : state;
		pressure = router->pressure > pressure ? router->pressure : pressure;
	}
	pool->router_count = count;
	if (!speak && !count)
		state = SL_PRESSURE_STALE;
	else
		pool->pressure = pressure;
	if (state == pool->state)
		return false;
	pool->state = state;
	pool->since_ns = now_ns;
	pools->stats.transitions_total++;
	return true;
}

/* ---- signals and time -------------------------------------------------------------------- */

static int hear_router(struct pool *pool, const struct sl_signal *signal, uint64_t now_ns)
{
	const struct sl_span name = sl_span_of(signal->source);
	const struct sl_table_key key = sl_table_key(pool->routers, &name, 1);
	struct router *router = sl_table_get(pool->routers, key, now_ns);

	if (router && !sl_signal_is_newer(signal->epoch, signal->seq, router->epoch, router->seq))
		return -ESTALE;
	if (signal->leaving) {
		sl_table_remove(pool->routers, key);
		return 0;
	}
	router = sl_table_put(pool->routers, key, now_ns);
	*router = (struct router){ signal->epoch, signal->seq, signal->state, signal->pressure };
	return 0;
}

int sl_agent_pools_hear(struct sl_agent_pools *pools, const struct sl_signal *signal,
			uint64_t now_ns)
{
	struct pool *pool = NULL;
	int err = find(&pool, pools, signal, now_ns);

	pools->stats.signals_total++;
	if (err) {
		pools->stats.refused_total++;
		return err;
	}
	err = signal->role == SL_SIGNAL_ROUTER
		      ? hear_router(pool, signal, now_ns)
		      : sl_pressure_pool_hear(pool->workers, signal, now_ns);
	if (err < 0) {
		pools->stats.old_total += err == -ESTALE;
		return err;
	}
	pool->heard_ns = now_ns;
	return judge(pools, pool, now_ns);
}

bool sl_agent_pools_tick(struct sl_agent_pools *pools, uint64_t random, uint64_t now_ns)
{
	bool changed = false;
	size_t at = 0;

	while (at < pools->count) {
		struct pool *pool = &pools->at[at];

		if (sl_pressure_pool_is_over(pool->workers, now_ns) &&
		    now_ns - pool->heard_ns >= SL_PRESSURE_STALE_NS) {
			release(pool);
			*pool = pools->at[--pools->count];
			continue;
		}
		(void)sl_pressure_pool_tick(pool->workers, random, now_ns);
		changed = judge(pools, pool, now_ns) || changed;
		at++;
	}
	return changed;
}

/* ---- what others see ----------------------------------------------------------------------- */

size_t sl_agent_pools_count(const struct sl_agent_pools *pools)
{
	return pools->count;
}

static double done_of(const struct pool *pool)
{
	struct sl_signal sum;

	sl_pressure_pool_signal(&sum, pool->workers);
	return sum.done_per_s;
}

static double busy_of(const struct pool *pool)
{
	struct sl_signal sum;

	sl_pressure_pool_signal(&sum, pool->workers);
	return sl_signal_busy(&sum);
}

struct sl_agent_pool_view sl_agent_pools_view(const struct sl_agent_pools *pools, size_t at)
{
	const struct pool *pool = &pools->at[at];
	const struct sl_pool_view view = sl_pressure_pool_view(pool->workers);

	return (struct sl_agent_pool_view){
		.name = pool->name,
		.work = pool->work,
		.state = pool->state,
		.since_ns = pool->since_ns,
		.pressure = pool->pressure,
		.done_per_s = done_of(pool),
		.workers = view.workers,
		.routers = pool->router_count,
		.signal_ns = pool->heard_ns,
	};
}

static bool is_worse(const struct pool *pool, const struct sl_agent_pools_sum *than)
{
	return !than->worst[0] || pool->state > than->state ||
	       (pool->state == than->state && pool->pressure > than->pressure);
}

struct sl_agent_pools_sum sl_agent_pools_sum(const struct sl_agent_pools *pools)
{
	struct sl_agent_pools_sum ret = { .worst = "" };
	size_t speaking = 0, stopped = 0;

	for (size_t i = 0; i < pools->count; i++) {
		const struct pool *pool = &pools->at[i];

		if (pool->state == SL_PRESSURE_STALE)
			continue;
		speaking++;
		stopped += pool->state == SL_PRESSURE_STOP;
		ret.done_per_s += done_of(pool);
		if (!is_worse(pool, &ret))
			continue;
		ret.state = pool->state;
		ret.pressure = pool->pressure;
		ret.busy = busy_of(pool);
		ret.worst = pool->name;
	}
	if (pools->count && !speaking)
		ret.state = SL_PRESSURE_STALE;
	else if (ret.state == SL_PRESSURE_STOP && stopped < speaking)
		ret.state = SL_PRESSURE_SHED;
	return ret;
}

struct sl_agent_pools_stats sl_agent_pools_stats(const struct sl_agent_pools *pools)
{
	return pools->stats;
}
