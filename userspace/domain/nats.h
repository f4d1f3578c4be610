/* SPDX-License-Identifier: Apache-2.0 */
/* Where NATS is, as plain data: the mapping `nats` of a configuration. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SL_CONF_NATS_URLS_BYTES 512
#define SL_CONF_NATS_USER_BYTES 65
#define SL_CONF_NATS_PATH_BYTES 256

/* Empty texts: not given. */
struct sl_conf_nats {
	char servers[SL_CONF_NATS_URLS_BYTES];
	char user[SL_CONF_NATS_USER_BYTES];
	char password_file[SL_CONF_NATS_PATH_BYTES];
	char credentials_file[SL_CONF_NATS_PATH_BYTES];
	char nkey_seed_file[SL_CONF_NATS_PATH_BYTES];
	char tls_ca_file[SL_CONF_NATS_PATH_BYTES];
	char tls_cert_file[SL_CONF_NATS_PATH_BYTES];
	char tls_key_file[SL_CONF_NATS_PATH_BYTES];
	bool tls;
	uint64_t connect_timeout_ns;
	uint64_t reconnect_wait_ns;
	uint64_t ping_interval_ns;
	uint32_t replicas; /* of streams and buckets; 0: 1, and what is there stays */
};
