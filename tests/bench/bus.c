// SPDX-License-Identifier: Apache-2.0
/*
 * What a message of the bus costs our process, over a real nats-server: a request of
 * the gateway's size (627 bytes and five headers) with its reply, 64 in flight, beside
 * one without headers; and publishing. CPU time of the whole process; who answers is
 * another process.
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_bus.h"
#include "tests/harness/clock.h"

#define ROUNDS	    7
#define REQUESTS    40000
#define PUBLISHES   200000
#define A_TURN	    200
#define REPLY_BYTES 300u
#define SUBJECT	    "bench.decide"

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

static struct sl_span body(void *context)
{
	return (struct sl_span){ context, SL_BENCH_BODY_BYTES };
}

static double request_us(struct sl_bench_asker *asker, double *ret_per_s)
{
	uint64_t used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	*ret_per_s = sl_bench_ask(asker, REQUESTS);
	used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used_ns;
	return (double)used_ns / 1e3 / REQUESTS;
}

static void flushed(void *context, int status)
{
	*(int *)context = status ? status : 1;
}

static double publish_us(const struct sl_bench_asker *asker, double *ret_per_s)
{
	const struct sl_bus_loop *loop = &asker->world->loop;
	struct sl_bus *bus = asker->world->bus;
	uint64_t wall_ns = sl_now_ns(), used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int done = 0;

	for (int i = 0; i < PUBLISHES; i++) {
		int ret;

		while ((ret = sl_bus_publish(bus, "bench.nobody", NULL, NULL, 0,
					     body(asker->context))) == -ENOBUFS)
			event_base_loop(loop->base, EVLOOP_ONCE);
		if (ret)
			sl_bench_die("publish: %s", strerror(-ret));
		if (i % A_TURN == A_TURN - 1)
			event_base_loop(loop->base, EVLOOP_NONBLOCK);
	}
	if (sl_bus_flush(bus, SL_BENCH_PATIENCE_MS, flushed, &done) != 0 ||
	    !sl_bus_loop_count(loop, &done, 1, SL_BENCH_PATIENCE_MS))
		sl_bench_die("flush");
	used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used_ns;
	wall_ns = sl_now_ns() - wall_ns;
	*ret_per_s = PUBLISHES * 1e9 / (double)wall_ns;
	return (double)used_ns / 1e3 / PUBLISHES;
}

static void measure(struct sl_bench_asker *asker)
{
	struct sl_samples with = { .count = 0 }, without = { .count = 0 }, publish = { .count = 0 };
	struct sl_samples asked = { .count = 0 }, published = { .count = 0 };
	double per_s;

	for (int i = 0; i < ROUNDS; i++) {
		asker->header_count = SL_BENCH_HEADERS;
		sl_samples_add(&with, request_us(asker, &per_s));
		sl_samples_add(&asked, per_s);
		asker->header_count = 0;
		sl_samples_add(&without, request_us(asker, &per_s));
		sl_samples_add(&publish, publish_us(asker, &per_s));
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
	static char payload[SL_BENCH_BODY_BYTES];
	struct sl_bench_bus world;
	struct sl_bench_asker asker = {
		.world = &world, .subject = SUBJECT, .body = body, .context = payload
	};

	sl_bench_bus_open(&world, run_responder);
	sl_bus_loop_for(&world.loop, 300); /* the other one subscribes */
	measure(&asker);
	sl_bench_bus_close(&world);
	return 0;
}
