/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's configuration file (docs/ops/worker.md).
 *
 * Owner:  sl_worker_config_clear() frees the lists of what was read.
 */
#pragma once

#include "userspace/conf/nats.h"
#include "userspace/domain/backoff.h"
#include "userspace/domain/exec.h"
#include "userspace/pressure/signal.h"

#define SL_WORKER_CONCURRENCY_MAX 256u
#define SL_WORKER_QUEUE_MAX	  4096u
#define SL_WORKER_URL_BYTES	  1024
#define SL_WORKER_SETTINGS_BYTES  4096

enum sl_handler_kind {
	SL_HANDLER_ECHO,
	SL_HANDLER_SIMULATE,
	SL_HANDLER_HTTP,
	SL_HANDLER_PLUGIN,
};

/* All kinds in one: what a kind does not know must keep its default. */
struct sl_handler_config {
	unsigned int line;
	char name[SL_EXEC_TYPE_BYTES];
	int kind; /* enum sl_handler_kind */
	char (*types)[SL_EXEC_TYPE_BYTES];
	size_t type_count; /* 0: every type */
	char (*providers)[SL_EXEC_ID_BYTES];
	size_t provider_count; /* 0: every provider */

	double cost; /* of a job that was done: simulate and http */

	uint64_t latency_ns; /* simulate */
	uint64_t jitter_ns;
	double failure_rate;
	uint64_t seed;

	char url[SL_WORKER_URL_BYTES]; /* http */
	uint64_t timeout_ns;
	uint64_t response_bytes_max;
	bool idempotent;
	char authorization_file[SL_CONF_NATS_PATH_BYTES];
	char ca_file[SL_CONF_NATS_PATH_BYTES];

	char path[SL_CONF_NATS_PATH_BYTES]; /* plugin */
	char settings[SL_WORKER_SETTINGS_BYTES];
};

struct sl_worker_config {
	uint32_t version;
	char worker_id[SL_EXEC_ID_BYTES];
	char tenant_id[SL_EXEC_ID_BYTES]; /* in heartbeats */
	struct sl_conf_nats nats;
	uint32_t concurrency;
	uint32_t queue;
	uint32_t pull_ahead;
	uint32_t max_deliver;
	uint32_t remember;
	uint64_t ack_wait_ns;
	uint64_t reject_delay_ns;
	struct sl_backoff backoff; /* none: 1, 2, 4 times reject_delay */
	uint64_t drain_grace_ns;
	uint64_t heartbeat_ns;
	char pressure_pool[SL_SIGNAL_NAME_BYTES];
	int pressure_class;   /* enum sl_work_class */
	int dead_letter_body; /* enum sl_dead_body */
	char metrics_address[SL_ADDRESS_BYTES];
	uint16_t metrics_port; /* 0: none */
	struct sl_handler_config *handlers;
	size_t handler_count;
};

extern const struct sl_conf_schema sl_worker_schema;

/* As sl_conf_read_file(); @path may be NULL. */
int sl_worker_config_load(struct sl_worker_config *ret, const char *path, char *const *environment,
			  struct sl_conf_error *error);
void sl_worker_config_clear(struct sl_worker_config *config);

/* The first handler for a job; NULL when there is none. */
const struct sl_handler_config *sl_worker_config_handler(const struct sl_worker_config *config,
							 const char *provider_id, const char *type);
