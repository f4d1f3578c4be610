/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sluice in the kernel as the agent would have it: a configuration read, planned and
 * applied to maps of its sizes. Nothing of it is left pinned, so that the kernel
 * takes it away with this process, however that ends.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/loader.h"
#include "userspace/domain/config.h"

struct sl_bench_node {
	struct sl_dataplane *dataplane;
	int xdp_fd; /* of sl_xdp_ingress */
};

/* Ends the program when it does not work. @yaml: a whole configuration. */
struct sl_config *sl_bench_config(const char *yaml, size_t length);
void sl_bench_node_open(struct sl_bench_node *node, const struct sl_config *config);
void sl_bench_node_apply(const struct sl_bench_node *node, const struct sl_config *config);
void sl_bench_node_close(struct sl_bench_node *node);

uint32_t sl_bench_tenant(const struct sl_bench_node *node, const char *name);

/* Binds UDP from @first + i (host order), i < @count, port 1234, to @port of 192.0.2.1,
 * each to the tenant 1 + i % @tenants. */
void sl_bench_bind_flows(const struct sl_bench_node *node, uint32_t first, uint32_t count,
			 uint16_t port, uint32_t tenants);
