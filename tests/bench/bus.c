// SPDX-License-Identifier: Apache-2.0
/*
 * What a message of the bus costs our process, over a real nats-server: a request of
 * the gateway's size (627 bytes and five headers) with its reply, 64 in flight, beside
 * one without headers; and publishing. CPU time of the whole process; who answers is
 * another process.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bus_loop.h"
#include "tests/harness/clock.h"
#include "tests/harness/nats.h"

#define ROUNDS	     7
#define REQUESTS     40000
#define IN_FLIGHT    64
#define PUBLISHES    200000
#define A_TURN	     200
#define BODY_BYTES   627u
#define REPLY_BYTES  300u
#define PATIENCE_MS  60000u
#define SUBJECT	     "bench.decide"
#define HEADER_COUNT 5u

static const struct sl_bus_header headers[HEADER_COUNT] = {
	{ "trace_id", SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736") },
	{ "tenant_id", SL_SPAN("tenant-42") },
	{ "version", SL_SPAN("1") },
	{ "traceparent", SL_SPAN("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") },
	{ "tracestate", SL_SPAN("vendor=value") },
};

struct run {
	struct sl_bus *bus;
	size_t header_count;
	int to_ask, answered;
	char body[BODY_BYTES];
};

static uint64_t cpu_ns(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * SL_NS_PER_S + (uint64_t)used.tv_nsec;
}

/* ---- who answers ------------------------------------------------------------------------ */

static void respond(void *context, const struct sl_bus_message *message)
{
	static const char reply[REPLY_BYTES];

	(void)sl_bus_respond(*(struct sl_bus **)context, message, NULL, 0,
			     (struct sl_span){ reply, sizeof(reply) });
}

static void run_responder(const char *url)
{
	struct sl_bus_loop loop;
	struct sl_bus *bus;
	struct sl_bus_subscription *subscription;

	sl_bus_loop_open(&loop);
	bus = sl_bus_loop_connect(&loop, url);
	if (sl_bus_subscribe(&subscription, bus, SUBJECT, "group", respond, &bus) != 0)
		_exit(1);
	event_base_loop(loop.base, EVLOOP_NO_EXIT_ON_EMPTY);
	_exit(0);
}

/* ---- who asks ----------------------------------------------------------------------------- */

static void answered(void *context, int status, const struct sl_bus_message *reply);

static void ask(struct run *run)
{
	int ret;

	if (!run->to_ask)
		return;
	run->to_ask--;
	ret = sl_bus_request(NULL, run->bus, SUBJECT, headers, run->header_count,
			     (struct sl_span){ run->body, sizeof(run->body) }, 5000, answered, run);
	if (ret)
		sl_bench_die("request: %s", strerror(-ret));
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct run *run = context;

	(void)reply;
	if (status)
		sl_bench_die("answer: %s", strerror(-status));
	run->answered++;
	ask(run);
}

static double request_us(const struct sl_bus_loop *loop, struct run *run, double *ret_per_s)
{
	uint64_t wall_ns = sl_now_ns(), used_ns = cpu_ns();

	run->to_ask = REQUESTS;
	run->answered = 0;
	for (int i = 0; i < IN_FLIGHT; i++)
		ask(run);
	if (!sl_bus_loop_count(loop, &run->answered, REQUESTS, PATIENCE_MS))
		sl_bench_die("%d of %d answers", run->answered, REQUESTS);
	used_ns = cpu_ns() - used_ns;
	wall_ns = sl_now_ns() - wall_ns;
	*ret_per_s = REQUESTS * 1e9 / (double)wall_ns;
	return (double)used_ns / 1e3 / REQUESTS;
}

static void flushed(void *context, int status)
{
	*(int *)context = status ? status : 1;
}

static double publish_us(const struct sl_bus_loop *loop, struct run *run, double *ret_per_s)
{
	uint64_t wall_ns = sl_now_ns(), used_ns = cpu_ns();
	int done = 0;

	for (int i = 0; i < PUBLISHES; i++) {
		int ret;

		while ((ret = sl_bus_publish(run->bus, "bench.nobody", NULL, NULL, 0,
					     (struct sl_span){ run->body, sizeof(run->body) })) ==
		       -ENOBUFS)
			event_base_loop(loop->base, EVLOOP_ONCE);
		if (ret)
			sl_bench_die("publish: %s", strerror(-ret));
		if (i % A_TURN == A_TURN - 1)
			event_base_loop(loop->base, EVLOOP_NONBLOCK);
	}
	if (sl_bus_flush(run->bus, PATIENCE_MS, flushed, &done) != 0 ||
	    !sl_bus_loop_count(loop, &done, 1, PATIENCE_MS))
		sl_bench_die("flush");
	used_ns = cpu_ns() - used_ns;
	wall_ns = sl_now_ns() - wall_ns;
	*ret_per_s = PUBLISHES * 1e9 / (double)wall_ns;
	return (double)used_ns / 1e3 / PUBLISHES;
}

static void measure(const struct sl_bus_loop *loop, struct run *run)
{
	struct sl_samples with = { .count = 0 }, without = { .count = 0 }, publish = { .count = 0 };
	struct sl_samples asked = { .count = 0 }, published = { .count = 0 };
	double per_s;

	for (int i = 0; i < ROUNDS; i++) {
		run->header_count = HEADER_COUNT;
		sl_samples_add(&with, request_us(loop, run, &per_s));
		sl_samples_add(&asked, per_s);
		run->header_count = 0;
		sl_samples_add(&without, request_us(loop, run, &per_s));
		sl_samples_add(&publish, publish_us(loop, run, &per_s));
		sl_samples_add(&published, per_s);
	}
	sl_bench_print("bus.request_cpu_us", NULL, &with);
	sl_bench_print("bus.request_without_headers_cpu_us", NULL, &without);
	sl_bench_print("bus.requests_per_s", NULL, &asked);
	sl_bench_print("bus.publish_cpu_us", NULL, &publish);
	sl_bench_print("bus.publishes_per_s", NULL, &published);
}

int main(void)
{
	struct sl_bus_loop loop;
	struct sl_nats server;
	struct run run = { .to_ask = 0 };
	pid_t responder;

	sl_nats_open(&server, NULL);
	responder = fork();
	if (responder < 0)
		sl_bench_die("fork");
	if (responder == 0)
		run_responder(server.url);
	sl_bus_loop_open(&loop);
	run.bus = sl_bus_loop_connect(&loop, server.url);
	sl_bus_loop_for(&loop, 300); /* the other one subscribes */
	measure(&loop, &run);
	sl_bus_free(run.bus);
	sl_bus_loop_close(&loop);
	(void)kill(responder, SIGKILL);
	(void)waitpid(responder, NULL, 0);
	sl_nats_close(&server);
	return 0;
}
