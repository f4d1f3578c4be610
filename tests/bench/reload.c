// SPDX-License-Identifier: Apache-2.0
/*
 * A new configuration of 10,000 tenants, each with limits, a service and a prefix: how
 * long from the parsed file until the packet path goes by it, and from the file's text.
 * From one to the next every limit changes, and a tenth of the prefixes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "tests/harness/clock.h"

#define TENANTS 10000u
#define RELOADS 13

struct text {
	char *text;
	size_t length;
};

static struct text write_config(unsigned version)
{
	struct text ret = { 0 };
	FILE *out = open_memstream(&ret.text, &ret.length);

	if (!out)
		sl_bench_die("no memory for a configuration");
	(void)fputs("version: 1\nsizes: {tenants: 16384, services: 16384, prefixes: 16384}\n"
		    "tenants:\n",
		    out);
	for (unsigned i = 0; i < TENANTS; i++) {
		unsigned network = i % 10 ? i : i + version % 2 * TENANTS;

		(void)fprintf(out,
			      "  - name: tenant-%u\n"
			      "    sources: [10.%u.%u.0/24]\n"
			      "    ingress: {packets_per_s: %u, bytes_per_s: 10MB}\n",
			      i, network >> 8, network & 0xff, 1000 + version);
	}
	(void)fputs("services:\n", out);
	for (unsigned i = 0; i < TENANTS; i++)
		(void)fprintf(out,
			      "  - {address: 192.0.%u.%u, port: 443, protocol: tcp, "
			      "tenant: tenant-%u}\n",
			      i >> 8, i & 0xff, i);
	if (fclose(out) != 0)
		sl_bench_die("no memory for a configuration");
	return ret;
}

static double ms_since(uint64_t began_ns)
{
	return (double)(sl_now_ns() - began_ns) / 1e6;
}

/* The cost of a packet by the live limits. */
static uint64_t live_cost(const struct sl_bench_node *node)
{
	const struct sl_maps_view *view = sl_maps_view(sl_dataplane_maps(node->dataplane));
	uint32_t half = (view->ctl->epoch & 1) * view->tenants;

	return view->limits[half + sl_bench_tenant(node, "tenant-7")].ingress.packets.cost;
}

int main(void)
{
	struct sl_samples to_live = { 0 }, whole = { 0 };
	struct sl_bench_node node;
	struct text text = write_config(0);
	struct sl_config *config = sl_bench_config(text.text, text.length);

	sl_bench_node_open(&node, config);
	sl_config_free(config);
	free(text.text);
	for (unsigned version = 1; version <= RELOADS; version++) {
		uint64_t cost = live_cost(&node);
		uint64_t began_ns, parsed_ns;

		text = write_config(version);
		began_ns = sl_now_ns();
		config = sl_bench_config(text.text, text.length);
		parsed_ns = sl_now_ns();
		sl_bench_node_apply(&node, config);
		sl_samples_add(&to_live, ms_since(parsed_ns));
		sl_samples_add(&whole, ms_since(began_ns));
		sl_config_free(config);
		free(text.text);
		if (live_cost(&node) >= cost)
			sl_bench_die("reload %u is not live", version);
	}
	sl_bench_print("reload.tenants10k_ms", NULL, &to_live);
	sl_bench_print("reload.tenants10k_parse_to_live_ms", NULL, &whole);
	sl_bench_node_close(&node);
	return EXIT_SUCCESS;
}
