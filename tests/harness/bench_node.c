// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/bench_node.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/clock.h"
#include "userspace/conf/conf.h"
#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/pins.h"
#include "userspace/dataplane/sync.h"
#include "userspace/domain/plan.h"

#define SEED 42 /* the same tables in each run */

struct sl_config *sl_bench_config(const char *yaml, size_t length)
{
	struct sl_config *config = NULL;
	struct sl_conf_error error;

	if (sl_conf_parse(&config, "bench", yaml, length, &error) != 0)
		sl_bench_die("%s", error.message);
	return config;
}

void sl_bench_node_open(struct sl_bench_node *node, const struct sl_config *config)
{
	char pin_dir[SL_CONFIG_PATH_BYTES];
	struct sl_dataplane_options options = {
		.pin_dir = pin_dir, .sizes = config->sizes, .hash_seed = SEED, .now_ns = sl_now_ns()
	};
	struct sl_dp_error error;

	(void)snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/sl-bench-%d", (int)getpid());
	if (sl_dataplane_open(&node->dataplane, &options, &error) != 0) {
		(void)sl_pin_remove_tree(pin_dir, NULL);
		sl_bench_die("%s", error.message);
	}
	if (sl_pin_remove_tree(pin_dir, &error) != 0)
		sl_bench_die("%s", error.message);
	node->xdp_fd = sl_dataplane_prog_fd(node->dataplane, "sl_xdp_ingress");
	sl_bench_node_apply(node, config);
}

void sl_bench_node_apply(const struct sl_bench_node *node, const struct sl_config *config)
{
	struct sl_maps *maps = sl_dataplane_maps(node->dataplane);
	const struct sl_maps_view *view = sl_maps_view(maps);
	struct sl_plan_input input = { .names = view->names,
				       .tenants = view->tenants,
				       .services4_lines = view->services4_lines,
				       .services6_lines = view->services6_lines,
				       .now_ns = sl_now_ns(),
				       .tick_ns = sl_dataplane_tick_ns(node->dataplane),
				       .seed = SEED };
	struct sl_text_error text_error;
	struct sl_dp_error error;
	struct sl_plan *plan = NULL;

	if (sl_plan_make(&plan, config, &input, &text_error) != 0)
		sl_bench_die("plan: %s", text_error.message);
	if (sl_sync_apply(NULL, maps, plan, "", &error) != 0)
		sl_bench_die("apply: %s", error.message);
	sl_plan_free(plan);
}

void sl_bench_node_close(struct sl_bench_node *node)
{
	sl_dataplane_close(node->dataplane);
	node->dataplane = NULL;
}

uint32_t sl_bench_tenant(const struct sl_bench_node *node, const char *name)
{
	const struct sl_maps_view *view = sl_maps_view(sl_dataplane_maps(node->dataplane));

	for (uint32_t id = 0; id < view->tenants; id++) {
		if (strcmp(view->names[id].name, name) == 0)
			return id;
	}
	sl_bench_die("no tenant %s", name);
}

void sl_bench_bind_flows(const struct sl_bench_node *node, uint32_t first, uint32_t count,
			 uint16_t port, uint32_t tenants)
{
	const struct sl_maps *maps = sl_dataplane_maps(node->dataplane);
	struct sl_flow_spec flow = { .remote = { .family = 4 },
				     .local = { .family = 4 },
				     .remote_port = SL_BENCH_SOURCE_PORT,
				     .local_port = port,
				     .protocol = IPPROTO_UDP };
	struct sl_dp_error error;

	(void)inet_pton(AF_INET, SL_BENCH_TARGET, flow.local.bytes);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t address = htonl(first + i);

		memcpy(flow.remote.bytes, &address, sizeof(address));
		flow.tenant = 1 + i % tenants;
		if (sl_flow_bind(maps, &flow, &error) != 0)
			sl_bench_die("%s", error.message);
	}
}
