// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/nats.h"

#define MS_NS 1000000ull
#define S_NS  1000000000ull

#define SET(member) SL_CONF_MEMBER(sl_conf_nats, member)

static const struct sl_choice schemes[] = { { "nats", 0 }, { "tls", 1 }, { NULL, 0 } };

static const struct sl_conf_field fields[] = {
	{ "servers", &sl_conf_urls, .fallback = "nats://127.0.0.1:4222", SET(servers),
	  .choices = schemes, .help = "Servers of one cluster, with commas between them." },
	{ "user", &sl_conf_text, .fallback = "", SET(user),
	  .help = "A user's name; its password comes from password_file." },
	{ "password_file", &sl_conf_file, .fallback = "", SET(password_file),
	  .help = "A file whose first line is the password." },
	{ "credentials_file", &sl_conf_file, .fallback = "", SET(credentials_file),
	  .help = "A user's JWT and seed (.creds)." },
	{ "nkey_seed_file", &sl_conf_file, .fallback = "", SET(nkey_seed_file),
	  .help = "The seed of an NKey." },
	{ "tls", &sl_conf_bool, .fallback = "false", SET(tls), .help = "Insist on TLS." },
	{ "tls_ca_file", &sl_conf_file, .fallback = "", SET(tls_ca_file),
	  .help = "Who may have signed the server's certificate." },
	{ "tls_cert_file", &sl_conf_file, .fallback = "", SET(tls_cert_file),
	  .help = "The certificate shown to the server." },
	{ "tls_key_file", &sl_conf_file, .fallback = "", SET(tls_key_file), .help = "Its key." },
	{ "connect_timeout", &sl_conf_duration, .fallback = "2s", SET(connect_timeout_ns),
	  .min = 10 * MS_NS, .max = 60 * S_NS, .help = "How long one server may take to answer." },
	{ "reconnect_wait", &sl_conf_duration, .fallback = "250ms", SET(reconnect_wait_ns),
	  .min = MS_NS, .max = 60 * S_NS,
	  .help = "Between two tries; jitter is added. Tries never end." },
	{ "ping_interval", &sl_conf_duration, .fallback = "5s", SET(ping_interval_ns),
	  .min = 100 * MS_NS, .max = 600 * S_NS,
	  .help = "Two pings without an answer end a connection." },
	{ "replicas", &sl_conf_integer, SET(replicas), .min = 1, .max = 5,
	  .help = "Of each stream and bucket that is made, 1 unless it is given; one that is there "
		  "gets no fewer." },
};
const struct sl_conf_table sl_conf_nats_table = { "Where NATS is.", SL_CONF_TABLE(fields), 0 };
