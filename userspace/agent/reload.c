// SPDX-License-Identifier: Apache-2.0
/* A new configuration: all of it or nothing. */
#include "userspace/agent/agent_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/conf/conf.h"

int sl_agent_read_config(struct sl_config **ret, const struct sl_agent_options *options,
			 struct sl_agent_error *error)
{
	struct sl_conf_error why = { .message = "" };
	struct sl_config *config = NULL;
	int err = sl_conf_load(&config, options->config_path, &why);

	if (err)
		return sl_agent_fail(error, err, "%s", why.message);
	err = sl_options_apply(options, config);
	if (err) {
		sl_config_free(config);
		return sl_agent_fail(error, err, "a path of the command line is too long");
	}
	*ret = config;
	return 0;
}

/* Maps have one size for life. */
static int check_sizes(const struct sl_config *now, const struct sl_config *then,
		       struct sl_agent_error *error)
{
	const struct {
		const char *key;
		uint64_t now;
		uint64_t then;
	} sizes[] = {
		{ "tenants", now->sizes.tenants, then->sizes.tenants },
		{ "flows", now->sizes.flows, then->sizes.flows },
		{ "services", now->sizes.services, then->sizes.services },
		{ "prefixes", now->sizes.prefixes, then->sizes.prefixes },
		{ "blocks", now->sizes.blocks, then->sizes.blocks },
		{ "cells", now->sizes.cells, then->sizes.cells },
		{ "sockets", now->sizes.sockets, then->sizes.sockets },
		{ "events_bytes", now->sizes.events_bytes, then->sizes.events_bytes },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].now != sizes[i].then)
			return sl_agent_fail(
				error, -EINVAL,
				"sizes.%s: %llu became %llu; that needs a restart with --migrate",
				sizes[i].key, (unsigned long long)sizes[i].now,
				(unsigned long long)sizes[i].then);
	return 0;
}

/* Where this agent is found, and where it finds others. */
static int check_texts(const struct sl_config *now, const struct sl_config *then,
		       struct sl_agent_error *error)
{
	const struct sl_redis_spec *redis = &now->redis, *redis_then = &then->redis;
	const struct sl_conf_nats *nats = &now->nats, *nats_then = &then->nats;
	const struct {
		const char *key;
		const char *now;
		const char *then;
	} texts[] = {
		{ "paths.pin_dir", now->pin_dir, then->pin_dir },
		{ "paths.socket", now->socket_path, then->socket_path },
		{ "paths.gateway_socket", now->gateway_socket_path, then->gateway_socket_path },
		{ "paths.state_dir", now->state_dir, then->state_dir },
		{ "paths.cgroup", now->cgroup_dir, then->cgroup_dir },
		{ "metrics.address", now->metrics_address, then->metrics_address },
		{ "quota.node", now->quota.node, then->quota.node },
		{ "quota.prefix", now->quota.prefix, then->quota.prefix },
		{ "quota.redis.addresses", redis->addresses, redis_then->addresses },
		{ "quota.redis.master", redis->master, redis_then->master },
		{ "quota.redis.user", redis->user, redis_then->user },
		{ "quota.redis.password_file", redis->password_file, redis_then->password_file },
		{ "quota.redis.sentinel_user", redis->sentinel_user, redis_then->sentinel_user },
		{ "quota.redis.sentinel_password_file", redis->sentinel_password_file,
		  redis_then->sentinel_password_file },
		{ "nats.servers", nats->servers, nats_then->servers },
		{ "nats.user", nats->user, nats_then->user },
		{ "nats.password_file", nats->password_file, nats_then->password_file },
		{ "nats.credentials_file", nats->credentials_file, nats_then->credentials_file },
		{ "nats.nkey_seed_file", nats->nkey_seed_file, nats_then->nkey_seed_file },
		{ "nats.tls_ca_file", nats->tls_ca_file, nats_then->tls_ca_file },
		{ "nats.tls_cert_file", nats->tls_cert_file, nats_then->tls_cert_file },
		{ "nats.tls_key_file", nats->tls_key_file, nats_then->tls_key_file },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].now, texts[i].then) != 0)
			return sl_agent_fail(
				error, -EINVAL,
				"%s: \"%.150s\" became \"%.150s\"; that needs a restart",
				texts[i].key, texts[i].now, texts[i].then);
	return 0;
}

static int check_numbers(const struct sl_config *now, const struct sl_config *then,
			 struct sl_agent_error *error)
{
	const struct sl_redis_spec *redis = &now->redis, *redis_then = &then->redis;
	const struct sl_conf_nats *nats = &now->nats, *nats_then = &then->nats;
	const struct {
		const char *key;
		uint64_t now;
		uint64_t then;
	} numbers[] = {
		{ "quota.buckets", now->quota.buckets, then->quota.buckets },
		{ "quota.redis.mode", (uint64_t)redis->mode, (uint64_t)redis_then->mode },
		{ "quota.redis.database", redis->database, redis_then->database },
		{ "quota.redis.tls", redis->tls, redis_then->tls },
		{ "quota.redis.connect_timeout", redis->connect_timeout_ns,
		  redis_then->connect_timeout_ns },
		{ "quota.redis.command_timeout", redis->command_timeout_ns,
		  redis_then->command_timeout_ns },
		{ "nats", now->has_nats, then->has_nats },
		{ "nats.tls", nats->tls, nats_then->tls },
		{ "nats.connect_timeout", nats->connect_timeout_ns, nats_then->connect_timeout_ns },
		{ "nats.reconnect_wait", nats->reconnect_wait_ns, nats_then->reconnect_wait_ns },
		{ "nats.ping_interval", nats->ping_interval_ns, nats_then->ping_interval_ns },
		{ "nats.replicas", nats->replicas, nats_then->replicas },
	};

	if (now->metrics_port != then->metrics_port)
		return sl_agent_fail(error, -EINVAL,
				     "metrics.port: %u became %u; that needs a restart",
				     now->metrics_port, then->metrics_port);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].now != numbers[i].then)
			return sl_agent_fail(error, -EINVAL, "%s changed; that needs a restart",
					     numbers[i].key);
	return 0;
}

static int reload(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_config *config = NULL;
	uint64_t read_ns = sl_monotonic_ns();
	int err = sl_agent_read_config(&config, &agent->options, error);

	if (!config)
		return err;
	err = check_sizes(agent->config, config, error);
	if (!err)
		err = check_texts(agent->config, config, error);
	if (!err)
		err = check_numbers(agent->config, config, error);
	if (!err)
		err = sl_agent_apply(agent, config, &agent->overrides, error);
	if (err) {
		sl_config_free(config);
		return err;
	}
	sl_config_free(agent->config);
	agent->config = config;
	agent->config_read_ns = read_ns;
	sl_agent_take_interfaces(agent);
	return 0;
}

int sl_agent_reload(struct sl_agent *agent, struct sl_agent_error *error)
{
	int err = reload(agent, error);

	agent->stats.reloads_total++;
	if (err) {
		agent->stats.reload_failures_total++;
		(void)snprintf(agent->config_error, sizeof(agent->config_error), "%s",
			       error->message);
		sl_log(agent->log, SL_LOG_ERROR,
		       "new configuration refused; the last good one stays in force",
		       SL_STR("error", error->message));
		return err;
	}
	agent->config_error[0] = '\0';
	sl_log(agent->log, SL_LOG_INFO, "configuration reloaded",
	       SL_NUM("generation", sl_maps_view(agent->maps)->ctl->config_generation),
	       SL_NUM("tenants", agent->config->tenant_count),
	       SL_NUM("services", agent->config->service_count),
	       SL_NUM("took_us", agent->stats.apply_ns / 1000));
	return 0;
}
