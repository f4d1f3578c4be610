// SPDX-License-Identifier: Apache-2.0
/*
 * How much of its limit does a tenant get when two CPUs offer it far more? Admitted
 * packets (bytes) in percent of rate * time + burst, for rates and bursts with either
 * clock, and for load on both CPUs, on one, and uneven.
 *
 * The first CPU offers without a pause, and its time counts. Where it is taken away for
 * so long that the bucket may have filled, the run is begun anew. The coarse clock
 * steps by a tick: a run begins at a step, its time counts to the last one, and it goes on
 * until the credit of that step is spent.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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

#define REPEATS	     3
#define TRIES	     40	   /* for REPEATS good ones */
#define TRIES_POLITE 10	   /* then before everything else that runs here */
#define PAUSE_US     20000 /* leaves the kernel its share of what comes first */
#define RUN_NS	     200000000ull
#define CHUNK	     1000u
#define STEP_SEEN_NS 20000u
#define SLOW_NS	     300000u /* a longer CHUNK was interrupted */
#define REST_NS_MAX  1000000u
#define PORT_FIRST   1000
#define CPUS	     2

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

/* How long the second CPU rests after each run of packets, as a multiple of that run. */
static const struct skew {
	const char *name;
	unsigned rest;
	bool only_first;
} skews[] = {
	{ "both", 0, false },
	{ "one", 0, true },
	{ "uneven", 10, false },
};

#define LIMITS	(sizeof(limits) / sizeof(*limits))
#define SKEWS	(sizeof(skews) / sizeof(*skews))
#define TENANTS (LIMITS * SKEWS * TRIES)

struct run {
	const struct limit *limit;
	const struct skew *skew;
	int prog_fd;
	struct sl_bench_frame frame;
	bool comes_first;
	uint64_t tick_ns;
	uint64_t start_ns;
	atomic_int others; /* that still offer */
	uint64_t end_ns;   /* of the first CPU; 0: not enough was offered */
};

struct worker {
	struct run *run;
	pthread_t thread;
	int cpu;
};

static uint64_t coarse_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * SL_NS_PER_S + (uint64_t)now.tv_nsec;
}

/*
 * Just after a step of the coarse clock, seen as it happens: what that clock then reads
 * is not when that was.
 */
static uint64_t wait_for_step(void)
{
	uint64_t seen_ns = coarse_ns();
	uint64_t before_ns = sl_now_ns();

	for (;;) {
		uint64_t coarse = coarse_ns();
		uint64_t now_ns = sl_now_ns();

		if (coarse != seen_ns && now_ns - before_ns < STEP_SEEN_NS)
			return now_ns;
		seen_ns = coarse;
		before_ns = now_ns;
	}
}

static void begin(const struct worker *w)
{
	const struct sched_param param = { .sched_priority = 1 };

	sl_bench_pin(w->cpu);
	if (w->run->comes_first) /* may fail in a container: then it is tried without */
		(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	while (sl_now_ns() < w->run->start_ns)
		;
}

static uint64_t offer_chunk(const struct run *run)
{
	uint32_t verdict;

	(void)sl_bench_run(&verdict, run->prog_fd, &run->frame, CHUNK);
	return sl_now_ns();
}

static void *offer_with_rests(void *argument)
{
	struct worker *w = argument;
	struct run *run = w->run;
	uint64_t now_ns = run->start_ns;

	begin(w);
	while (now_ns < run->start_ns + RUN_NS) {
		uint64_t began_ns = sl_now_ns();
		uint64_t rest_ns;

		now_ns = offer_chunk(run);
		rest_ns = (now_ns - began_ns) * run->skew->rest;
		if (rest_ns)
			sl_sleep_until(now_ns + (rest_ns < REST_NS_MAX ? rest_ns : REST_NS_MAX));
	}
	atomic_fetch_sub(&run->others, 1);
	return NULL;
}

/* In the middle of a tick, its credit spent, and the others are done. */
static bool may_end(struct run *run, uint64_t now_ns, uint64_t slow_at_ns)
{
	uint64_t phase_ns = (now_ns - run->start_ns) % run->tick_ns;

	return now_ns >= run->start_ns + RUN_NS && atomic_load(&run->others) == 0 &&
	       now_ns - slow_at_ns > run->tick_ns && phase_ns > run->tick_ns / 4 &&
	       phase_ns < run->tick_ns * 3 / 4;
}

/* Sets run->end_ns when the bucket was asked for all that it had, from the start on. */
static void *offer_steadily(void *argument)
{
	struct worker *w = argument;
	struct run *run = w->run;
	double fill_ns = run->limit->burst / run->limit->per_s * 1e9;
	uint64_t slow_at_ns = 0;
	uint64_t now_ns = run->start_ns;

	begin(w);
	while (!may_end(run, now_ns, slow_at_ns)) {
		uint64_t began_ns = now_ns;
		bool is_first = now_ns == run->start_ns;

		now_ns = offer_chunk(run);
		if (now_ns - began_ns > SLOW_NS)
			slow_at_ns = now_ns;
		/* At the start the bucket is full: it loses at once. */
		if ((is_first && slow_at_ns) || (double)(now_ns - began_ns) > fill_ns * 0.9)
			return NULL;
	}
	run->end_ns = now_ns;
	return NULL;
}

/* The time from the first packet to the last by the limit's clock; 0: begin anew. */
static uint64_t offer(struct run *run)
{
	bool is_coarse = run->limit->burst / run->limit->per_s * 1e9 >= 4 * (double)run->tick_ns;
	int count = run->skew->only_first ? 1 : CPUS;
	struct worker workers[CPUS];
	uint64_t ns;

	atomic_init(&run->others, count - 1);
	run->start_ns = wait_for_step() + 2 * run->tick_ns;
	for (int i = 0; i < count; i++) {
		workers[i] = (struct worker){ .run = run, .cpu = i };
		if (pthread_create(&workers[i].thread, NULL, i ? offer_with_rests : offer_steadily,
				   &workers[i]) != 0)
			sl_bench_die("no thread");
	}
	for (int i = 0; i < count; i++)
		(void)pthread_join(workers[i].thread, NULL);
	if (run->end_ns == 0)
		return 0;
	ns = run->end_ns - run->start_ns;
	return is_coarse ? ns / run->tick_ns * run->tick_ns : ns;
}

/* A negative number: not enough was offered. */
static double percent(const struct sl_bench_node *node, const struct limit *limit,
		      const struct skew *skew, unsigned number, bool comes_first)
{
	struct run run = { .limit = limit,
			   .skew = skew,
			   .prog_fd = node->xdp_fd,
			   .frame =
				   sl_bench_frame(SL_BENCH_SOURCE, (uint16_t)(PORT_FIRST + number)),
			   .comes_first = comes_first,
			   .tick_ns = sl_dataplane_tick_ns(node->dataplane) };
	struct sl_counters counters;
	uint64_t ns = offer(&run);
	char name[16];
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
		double value = percent(node, limit, skew, first + i, i >= TRIES_POLITE);

		if (value >= 0)
			sl_samples_add(&good, value);
		(void)usleep(PAUSE_US);
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
