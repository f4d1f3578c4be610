/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of /metrics. Private to exporter*.c. The names are an interface:
 * docs/ops/metrics.md lists them, dashboards use them.
 */
#pragma once

#include "userspace/agent/agent_private.h"
#include "userspace/obs/metrics.h"

/* Room for the page: 65,536 tenants with a few series each. */
#define SL_EXPORT_BYTES_MAX (128u << 20)

void sl_export_agent(struct sl_metrics *page, const struct sl_agent *agent);
void sl_export_node(struct sl_metrics *page, const struct sl_agent *agent);
void sl_export_maps(struct sl_metrics *page, struct sl_agent *agent);

/* -ENOMEM, or why the counters could not be read. */
int sl_export_tenants(struct sl_metrics *page, const struct sl_agent *agent);
