// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/bench.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

void sl_bench_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

void sl_samples_add(struct sl_samples *samples, double value)
{
	if (samples->count == SL_SAMPLES_MAX)
		sl_bench_die("more than %d samples", SL_SAMPLES_MAX);
	samples->value[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static struct sl_samples sorted(const struct sl_samples *samples)
{
	struct sl_samples copy = *samples;

	if (copy.count == 0)
		sl_bench_die("nothing was measured");
	qsort(copy.value, copy.count, sizeof(*copy.value), compare);
	return copy;
}

double sl_samples_median(const struct sl_samples *samples)
{
	struct sl_samples s = sorted(samples);
	size_t middle = s.count / 2;

	return s.count % 2 ? s.value[middle] : (s.value[middle - 1] + s.value[middle]) / 2;
}

double sl_samples_min(const struct sl_samples *samples)
{
	return sorted(samples).value[0];
}

double sl_samples_max(const struct sl_samples *samples)
{
	return sorted(samples).value[samples->count - 1];
}

void sl_bench_print(const char *name, const char *peer, const struct sl_samples *samples)
{
	printf("measured %s %s %.3f %.3f %.3f\n", name, peer ? peer : "-",
	       sl_samples_median(samples), sl_samples_min(samples), sl_samples_max(samples));
	(void)fflush(stdout);
}

void sl_bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		sl_bench_die("cannot run on CPU %d: %s", cpu, strerror(errno));
}

struct sl_bench_frame sl_bench_frame(uint32_t source, uint16_t port)
{
	struct ethhdr eth = { .h_dest = { 2, 0, 0, 0, 0, 2 },
			      .h_source = { 2, 0, 0, 0, 0, 1 },
			      .h_proto = htons(ETH_P_IP) };
	struct iphdr ip = { .version = 4,
			    .ihl = sizeof(ip) / 4,
			    .ttl = 64,
			    .protocol = IPPROTO_UDP,
			    .tot_len = htons(SL_BENCH_FRAME_BYTES - sizeof(eth)),
			    .saddr = htonl(source),
			    .daddr = inet_addr(SL_BENCH_TARGET) };
	struct udphdr udp = { .source = htons(SL_BENCH_SOURCE_PORT),
			      .dest = htons(port),
			      .len = htons(SL_BENCH_FRAME_BYTES - sizeof(eth) - sizeof(ip)) };
	struct sl_bench_frame frame = { { 0 } };

	memcpy(frame.bytes, &eth, sizeof(eth));
	memcpy(frame.bytes + sizeof(eth), &ip, sizeof(ip));
	memcpy(frame.bytes + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	return frame;
}

static double thread_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double sl_bench_run(uint32_t *ret_verdict, int prog_fd, const struct sl_bench_frame *frame,
		    uint32_t repeat)
{
	struct sl_bench_frame input = *frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &input, .data_size_in = sizeof(input),
		    .repeat = (int)repeat);
	double before_ns = thread_ns();
	int err = bpf_prog_test_run_opts(prog_fd, &options);
	double after_ns = thread_ns();

	if (err)
		sl_bench_die("BPF_PROG_TEST_RUN: %s", strerror(-err));
	*ret_verdict = options.retval;
	return (after_ns - before_ns) / repeat;
}

void sl_bench_enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		sl_bench_die("a network namespace: %s (root is needed)", strerror(errno));
}

void sl_bench_hold(int prog_fd)
{
	static unsigned count;
	char name[IFNAMSIZ], command[96];
	int err;

	(void)snprintf(name, sizeof(name), "hold%u", count);
	(void)snprintf(command, sizeof(command), "ip link add %s type veth peer name idle%u", name,
		       count++);
	if (system(command) != 0)
		sl_bench_die("failed: %s", command);
	err = bpf_xdp_attach((int)if_nametoindex(name), prog_fd, XDP_FLAGS_DRV_MODE, NULL);
	if (err)
		sl_bench_die("cannot attach to %s: %s", name, strerror(-err));
}
