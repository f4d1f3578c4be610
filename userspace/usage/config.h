/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file of the usage ledger (docs/ops/usage.md). */
#pragma once

#include "userspace/conf/nats.h"

#define SL_USAGE_PATH_BYTES 256
#define SL_USAGE_BATCH_MAX  5000u

struct sl_usage_config {
	uint32_t version;
	struct sl_conf_nats nats;
	char ledger[SL_USAGE_PATH_BYTES];
	uint32_t batch;
	uint64_t batch_wait_ns;
	uint64_t ack_wait_ns;
	uint64_t retention_ns; /* SL_DURATION_NEVER: kept for good */
	uint64_t run_quiet_ns;
	uint32_t runs_open;
	int dead_letter_body; /* enum sl_dead_body */
	char metrics_address[SL_ADDRESS_BYTES];
	uint16_t metrics_port; /* 0: none */
};

extern const struct sl_conf_schema sl_usage_schema;

/* As sl_conf_read_file(). */
int sl_usage_config_load(struct sl_usage_config *ret, const char *path, char *const *environment,
			 struct sl_conf_error *error);
