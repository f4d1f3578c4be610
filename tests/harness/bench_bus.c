// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/bench_bus.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sluice/envelope.h"
#include "tests/harness/bench.h"
#include "tests/harness/clock.h"

#define IN_FLIGHT  64
#define TIMEOUT_MS 5000

const struct sl_bus_header sl_bench_headers[SL_BENCH_HEADERS] = {
	{ SL_HEADER_TRACE_ID, SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736") },
	{ SL_HEADER_TENANT_ID, SL_SPAN("tenant-42") },
	{ SL_HEADER_VERSION, SL_SPAN("1") },
	{ SL_HEADER_TRACEPARENT,
	  SL_SPAN("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") },
	{ SL_HEADER_TRACESTATE, SL_SPAN("vendor=value") },
};

void sl_bench_bus_open(struct sl_bench_bus *ret, void (*respond)(const char *url))
{
	sl_nats_open(&ret->server, NULL);
	ret->responder = fork();
	if (ret->responder < 0)
		sl_bench_die("fork");
	if (ret->responder == 0) {
		respond(ret->server.url);
		_exit(1);
	}
	sl_bus_loop_open(&ret->loop);
	ret->bus = sl_bus_loop_connect(&ret->loop, ret->server.url);
}

void sl_bench_bus_close(struct sl_bench_bus *world)
{
	sl_bus_free(world->bus);
	sl_bus_loop_close(&world->loop);
	(void)kill(world->responder, SIGKILL);
	(void)waitpid(world->responder, NULL, 0);
	sl_nats_close(&world->server);
}

static void answered(void *context, int status, const struct sl_bus_message *reply);

static void ask(struct sl_bench_asker *asker)
{
	int ret;

	if (!asker->to_ask)
		return;
	asker->to_ask--;
	ret = sl_bus_request(NULL, asker->world->bus, asker->subject, sl_bench_headers,
			     asker->header_count, asker->body(asker->context), TIMEOUT_MS, answered,
			     asker);
	if (ret)
		sl_bench_die("request: %s", strerror(-ret));
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct sl_bench_asker *asker = context;

	if (status)
		sl_bench_die("answer: %s", strerror(-status));
	if (asker->is_good && !asker->is_good(sl_bus_payload(reply)))
		sl_bench_die("answer: refused");
	asker->answered++;
	ask(asker);
}

double sl_bench_ask(struct sl_bench_asker *asker, int count)
{
	uint64_t begin_ns = sl_now_ns();

	asker->to_ask = count;
	asker->answered = 0;
	for (int i = 0; i < IN_FLIGHT; i++)
		ask(asker);
	if (!sl_bus_loop_count(&asker->world->loop, &asker->answered, count, SL_BENCH_PATIENCE_MS))
		sl_bench_die("%d of %d answers", asker->answered, count);
	return count * 1e9 / (double)(sl_now_ns() - begin_ns);
}
