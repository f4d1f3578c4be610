/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping `distributed`: limits of tenants that are counted in Redis. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/conf/redis.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/settings_tables.h"

#define S_NS	     1000000000ull
#define HOST_DEFAULT "127.0.0.1"

#define MEMBER(key) SL_CONF_MEMBER(sl_settings, distributed.key)

static const struct sl_choice answers[] = {
	{ "true", 1 }, { "false", 2 }, { "1", 1 }, { "0", 2 }, { NULL, 0 }
};

static const struct sl_choice modes[] = {
	{ "local", SL_WINDOW_LOCAL + 1 },
	{ "redis", SL_WINDOW_REDIS + 1 },
	{ "hybrid", SL_WINDOW_HYBRID + 1 },
	{ NULL, 0 },
};

static const struct sl_choice schemes[] = { { "redis", 0 }, { "rediss", 0 }, { NULL, 0 } };

static const struct sl_conf_field fields[] = {
	{ "enabled", &sl_conf_choice, MEMBER(enabled), .choices = answers,
	  .help = "false: as `mode: local`, whatever `mode` says. true: without a `mode`, "
		  "`redis`. Left out: as `mode` says." },
	{ "mode", &sl_conf_choice, MEMBER(mode), .choices = modes,
	  .help = "local: each node counts for itself. redis: all gateways count together, in "
		  "Redis, and each request waits for it. hybrid: who is over the limit of this node "
		  "is refused by it, the others are counted in Redis. Left out: local." },
	{ "fallback_to_local", &sl_conf_bool, .fallback = "true", MEMBER(fallback_to_local),
	  .help = "When Redis does not count a request in time. true: this node's own count "
		  "decides. false: it is answered 503 `unavailable`." },
	{ "prefix", &sl_conf_word, .fallback = "ratelimit", MEMBER(prefix),
	  .help = "Of the keys: `PREFIX:{TENANT}:CLASS:SECONDS`." },
	{ "requests_max", &sl_conf_count, .fallback = "1024", MEMBER(requests_max), .min = 1,
	  .max = 65536,
	  .help = "Requests of one nginx worker that wait for Redis; with more it is as if Redis "
		  "were gone." },
	{ "uri", &sl_conf_url, MEMBER(uri), .choices = schemes,
	  .help = "`redis://[[USER]:PASS@]HOST[:PORT][/DATABASE]`, what it says "
		  "comes before `host`, `port` and `redis`. rediss is refused: there is no TLS." },
	{ "host", &sl_conf_text, MEMBER(host),
	  .help = "With `port` in place of `redis.addresses`." },
	{ "port", &sl_conf_integer, MEMBER(port), .min = 1, .max = 65535,
	  .help = "Left out: 6379. Without a host: of 127.0.0.1." },
	{ "redis", .table = &sl_conf_redis_table, MEMBER(redis) },
};

const struct sl_conf_table sl_settings_distributed_table = {
	"Where the limits of tenants are counted (gateway.md). `redis.command_timeout` is how long a "
	"request waits for Redis at most.",
	SL_CONF_TABLE(fields), 0
};

static int copy(struct sl_conf_context *ctx, char *ret, size_t size, const char *text)
{
	if (strlen(text) >= size)
		return sl_conf_refuse(ctx, "distributed.uri", "user or host: too long");
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int take_uri(struct sl_conf_context *ctx, struct sl_settings *settings)
{
	struct sl_redis_spec *redis = &settings->distributed.redis;
	struct sl_redis_uri uri;
	const char *why = "";
	int r;

	r = sl_redis_uri_parse(&uri, sl_span_of(settings->distributed.uri), &why);
	explicit_bzero(settings->distributed.uri, sizeof(settings->distributed.uri));
	if (r)
		return sl_conf_refuse(ctx, "distributed.uri", "%s", why);
	r = copy(ctx, redis->addresses, sizeof(redis->addresses), uri.address);
	if (!r && uri.password[0]) {
		r = copy(ctx, redis->user, sizeof(redis->user), uri.user);
		redis->password_file[0] = '\0';
		memcpy(settings->distributed.password, uri.password, sizeof(uri.password));
	}
	if (uri.database)
		redis->database = uri.database;
	explicit_bzero(&uri, sizeof(uri));
	return r;
}

static int take_host(struct sl_conf_context *ctx, struct sl_settings *settings)
{
	struct sl_redis_spec *redis = &settings->distributed.redis;
	const char *host = settings->distributed.host;
	struct sl_redis_address address;
	/* An IPv6 address, as it is written without a port. */
	const bool bare = strchr(host, ':') && host[0] != '[';
	const int length = snprintf(redis->addresses, sizeof(redis->addresses), "%s%s%s:%u",
				    bare ? "[" : "", host[0] ? host : HOST_DEFAULT, bare ? "]" : "",
				    settings->distributed.port ? settings->distributed.port
							       : SL_REDIS_PORT_DEFAULT);

	if (length < 0 || (size_t)length >= sizeof(redis->addresses) ||
	    sl_redis_parse_address(&address, sl_span_of(redis->addresses), 0))
		return sl_conf_refuse(ctx, "distributed.host",
				      "want a name or an address, without a port");
	return 0;
}

static int choose(struct sl_conf_context *ctx, struct sl_settings *settings)
{
	const int enabled = settings->distributed.enabled, mode = settings->distributed.mode;

	if (enabled == 1 && mode == SL_WINDOW_LOCAL + 1)
		return sl_conf_refuse(ctx, "distributed.mode",
				      "local, but distributed.enabled is true: redis or hybrid");
	settings->distributed.in_force = SL_WINDOW_LOCAL;
	if (enabled != 2 && mode)
		settings->distributed.in_force = (enum sl_window_mode)(mode - 1);
	else if (enabled == 1)
		settings->distributed.in_force = SL_WINDOW_REDIS;
	if (settings->distributed.in_force != SL_WINDOW_LOCAL && settings->limits.window_ns % S_NS)
		return sl_conf_refuse(ctx, "limits.window",
				      "whole seconds are wanted where Redis counts");
	return 0;
}

int sl_settings_distributed_complete(struct sl_conf_context *ctx, struct sl_settings *settings)
{
	int r = choose(ctx, settings);

	if (!r && settings->distributed.uri[0])
		return take_uri(ctx, settings);
	if (!r && (settings->distributed.host[0] || settings->distributed.port))
		return take_host(ctx, settings);
	return r;
}
