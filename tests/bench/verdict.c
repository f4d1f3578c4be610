// SPDX-License-Identifier: Apache-2.0
/*
 * What a verdict costs over XDP_PASS, by each way to find the tenant: the service, a
 * prefix among 1,000, a bound flow among 65,536 and among a million; and what refusing
 * a spoofed flood costs, which is tenant 0's. Beside xdp-filter, which knows no limits.
 * Each program sees the same packets as its floor, in turns.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "userspace/dataplane/counters_read.h"
#include "mutate.skel.h"
#include "xdp_bare.skel.h"

#define ROUNDS	       15
#define PACKETS	       500000u
#define RANDOM_ROUNDS  9
#define RANDOM_PACKETS 300000u
#define WARM_PACKETS   200000u
#define PREFIXES       1000u
#define FLOWS_64K      65536u
#define FLOWS_1M       1048576u
#define TENANTS_MANY   65535u
#define TENANTS_SOME   1023u
#define DENIED_SOURCE  0xc6336409u /* 198.51.100.9 */
#define FLOW_SOURCES   0x0a000000u /* 10.0.0.0, as sl_bench_bind_flows() is told */
#define SPOOFED	       0xc6120000u /* 198.18.0.0/15, as make demo's attacker */
#define SPOOFED_MASK   0x1ffffu

enum {
	PORT_CALM = 443,
	PORT_OVER,
	PORT_SOURCES,
	PORT_FLOWS,
	PORT_FINE,
	PORT_NOBODYS
};

/* A path through a program. Those with a mask are sent to it by the mutator. */
struct path {
	const char *name; /* NULL: a floor */
	const char *peer;
	int prog_fd;
	struct sl_bench_frame frame;
	uint32_t base, mask; /* of the sources */
	uint32_t verdict;
	const struct path *floor;
	double cost_ns; /* of this round */
	struct sl_samples over_ns;
};

struct bench {
	struct sl_bench_node calm, strangers, flows_64k, flows_64k_of_1k, flows_1m;
	struct xdp_bare_bpf *bare;
	struct mutate_bpf *mutate;
	struct path paths[20];
	size_t count;
};

static struct path *add(struct bench *b, struct path path)
{
	if (b->count == sizeof(b->paths) / sizeof(*b->paths))
		sl_bench_die("too many paths");
	b->paths[b->count] = path;
	return &b->paths[b->count++];
}

/* ---- configurations ---------------------------------------------------------- */

static const char calm_yaml[] =
	"version: 1\n"
	"sizes: {tenants: 2048, services: 64, prefixes: 2048}\n"
	"defaults:\n"
	"  ingress: {packets_per_s: 100M, packets_burst: 10M, bytes_per_s: 40GB, bytes_burst: "
	"4GB}\n"
	"services:\n"
	"  - {address: 192.0.2.1, port: 443, protocol: udp, tenant: calm}\n"
	"  - {address: 192.0.2.1, port: 444, protocol: udp, tenant: over}\n"
	"  - {address: 192.0.2.1, port: 445, protocol: udp}\n"
	"  - {address: 192.0.2.1, port: 447, protocol: udp, tenant: fine}\n"
	"tenants:\n"
	"  - {name: calm}\n"
	"  - {name: over, ingress: {packets_per_s: 1, packets_burst: 1}}\n"
	"  - {name: fine, ingress: {packets_per_s: 100M, packets_burst: 100k}}\n";

/* What a flood meets in make demo: prefixes that are not its, and a limit it is far over. */
static const char strangers_yaml[] = "version: 1\n"
				     "services:\n"
				     "  - {address: 192.0.2.1, port: 448, protocol: udp}\n"
				     "tenants:\n"
				     "  - {name: steady, sources: [10.1.0.0/24]}\n"
				     "  - {name: noisy, sources: [10.2.0.0/24]}\n"
				     "unknown:\n"
				     "  packets_per_s: 1\n"
				     "  packets_burst: 1\n"
				     "  source: {packets_per_s: 20, packets_burst: 10}\n";

static struct sl_config *finish(FILE *out, char **text, const size_t *length)
{
	struct sl_config *config;

	if (fclose(out) != 0)
		sl_bench_die("no memory for a configuration");
	config = sl_bench_config(*text, *length);
	free(*text);
	return config;
}

/*
 * Prefixes of 20 to 32 bits, spread over 10.0.0.0/12: a step by an odd number comes to
 * each of them once. The packet's source is in the first.
 */
static struct sl_config *calm_config(void)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		sl_bench_die("no memory for a configuration");
	(void)fputs(calm_yaml, out);
	for (unsigned i = 0; i < PREFIXES; i++) {
		unsigned bits = 20 + (i + 4) % 13;
		unsigned number = i * 40503u & ((1u << (bits - 12)) - 1);
		uint32_t prefix = 10u << 24 | number << (32 - bits);

		(void)fprintf(out, "  - {name: p%u, sources: [%u.%u.%u.%u/%u]}\n", i, prefix >> 24,
			      prefix >> 16 & 0xff, prefix >> 8 & 0xff, prefix & 0xff, bits);
	}
	return finish(out, &text, &length);
}

static struct sl_config *flows_config(uint32_t flows, uint32_t tenants)
{
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		sl_bench_die("no memory for a configuration");
	(void)fprintf(out,
		      "version: 1\n"
		      "sizes: {tenants: %u, services: 64, flows: %u}\n"
		      "defaults:\n"
		      "  ingress: {packets_per_s: 1M, packets_burst: 1M, bytes_per_s: 1GB}\n"
		      "services:\n"
		      "  - {address: 192.0.2.1, port: %d, protocol: udp, bind: true}\n"
		      "tenants:\n",
		      tenants + 1, flows, PORT_FLOWS);
	for (uint32_t i = 0; i < tenants; i++)
		(void)fprintf(out, "  - {name: t%u}\n", i);
	return finish(out, &text, &length);
}

static void open_node(struct sl_bench_node *node, struct sl_config *config)
{
	sl_bench_node_open(node, config);
	sl_config_free(config);
}

static void open_flows_node(struct sl_bench_node *node, uint32_t flows, uint32_t tenants)
{
	open_node(node, flows_config(flows, tenants));
	sl_bench_bind_flows(node, FLOW_SOURCES, flows, PORT_FLOWS, tenants);
}

/* ---- programs ----------------------------------------------------------------- */

static int open_xdp_filter(void)
{
	const uint32_t denied = __builtin_bswap32(DENIED_SOURCE);
	int cpus = libbpf_num_possible_cpus();
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *map;
	uint64_t value[64];
	glob_t found;

	if (glob("/usr/lib*/{*/,}bpf/xdpfilt_alw_ip.o", GLOB_BRACE, NULL, &found) != 0)
		sl_bench_die("xdp-filter is not installed: scripts/setup.sh");
	object = bpf_object__open_file(found.gl_pathv[0], NULL);
	globfree(&found);
	program = object ? bpf_object__find_program_by_name(object, "xdpfilt_alw_ip") : NULL;
	if (!program)
		sl_bench_die("xdpfilt_alw_ip.o has no such program");
	(void)bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
	bpf_object__for_each_map (map, object)
		(void)bpf_map__set_pin_path(map, NULL);
	if (bpf_object__load(object) != 0)
		sl_bench_die("cannot load xdpfilt_alw_ip.o");

	if (cpus < 1 || cpus > 64)
		sl_bench_die("%d CPUs are not expected here", cpus);
	for (size_t i = 0; i < 64; i++)
		value[i] = 1; /* its flag for "as a source" */
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "filter_ipv4"), &denied,
				value, BPF_ANY) != 0)
		sl_bench_die("xdp-filter takes no rule: %s", strerror(errno));
	return bpf_program__fd(program);
}

static void open_programs(struct bench *b)
{
	b->bare = xdp_bare_bpf__open_and_load();
	b->mutate = mutate_bpf__open_and_load();
	if (!b->bare || !b->mutate)
		sl_bench_die("cannot load the programs to compare with: %s", strerror(errno));
	sl_bench_hold(bpf_program__fd(b->bare->progs.pass));
	sl_bench_hold(bpf_program__fd(b->mutate->progs.mutate));
}

static void add_hot_paths(struct bench *b)
{
	struct sl_bench_frame calm = sl_bench_frame(SL_BENCH_SOURCE, PORT_CALM);
	struct sl_bench_frame denied = sl_bench_frame(DENIED_SOURCE, PORT_CALM);
	const struct path *floor =
		add(b, (struct path){ .prog_fd = bpf_program__fd(b->bare->progs.pass),
				      .frame = calm,
				      .verdict = XDP_PASS });
	struct path path = { .prog_fd = b->calm.xdp_fd, .floor = floor, .verdict = XDP_PASS };
	int filter = open_xdp_filter();

	sl_bench_hold(b->calm.xdp_fd);
	sl_bench_hold(filter);
	path.name = "verdict.service.pass.over_floor_ns";
	path.frame = calm;
	add(b, path);
	path.name = "verdict.service_ktime.pass.over_floor_ns";
	path.frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_FINE);
	add(b, path);
	path.name = "verdict.lpm1k.pass.over_floor_ns";
	path.frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_SOURCES);
	add(b, path);
	path.name = "verdict.service.drop.over_floor_ns";
	path.frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_OVER);
	path.verdict = XDP_DROP;
	add(b, path);

	path.peer = "xdp-filter";
	path.prog_fd = filter;
	path.frame = denied;
	add(b, path);
	path.name = "verdict.service.pass.over_floor_ns";
	path.frame = calm;
	path.verdict = XDP_PASS;
	add(b, path);
}

static void add_flow_paths(struct bench *b, const char *name, const struct sl_bench_node *node,
			   uint32_t flows)
{
	struct path floor = { .prog_fd = bpf_program__fd(b->mutate->progs.mutate_pass),
			      .frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_FLOWS),
			      .base = FLOW_SOURCES,
			      .mask = flows - 1,
			      .verdict = XDP_PASS };
	struct path path = floor;

	path.floor = add(b, floor);
	path.name = name;
	path.prog_fd = node->xdp_fd;
	add(b, path);
}

/* The key of mutate.bpf.c. */
struct flow_key {
	uint32_t remote, local; /* network order, as the ports */
	uint16_t remote_port, local_port;
	uint8_t protocol;
	uint8_t pad[3];
};

static void fill_bare_flows(int fd, uint32_t flows)
{
	const uint64_t value = 1;

	for (uint32_t i = 0; i < flows; i++) {
		const struct flow_key key = { .remote = htonl(0x0a000000 + i),
					      .local = inet_addr(SL_BENCH_TARGET),
					      .remote_port = htons(SL_BENCH_SOURCE_PORT),
					      .local_port = htons(PORT_FLOWS),
					      .protocol = IPPROTO_UDP };

		if (bpf_map_update_elem(fd, &key, &value, BPF_ANY) != 0)
			sl_bench_die("cannot fill a hash map: %s", strerror(errno));
	}
}

/* Beside the flows: the lookup alone, by the kernel's hash map. */
static void add_bare_lookup(struct bench *b, const char *name)
{
	struct path path = b->paths[b->count - 1];

	fill_bare_flows(bpf_map__fd(b->mutate->maps.flows), FLOWS_64K);
	path.name = name;
	path.peer = "bpf_hash_lookup_alone";
	path.prog_fd = bpf_program__fd(b->mutate->progs.mutate_lookup);
	add(b, path);
}

static void add_flood(struct bench *b)
{
	struct path floor = { .prog_fd = bpf_program__fd(b->mutate->progs.mutate_pass),
			      .frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_NOBODYS),
			      .base = SPOOFED,
			      .mask = SPOOFED_MASK,
			      .verdict = XDP_PASS };
	struct path path = floor;

	path.floor = add(b, floor);
	path.name = "verdict.unknown.drop.over_floor_ns";
	path.prog_fd = b->strangers.xdp_fd;
	path.verdict = XDP_DROP;
	add(b, path);
}

/* ---- measuring ------------------------------------------------------------------ */

static double measure(const struct bench *b, const struct path *path)
{
	int next_fd = bpf_map__fd(b->mutate->maps.next);
	int prog_fd = path->prog_fd;
	const uint32_t zero = 0;
	uint32_t verdict;
	double ns;

	/* From random sources it is a question of caches, which other paths have filled. */
	if (path->mask) {
		b->mutate->bss->source_base = path->base;
		b->mutate->bss->source_mask = path->mask;
		if (bpf_map_update_elem(next_fd, &zero, &prog_fd, BPF_ANY) != 0)
			sl_bench_die("no tail call to the program: %s", strerror(errno));
		prog_fd = bpf_program__fd(b->mutate->progs.mutate);
		(void)sl_bench_run(&verdict, prog_fd, &path->frame, WARM_PACKETS);
	}
	ns = sl_bench_run(&verdict, prog_fd, &path->frame, path->mask ? RANDOM_PACKETS : PACKETS);
	if (verdict != path->verdict)
		sl_bench_die("%s: verdict %u instead of %u", path->name ? path->name : "floor",
			     verdict, path->verdict);
	return ns;
}

static bool is_in_round(const struct path *path, size_t round)
{
	return !path->mask || round < RANDOM_ROUNDS;
}

/* Each round begins elsewhere, so that no program always runs after the same other. */
static void run_round(struct bench *b, size_t round)
{
	for (size_t i = 0; i < b->count; i++) {
		struct path *path = &b->paths[(i + round) % b->count];

		if (is_in_round(path, round))
			path->cost_ns = measure(b, path);
	}
	for (size_t i = 0; i < b->count; i++) {
		struct path *path = &b->paths[i];

		if (path->name && is_in_round(path, round))
			sl_samples_add(&path->over_ns, path->cost_ns - path->floor->cost_ns);
	}
}

static void check_flows_hit(const struct sl_bench_node *node)
{
	struct sl_counters counters;

	if (sl_counters_read_one(&counters, NULL, sl_dataplane_maps(node->dataplane),
				 SL_TENANT_UNKNOWN, NULL) != 0)
		sl_bench_die("cannot read the counters");
	if (counters.ingress.pass.packets != 0)
		sl_bench_die("some packets were of no bound flow");
}

int main(void)
{
	static struct bench b;

	sl_bench_pin(0);
	sl_bench_enter_namespace();
	open_node(&b.calm, calm_config());
	open_node(&b.strangers, sl_bench_config(strangers_yaml, sizeof(strangers_yaml) - 1));
	open_flows_node(&b.flows_64k, FLOWS_64K, TENANTS_MANY);
	open_flows_node(&b.flows_64k_of_1k, FLOWS_64K, TENANTS_SOME);
	open_flows_node(&b.flows_1m, FLOWS_1M, TENANTS_MANY);
	open_programs(&b);
	add_hot_paths(&b);
	add_flood(&b);
	add_flow_paths(&b, "verdict.flow64k.pass.over_floor_ns", &b.flows_64k, FLOWS_64K);
	add_bare_lookup(&b, "verdict.flow64k.pass.over_floor_ns");
	add_flow_paths(&b, "verdict.flow64k_tenants1k.pass.over_floor_ns", &b.flows_64k_of_1k,
		       FLOWS_64K);
	add_flow_paths(&b, "verdict.flow1m.pass.over_floor_ns", &b.flows_1m, FLOWS_1M);

	for (size_t i = 0; i < b.count; i++)
		(void)measure(&b, &b.paths[i]); /* warm up */
	for (size_t round = 0; round < ROUNDS; round++)
		run_round(&b, round);
	check_flows_hit(&b.flows_64k);
	check_flows_hit(&b.flows_64k_of_1k);
	check_flows_hit(&b.flows_1m);
	for (size_t i = 0; i < b.count; i++) {
		if (b.paths[i].name)
			sl_bench_print(b.paths[i].name, b.paths[i].peer, &b.paths[i].over_ns);
	}
	return EXIT_SUCCESS;
}
