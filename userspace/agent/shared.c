// SPDX-License-Identifier: Apache-2.0
/* Limits that are of all nodes together: this node's part in them, and its turn. */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "userspace/agent/agent_private.h"
#include "userspace/agent/quota_terms.h"
#include "userspace/base/clock.h"
#include "userspace/redis/options.h"

#define TICK_MS	  100
#define NS_PER_MS 1000000u

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent *agent = arg;

	(void)fd;
	(void)what;
	sl_quota_tick(agent->quota, agent->maps, sl_monotonic_ns());
}

static bool has_global(const struct sl_config *config)
{
	for (size_t i = 0; i < config->tenant_count; i++)
		for (int kind = 0; kind < SL_QUOTA_KINDS; kind++)
			if (sl_quota_is_global(&config->tenants[i], (enum sl_quota_kind)kind))
				return true;
	return false;
}

static int start_timer(struct sl_agent *agent)
{
	const struct timeval every = { .tv_usec = TICK_MS * 1000 };

	agent->quota_timer = event_new(agent->base, -1, EV_PERSIST, on_tick, agent);
	return agent->quota_timer && event_add(agent->quota_timer, &every) == 0 ? 0 : -ENOMEM;
}

static int join(struct sl_agent *agent, const struct sl_config *config,
		struct sl_agent_error *error)
{
	struct sl_redis_error_text why = { .message = "" };
	char host[SL_WIRE_NODE_BYTES] = "";
	uint64_t seed = sl_agent_seed();
	struct sl_quota_options options;
	int err;

	if (!config->quota.node[0] && gethostname(host, sizeof(host) - 1) != 0)
		return sl_agent_fail(error, -errno, "quota.node: this host has no name: %s",
				     strerror(errno));
	options = (struct sl_quota_options){
		.redis = sl_redis_options_of(&config->redis, seed),
		.node = config->quota.node[0] ? config->quota.node : host,
		.prefix = config->quota.prefix,
		.buckets = config->quota.buckets,
		/* Of two agents of one name the younger one is right. */
		.incarnation = (int64_t)(sl_wall_ns() / NS_PER_MS),
		.maps = agent->maps,
		.seed = seed,
		.log = agent->log,
	};
	err = sl_quota_new(&agent->quota, agent->base, &options, &why);
	if (!err)
		err = start_timer(agent);
	if (!err) {
		sl_log(agent->log, SL_LOG_INFO, "sharing global limits",
		       SL_STR("node", options.node), SL_STR("redis", config->redis.addresses));
		return 0;
	}
	sl_agent_leave(agent);
	return sl_agent_fail(error, err, "quota.redis: %s",
			     why.message[0] ? why.message : strerror(-err));
}

int sl_agent_share(struct sl_agent *agent, const struct sl_config *effective, struct sl_plan *plan,
		   struct sl_agent_error *error)
{
	int err = 0;

	if (!agent->quota && has_global(effective))
		err = join(agent, effective, error);
	if (!err && agent->quota)
		sl_quota_take(agent->quota, effective, plan, sl_dataplane_tick_ns(agent->dataplane),
			      sl_monotonic_ns());
	return err;
}

void sl_agent_leave(struct sl_agent *agent)
{
	struct sl_quota *quota = agent->quota;

	if (agent->quota_timer)
		event_free(agent->quota_timer);
	agent->quota_timer = NULL;
	/* Who waits for an answer gets one now, and what he asks next finds no limits. */
	agent->quota = NULL;
	sl_quota_free(quota);
}
