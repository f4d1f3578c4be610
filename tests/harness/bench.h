/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring BPF programs packet by packet, for tests/bench.
 *
 * Time is CPU time of the thread: what other processes take does not count as cost.
 * Absolute times differ between machines and between minutes, so that a figure is
 * always the difference or the ratio of two programs, taken in turns in one run.
 *
 * These functions end the program with a message when something does not work: a
 * benchmark that cannot measure has no result.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_SAMPLES_MAX 128

struct sl_samples {
	double value[SL_SAMPLES_MAX];
	size_t count;
};

void sl_samples_add(struct sl_samples *samples, double value);

/* Of at least one sample. */
double sl_samples_median(const struct sl_samples *samples);
double sl_samples_min(const struct sl_samples *samples);
double sl_samples_max(const struct sl_samples *samples);

/*
 * One line for tests/bench/report.py: "measured NAME PEER MEDIAN MIN MAX".
 * @peer: whom else it was measured of; NULL = ours.
 */
void sl_bench_print(const char *name, const char *peer, const struct sl_samples *samples);

/* Prints "bench: message" and ends the program. */
void sl_bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The calling thread stays on @cpu. */
void sl_bench_pin(int cpu);

#define SL_BENCH_FRAME_BYTES 64u	 /* Ethernet without checksum, IPv4, UDP, zeros */
#define SL_BENCH_SOURCE	     0x0a000001u /* 10.0.0.1 */
#define SL_BENCH_SOURCE_PORT 1234
#define SL_BENCH_TARGET	     "192.0.2.1"

struct sl_bench_frame {
	uint8_t bytes[SL_BENCH_FRAME_BYTES];
};

/* UDP from port 1234 of @source (host order) to @port of 192.0.2.1. */
struct sl_bench_frame sl_bench_frame(uint32_t source, uint16_t port);

/* Runs an XDP program on @repeat copies; ns per packet. @ret_verdict: of the last. */
double sl_bench_run(uint32_t *ret_verdict, int prog_fd, const struct sl_bench_frame *frame,
		    uint32_t repeat);

/*
 * Into a network namespace of our own, where programs are held attached to idle
 * interfaces: a test run of an XDP program that is attached nowhere changes the
 * kernel's XDP dispatcher and waits for an RCU grace period, about 20 ms a run.
 */
void sl_bench_enter_namespace(void);

/* Attaches @prog_fd to a fresh pair of interfaces, for good. */
void sl_bench_hold(int prog_fd);
