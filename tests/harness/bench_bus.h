/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring what requests over a real nats-server cost: the server, a process that
 * answers, and requests of the gateway's size. Ends the program where it cannot measure,
 * as bench.h.
 */
#pragma once

#include <sys/types.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"

#define SL_BENCH_BODY_BYTES  627u
#define SL_BENCH_PATIENCE_MS 60000u
#define SL_BENCH_HEADERS     5u

/* trace_id, tenant_id, version, traceparent, tracestate. */
extern const struct sl_bus_header sl_bench_headers[SL_BENCH_HEADERS];

struct sl_bench_bus {
	struct sl_nats server;
	struct sl_bus_loop loop;
	struct sl_bus *bus;
	pid_t responder;
};

/* @respond runs in a process of its own, until it is killed. */
void sl_bench_bus_open(struct sl_bench_bus *ret, void (*respond)(const char *url));
void sl_bench_bus_close(struct sl_bench_bus *world);

struct sl_bench_asker {
	const struct sl_bench_bus *world;
	const char *subject;
	size_t header_count;		       /* of sl_bench_headers */
	struct sl_span (*body)(void *context); /* of the next request */
	bool (*is_good)(struct sl_span reply); /* NULL: any is */
	void *context;
	int to_ask, answered;
};

/* @count requests, 64 in flight, until all are answered well: how many a second. */
double sl_bench_ask(struct sl_bench_asker *asker, int count);
