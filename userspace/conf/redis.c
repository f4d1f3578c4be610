// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/redis.h"

#define MS_NS 1000000ull
#define S_NS  1000000000ull

#define SET(member) SL_CONF_MEMBER(sl_redis_spec, member)

/* The numbers are those of enum sl_redis_mode. */
static const struct sl_choice modes[] = {
	{ "standalone", 0 },
	{ "sentinel", 1 },
	{ "cluster", 2 },
	{ NULL, 0 },
};

static const struct sl_conf_field fields[] = {
	{ "mode", &sl_conf_choice, .fallback = "standalone", SET(mode), .choices = modes,
	  .help = "standalone: the first of addresses that is a master; sentinel: addresses are "
		  "those of sentinels; cluster: some of its nodes." },
	{ "addresses", &sl_conf_text, .fallback = "127.0.0.1:6379", SET(addresses),
	  .help = "HOST:PORT, with commas between them; [ADDRESS]:PORT for IPv6. The addresses of a "
		  "name are asked for again when none of them answers." },
	{ "master", &sl_conf_text, .fallback = "", SET(master),
	  .help = "The name by which sentinels know the master; with mode: sentinel." },
	{ "user", &sl_conf_text, .fallback = "", SET(user),
	  .help = "A user of Redis; left out: the default one, when there is a password." },
	{ "password_file", &sl_conf_file, .fallback = "", SET(password_file),
	  .help = "A file whose first line is the password; read for each connection." },
	{ "sentinel_user", &sl_conf_text, .fallback = "", SET(sentinel_user),
	  .help = "A user of the sentinels." },
	{ "sentinel_password_file", &sl_conf_file, .fallback = "", SET(sentinel_password_file),
	  .help = "A file with its password." },
	{ "database", &sl_conf_integer, .fallback = "0", SET(database), .min = 0, .max = 1023,
	  .help = "Its number; a cluster has only 0." },
	{ "tls", &sl_conf_bool, .fallback = "false", SET(tls),
	  .help = "Refused at the start: the client library of Debian 12 has no TLS. Use a "
		  "proxy that has." },
	{ "connect_timeout", &sl_conf_duration, .fallback = "250ms", SET(connect_timeout_ns),
	  .min = 10 * MS_NS, .max = 10 * S_NS, .help = "Until a connection is ready to be used." },
	{ "command_timeout", &sl_conf_duration, .fallback = "250ms", SET(command_timeout_ns),
	  .min = 10 * MS_NS, .max = 10 * S_NS, .help = "Of a call, with all its tries." },
};
const struct sl_conf_table sl_conf_redis_table = { "Where Redis is.", SL_CONF_TABLE(fields), 0 };
