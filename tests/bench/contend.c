// SPDX-License-Identifier: Apache-2.0
/*
 * One tenant on two CPUs at once: what a verdict over XDP_PASS costs on the first while
 * the second judges packets of the same tenant, as a ratio to while the second only
 * passes packets. Both CPUs are busy in all cases: what they share in hardware (threads
 * of a core, caches, clock speed) is no difference between the cases.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "xdp_bare.skel.h"

#define ROUNDS	     25
#define PACKETS	     500000u
#define CHUNK	     20000u
#define PORT_CALM    443
#define PORT_OVER    444
#define NEIGHBOR_CPU 1

static const char yaml[] =
	"version: 1\n"
	"sizes: {tenants: 16, services: 64}\n"
	"services:\n"
	"  - {address: 192.0.2.1, port: 443, protocol: udp, tenant: calm}\n"
	"  - {address: 192.0.2.1, port: 444, protocol: udp, tenant: over}\n"
	"tenants:\n"
	"  - {name: calm, ingress: {packets_per_s: 100M, packets_burst: 100M, bytes_per_s: 40GB,"
	" bytes_burst: 40GB}}\n"
	"  - {name: over, ingress: {packets_per_s: 1, packets_burst: 1}}\n";

struct side {
	int prog_fd;
	struct sl_bench_frame frame;
	uint32_t verdict;
};

struct neighbor {
	struct side side;
	atomic_bool is_running;
	atomic_bool must_stop;
};

static void *work(void *argument)
{
	struct neighbor *n = argument;
	uint32_t verdict;

	sl_bench_pin(NEIGHBOR_CPU);
	while (!atomic_load(&n->must_stop)) {
		(void)sl_bench_run(&verdict, n->side.prog_fd, &n->side.frame, CHUNK);
		atomic_store(&n->is_running, true);
	}
	return NULL;
}

/* ns per packet of @own while the other CPU does @other. */
static double measure(const struct side *own, const struct side *other)
{
	struct neighbor neighbor = { .side = *other };
	pthread_t thread;
	uint32_t verdict;
	double ns;

	if (pthread_create(&thread, NULL, work, &neighbor) != 0)
		sl_bench_die("no second thread");
	while (!atomic_load(&neighbor.is_running))
		(void)usleep(100);
	ns = sl_bench_run(&verdict, own->prog_fd, &own->frame, PACKETS);
	atomic_store(&neighbor.must_stop, true);
	(void)pthread_join(thread, NULL);
	if (verdict != own->verdict)
		sl_bench_die("verdict %u instead of %u", verdict, own->verdict);
	return ns;
}

static void measure_side(const char *name, const struct side *side, const struct side *floor)
{
	struct sl_samples ratio = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double floor_ns = measure(floor, floor);
		double alone_ns = measure(side, floor) - floor_ns;
		double both_ns = measure(side, side) - floor_ns;

		if (alone_ns <= 0)
			continue; /* disturbed: a verdict is never cheaper than none */
		sl_samples_add(&ratio, both_ns / alone_ns);
	}
	if (ratio.count < ROUNDS / 2)
		sl_bench_die("%s: the machine is too busy to tell", name);
	sl_bench_print(name, NULL, &ratio);
}

int main(void)
{
	struct sl_config *config = sl_bench_config(yaml, strlen(yaml));
	struct xdp_bare_bpf *bare = xdp_bare_bpf__open_and_load();
	struct sl_bench_node node;
	struct side floor, drop, pass;

	if (!bare)
		sl_bench_die("cannot load the program to compare with: %s", strerror(errno));
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		sl_bench_die("two CPUs are needed");
	sl_bench_pin(0);
	sl_bench_enter_namespace();
	sl_bench_node_open(&node, config);
	sl_config_free(config);

	floor = (struct side){ .prog_fd = bpf_program__fd(bare->progs.pass),
			       .frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_OVER),
			       .verdict = XDP_PASS };
	drop = (struct side){ .prog_fd = node.xdp_fd, .frame = floor.frame, .verdict = XDP_DROP };
	pass = (struct side){ .prog_fd = node.xdp_fd,
			      .frame = sl_bench_frame(SL_BENCH_SOURCE, PORT_CALM),
			      .verdict = XDP_PASS };
	sl_bench_hold(floor.prog_fd);
	sl_bench_hold(node.xdp_fd);
	measure_side("verdict.service.drop.cpu2_over_cpu1", &drop, &floor);
	measure_side("verdict.service.pass.cpu2_over_cpu1", &pass, &floor);
	return EXIT_SUCCESS;
}
