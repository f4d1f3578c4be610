// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/redis/redis_private.h"

#define MS_NS 1000000ull
#define S_NS  1000000000ull

#define CONNECT_NS	 (250 * MS_NS)
#define COMMAND_NS	 (250 * MS_NS)
#define TIMEOUT_NS_MAX	 (10 * S_NS)
#define CALLS_MAX	 1024u
#define RECONNECT_MIN_NS (50 * MS_NS)
#define RECONNECT_MAX_NS (2 * S_NS)
#define RESOLVE_NS	 (2 * S_NS)  /* sentinels */
#define MAP_NS		 (30 * S_NS) /* a cluster */
#define FAILURES	 5u
#define OPEN_NS		 S_NS

static int refuse(struct sl_redis_error_text *error, const char *what, const char *value)
{
	(void)snprintf(error->message, sizeof(error->message), "%s: %.150s", what, value);
	return -EINVAL;
}

/* What is in digits can be used at once. */
static int add_one(struct sl_redis_settings *settings, const struct sl_redis_address *address,
		   struct sl_redis_error_text *error)
{
	if (settings->name_count == SL_REDIS_ADDRESSES_MAX)
		return refuse(error, "addresses", "more than 16");
	settings->names[settings->name_count++] = *address;
	if (sl_redis_host_is_numeric(address->host))
		settings->addresses[settings->address_count++] = *address;
	return 0;
}

static int add_address(struct sl_redis_settings *settings, struct sl_span text,
		       struct sl_redis_error_text *error)
{
	const uint16_t port = settings->mode == SL_REDIS_SENTINEL ? SL_REDIS_SENTINEL_PORT
								  : SL_REDIS_PORT_DEFAULT;
	char shown[SL_REDIS_ADDRESS_TEXT_BYTES];
	struct sl_redis_address address;

	while (text.length && text.at[0] == ' ')
		text = (struct sl_span){ text.at + 1, text.length - 1 };
	while (text.length && text.at[text.length - 1] == ' ')
		text.length--;
	if (sl_redis_parse_address(&address, text, port)) {
		(void)snprintf(shown, sizeof(shown), "%.*s",
			       (int)(text.length < 100 ? text.length : 100), text.at);
		return refuse(error, "addresses: want host:port or [IPv6]:port, not", shown);
	}
	return add_one(settings, &address, error);
}

static int add_addresses(struct sl_redis_settings *settings, const char *text,
			 struct sl_redis_error_text *error)
{
	if (!text || !*text)
		return refuse(error, "addresses", "not given");
	for (;;) {
		const size_t length = strcspn(text, ",");
		const int err = add_address(settings, (struct sl_span){ text, length }, error);

		if (err)
			return err;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

static int check_file(const char *what, const char *path, struct sl_redis_error_text *error)
{
	int saved;

	if (!path || access(path, R_OK) == 0)
		return 0;
	saved = errno;
	(void)snprintf(error->message, sizeof(error->message), "%s %.150s: %s", what, path,
		       strerror(saved));
	return -EINVAL;
}

static int check(const struct sl_redis_options *options, struct sl_redis_error_text *error)
{
	const bool sentinel = options->mode == SL_REDIS_SENTINEL;
	int err = check_file("password_file", options->password_file, error);

	if (options->tls) {
		(void)refuse(error, "tls",
			     "hiredis 0.14 has none: use a tunnel on this host (stunnel)");
		return -EPROTONOSUPPORT;
	}
	if (!err)
		err = check_file("sentinel_password_file", options->sentinel_password_file, error);
	if (err)
		return err;
	if ((unsigned int)options->mode > SL_REDIS_CLUSTER)
		return refuse(error, "mode", "standalone, sentinel or cluster");
	if (sentinel != (options->master && options->master[0]))
		return refuse(error, "master", "is the name that sentinels know it by, with them");
	if (options->mode == SL_REDIS_CLUSTER && options->database)
		return refuse(error, "database", "a cluster has only 0");
	if (options->password && options->password_file)
		return refuse(error, "password_file", "there is a password already");
	if (options->password && strlen(options->password) >= SL_REDIS_PASSWORD_BYTES - 2)
		return refuse(error, "password", "too long");
	if (options->user && !options->password_file && !options->password)
		return refuse(error, "user", "needs a password_file");
	if (options->sentinel_user && !options->sentinel_password_file)
		return refuse(error, "sentinel_user", "needs a sentinel_password_file");
	return 0;
}

static uint64_t or_else(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static int read_numbers(struct sl_redis_settings *settings, const struct sl_redis_options *options,
			struct sl_redis_error_text *error)
{
	settings->database = options->database;
	settings->calls_max = options->calls_max ? options->calls_max : CALLS_MAX;
	settings->connect_timeout_ns = or_else(options->connect_timeout_ns, CONNECT_NS);
	settings->command_timeout_ns = or_else(options->command_timeout_ns, COMMAND_NS);
	settings->reconnect.min_ns = or_else(options->reconnect_min_ns, RECONNECT_MIN_NS);
	settings->reconnect.max_ns = or_else(options->reconnect_max_ns, RECONNECT_MAX_NS);
	settings->resolve_ns = or_else(options->resolve_ns,
				       settings->mode == SL_REDIS_CLUSTER ? MAP_NS : RESOLVE_NS);
	/* Failures in a row only: a share of errors says nothing of a server alone. */
	settings->breaker = (struct sl_breaker_limits){
		.failures = options->breaker_failures ? options->breaker_failures : FAILURES,
		.successes = 1,
		.open_ns = or_else(options->breaker_open_ns, OPEN_NS),
		.half_open_calls = 1,
		.error_rate = 2,
		.calls_min = UINT32_MAX,
		.window_ns = S_NS,
		.latency_ns = UINT64_MAX,
	};
	if (settings->connect_timeout_ns > TIMEOUT_NS_MAX ||
	    settings->command_timeout_ns > TIMEOUT_NS_MAX)
		return refuse(error, "timeouts", "more than 10 s");
	if (settings->reconnect.min_ns > settings->reconnect.max_ns)
		return refuse(error, "reconnect", "the shortest wait is longer than the longest");
	return 0;
}

static int copy(char **ret, const char *text)
{
	if (!text || !*text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int copy_texts(struct sl_redis_settings *settings, const struct sl_redis_options *options)
{
	int err = copy(&settings->master, options->master);

	if (!err)
		err = copy(&settings->user, options->user);
	if (!err)
		err = copy(&settings->password_file, options->password_file);
	if (!err)
		err = copy(&settings->password, options->password);
	if (!err)
		err = copy(&settings->sentinel_user, options->sentinel_user);
	if (!err)
		err = copy(&settings->sentinel_password_file, options->sentinel_password_file);
	return err;
}

int sl_redis_settings_read(struct sl_redis_settings *ret, const struct sl_redis_options *options,
			   struct sl_redis_error_text *error)
{
	struct sl_redis_settings settings = { .mode = options->mode };
	int err = check(options, error);

	if (!err)
		err = add_addresses(&settings, options->addresses, error);
	if (!err)
		err = read_numbers(&settings, options, error);
	if (!err)
		err = copy_texts(&settings, options);
	if (err)
		sl_redis_settings_clear(&settings);
	else
		*ret = settings;
	return err;
}

void sl_redis_settings_clear(struct sl_redis_settings *settings)
{
	free(settings->master);
	free(settings->user);
	free(settings->password_file);
	if (settings->password)
		explicit_bzero(settings->password, strlen(settings->password));
	free(settings->password);
	free(settings->sentinel_user);
	free(settings->sentinel_password_file);
	*settings = (struct sl_redis_settings){ 0 };
}

int sl_redis_check(const struct sl_redis_options *options, struct sl_redis_error_text *error)
{
	struct sl_redis_settings settings;
	const int err = sl_redis_settings_read(&settings, options, error);

	if (!err)
		sl_redis_settings_clear(&settings);
	return err;
}
