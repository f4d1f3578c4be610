/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of gateway.yaml. Private to gateway/. */
#pragma once

#include "userspace/conf/table.h"

extern const struct sl_conf_schema sl_settings_schema;
extern const struct sl_conf_table sl_settings_backpressure_table;
extern const struct sl_conf_table sl_settings_abuse_table;
extern const struct sl_conf_table sl_settings_distributed_table;

struct sl_settings;

/* What `distributed` comes to; refuses what cannot be. */
int sl_settings_distributed_complete(struct sl_conf_context *ctx, struct sl_settings *settings);
