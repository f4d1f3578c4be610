// SPDX-License-Identifier: Apache-2.0
/*
 * How much of its limit does a tenant get when two CPUs offer it far more? Admitted
 * packets (bytes) in percent of rate * time + burst, for rates and bursts with either
 * clock, and for load on both CPUs, on one, and uneven.
 *
 * The coarse clock steps by a tick: a run begins at a step and its time is counted to
 * the last one, whose credit is spent by then. A run in which the first CPU was taken
 * away for so long that the bucket may have filled has not offered enough: it is
 * repeated.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "tests/harness/clock.h"
#include "userspace/dataplane/counters_read.h"

#define REPEATS	    3
#define TRIES	    20 /* for REPEATS good ones */
#define RUN_NS	    200000000ull
#define CHUNK	    1000u
#define REST_NS_MAX 1000000u
#define PORT_FIRST  1000
#define CPUS	    2

static const struct limit {
	const char *ingress;
	double per_s;
	double burst;
	bool in_bytes;
} limits[] = {
	{ "packets_per_s: 1M, packets_burst: 100k", 1e6, 1e5, false },
	{ "packets_per_s: 1M, packets_burst: 5k", 1e6, 5e3, false },
	{ "packets_per_s: 100k, packets_burst: 10k", 1e5, 1e4, false },
	{ "packets_per_s: 10k, packets_burst: 100", 1e4, 100, false },
	{ "bytes_per_s: 50MB, bytes_burst: 5MB", 5e7, 5e6, true },
	{ "bytes_per_s: 50MB, bytes_burst: 500kB", 5e7, 5e5, true },
};

/* How long each CPU rests after each run of packets, as a multiple of that run. */
static const struct skew {
	const char *name;
	unsigned rest[CPUS];
	bool only_first;
} skews[] = {
	{ "both", { 0, 0 }, false },
	{ "one", { 0, 0 }, true },
	{ "uneven", { 0, 10 }, false },
};

#define LIMITS	(sizeof(limits) / sizeof(*limits))
#define SKEWS	(sizeof(skews) / sizeof(*skews))
#define TENANTS (LIMITS * SKEWS * TRIES)

struct worker {
	pthread_t thread;
	int cpu;
	int prog_fd;
	unsigned rest;
	struct sl_bench_frame frame;
	uint64_t start_ns;
	uint64_t stop_ns;
	/* set by the worker */
	uint64_t end_ns;
	uint64_t longest_ns; /* between two ends of CHUNK packets */
};

static uint64_t coarse_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Just after a step of the coarse clock. */
static uint64_t wait_for_step(void)
{
	uint64_t before = coarse_ns();

	while (coarse_ns() == before)
		;
	return sl_now_ns();
}

static void *work(void *argument)
{
	struct worker *w = argument;
	uint32_t verdict;

	sl_bench_pin(w->cpu);
	while (sl_now_ns() < w->start_ns)
		;
	w->end_ns = w->start_ns;
	while (w->end_ns < w->stop_ns) {
		uint64_t began_ns = w->end_ns;

		(void)sl_bench_run(&verdict, w->prog_fd, &w->frame, CHUNK);
		w->end_ns = sl_now_ns();
		if (w->end_ns - began_ns > w->longest_ns)
			w->longest_ns = w->end_ns - began_ns;
		if (w->rest) {
			uint64_t rest_ns = (w->end_ns - began_ns) * w->rest;

			sl_sleep_until(w->end_ns + (rest_ns < REST_NS_MAX ? rest_ns : REST_NS_MAX));
		}
	}
	return NULL;
}

/* What the time is by @limit's clock. */
static uint64_t clocked_ns(const struct limit *limit, uint64_t ns, uint64_t tick_ns)
{
	bool is_coarse = limit->burst / limit->per_s * 1e9 >= 4 * (double)tick_ns;

	return is_coarse ? ns / tick_ns * tick_ns : ns;
}

/* The time from the first packet to the last, or 0 when not enough was offered. */
static uint64_t offer(const struct sl_bench_node *node, const struct limit *limit,
		      const struct skew *skew, uint16_t port)
{
	struct worker workers[CPUS];
	int count = skew->only_first ? 1 : CPUS;
	uint64_t tick_ns = sl_dataplane_tick_ns(node->dataplane);
	uint64_t start_ns = wait_for_step() + 2 * tick_ns;
	uint64_t end_ns = 0;

	for (int i = 0; i < count; i++) {
		workers[i] = (struct worker){ .cpu = i,
					      .prog_fd = node->xdp_fd,
					      .rest = skew->rest[i],
					      .frame = sl_bench_frame(SL_BENCH_SOURCE, port),
					      .start_ns = start_ns,
					      .stop_ns = start_ns + RUN_NS + tick_ns / 2 };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			sl_bench_die("no thread");
	}
	for (int i = 0; i < count; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		if (workers[i].end_ns > end_ns)
			end_ns = workers[i].end_ns;
	}
	if ((double)workers[0].longest_ns > limit->burst / limit->per_s * 1e9 * 0.9 ||
	    end_ns > workers[0].stop_ns + tick_ns * 2 / 5)
		return 0;
	return clocked_ns(limit, end_ns - start_ns, tick_ns);
}

/* A negative number: not enough was offered. */
static double percent(const struct sl_bench_node *node, const struct limit *limit,
		      const struct skew *skew, unsigned number)
{
	struct sl_counters counters;
	char name[16];
	uint64_t ns = offer(node, limit, skew, (uint16_t)(PORT_FIRST + number));
	double admitted;

	if (ns == 0)
		return -1;
	(void)snprintf(name, sizeof(name), "t%u", number);
	if (sl_counters_read_one(&counters, NULL, sl_dataplane_maps(node->dataplane),
				 sl_bench_tenant(node, name), NULL) != 0)
		sl_bench_die("cannot read the counters");
	admitted = (double)(limit->in_bytes ? counters.ingress.pass.bytes
					    : counters.ingress.pass.packets);
	return 100 * admitted / (limit->per_s * (double)ns / 1e9 + limit->burst);
}

static double median_percent(const struct sl_bench_node *node, const struct limit *limit,
			     const struct skew *skew, unsigned first)
{
	struct sl_samples good = { 0 };

	for (unsigned i = 0; i < TRIES && good.count < REPEATS; i++) {
		double value = percent(node, limit, skew, first + i);

		if (value >= 0)
			sl_samples_add(&good, value);
	}
	if (good.count < REPEATS)
		sl_bench_die("accuracy: the machine is too busy to offer %s steadily",
			     limit->ingress);
	printf("# %s, %s: %.3f %% [%.3f .. %.3f]\n", limit->ingress, skew->name,
	       sl_samples_median(&good), sl_samples_min(&good), sl_samples_max(&good));
	return sl_samples_median(&good);
}

/* A tenant for each run: its bucket is full. */
static struct sl_config *make_config(void)
{
	struct sl_config *config;
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		sl_bench_die("no memory for a configuration");
	(void)fputs("version: 1\nsizes: {tenants: 1024, services: 1024}\n"
		    "overhead_bytes: {ingress: 0, egress: 0}\ntenants:\n",
		    out);
	for (unsigned i = 0; i < TENANTS; i++)
		(void)fprintf(out, "  - {name: t%u, ingress: {%s}}\n", i,
			      limits[i / (SKEWS * TRIES)].ingress);
	(void)fputs("services:\n", out);
	for (unsigned i = 0; i < TENANTS; i++)
		(void)fprintf(out,
			      "  - {address: 192.0.2.1, port: %u, protocol: udp, tenant: t%u}\n",
			      PORT_FIRST + i, i);
	if (fclose(out) != 0)
		sl_bench_die("no memory for a configuration");
	config = sl_bench_config(text, length);
	free(text);
	return config;
}

/* The medians of all cases: the least and the most of them are the result. */
int main(void)
{
	struct sl_samples least = { 0 }, most = { 0 }, medians = { 0 };
	struct sl_config *config = make_config();
	struct sl_bench_node node;

	if (sysconf(_SC_NPROCESSORS_ONLN) < CPUS)
		sl_bench_die("two CPUs are needed");
	sl_bench_enter_namespace();
	sl_bench_node_open(&node, config);
	sl_config_free(config);
	sl_bench_hold(node.xdp_fd);

	for (unsigned i = 0; i < LIMITS * SKEWS; i++)
		sl_samples_add(&medians, median_percent(&node, &limits[i / SKEWS],
							&skews[i % SKEWS], i * TRIES));
	sl_samples_add(&least, sl_samples_min(&medians));
	sl_samples_add(&most, sl_samples_max(&medians));
	sl_bench_print("accuracy.min_percent", NULL, &least);
	sl_bench_print("accuracy.max_percent", NULL, &most);
	return EXIT_SUCCESS;
}
