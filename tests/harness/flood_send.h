/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a stream of packets at a rate, to an end. One thread; blocks until done. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/harness/flood_template.h"

#define SL_FLOOD_TEMPLATES_MAX 4
#define SL_FLOOD_COUNT_MAX     10000000000ull

struct sl_flood_plan {
	unsigned ifindex;
	struct sl_template templates[SL_FLOOD_TEMPLATES_MAX]; /* in turns */
	size_t template_count;
	size_t frame_bytes;
	uint64_t rate_per_s; /* 0: as fast as can be */
	uint64_t count;	     /* at most SL_FLOOD_COUNT_MAX */
	uint64_t limit_ns;   /* ends then in any case */
	uint64_t seed;
};

struct sl_flood_result {
	uint64_t packets; /* handed to the interface */
	uint64_t bytes;
	uint64_t refused; /* by the interface at once, and sent again */
	uint64_t elapsed_ns;
};

/* By a packet socket past the qdisc. The errors of socket(2), bind(2), sendmmsg(2). */
int sl_flood_by_socket(struct sl_flood_result *ret, const struct sl_flood_plan *plan);

/*
 * By an XDP program in the kernel, some times faster; it keeps a CPU busy also
 * at low rates, and sends in bursts of 32. The other end of a veth must have
 * NAPI on (an XDP program or GRO).
 * -EMSGSIZE: the frame is too short for this way to keep its headers fresh.
 * Otherwise the errors of bpf(2).
 */
int sl_flood_by_kernel(struct sl_flood_result *ret, const struct sl_flood_plan *plan);
