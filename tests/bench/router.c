// SPDX-License-Identifier: Apache-2.0
/*
 * What a decision costs with the default policy (no file): the function alone, and the
 * whole sluice-router over a real nats-server, 64 requests in flight. CPU time of the
 * router's process with all its threads; decisions per second of one core is what that
 * leaves room for. The request is the gateway's: 627 bytes, five headers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sluice/envelope.h"
#include "tests/harness/bench.h"
#include "tests/harness/bench_bus.h"
#include "tests/harness/clock.h"
#include "userspace/router/core.h"

#define ROUNDS	    7
#define DECISIONS   200000
#define REQUESTS    40000
#define START_TRIES 100

struct run {
	uint32_t number;
	char body[SL_BENCH_BODY_BYTES + 1];
};

/* Of SL_BENCH_BODY_BYTES, with a request_id of its own. */
static struct sl_span body_of(void *context)
{
	struct run *run = context;
	int length =
		snprintf(run->body, sizeof(run->body),
			 "{\"version\":\"1\",\"tenant_id\":\"tenant-42\","
			 "\"request_id\":\"3f2b7c1e-0000-4000-8000-%012u\","
			 "\"metadata\":{\"client\":\"bench\"},\"constraints\":{\"max_cost\":1},"
			 "\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"",
			 run->number++);

	memset(run->body + length, 'x', SL_BENCH_BODY_BYTES - 4 - (size_t)length);
	memcpy(run->body + SL_BENCH_BODY_BYTES - 4, "\"}}}", 4);
	return (struct sl_span){ run->body, SL_BENCH_BODY_BYTES };
}

/* ---- the function ------------------------------------------------------------------------ */

static void decide_once(struct sl_core *core, struct sl_span body, struct sl_json_out *decision,
			struct sl_json_out *answer)
{
	const struct sl_request_headers from = { .tenant_id = sl_bench_headers[1].value,
						 .trace_id = sl_bench_headers[0].value,
						 .version = sl_bench_headers[2].value,
						 .traceparent = sl_bench_headers[3].value,
						 .tracestate = sl_bench_headers[4].value };
	static const uint8_t random[24] = { 1 };
	struct sl_decide_fault fault = { .message = "" };
	struct sl_core_choice choice;
	struct sl_request request;
	struct sl_span text;

	if (sl_request_read(&request, &from, body, random, &fault) != 0 ||
	    sl_core_admit(core, &request, &fault) != 0 ||
	    sl_core_choose(&choice, core, &request, true, 1, &fault) != 0)
		sl_bench_die("refused: %s", fault.message);
	sl_json_out_reset(decision);
	sl_core_write_decision(decision, &choice, NULL);
	if (sl_json_done(&text, decision) != 0)
		sl_bench_die("decision");
	sl_json_out_reset(answer);
	sl_core_write_answer(answer, text, &request);
	if (sl_json_done(&text, answer) != 0)
		sl_bench_die("answer");
}

static double function_us(struct sl_core *core, struct run *run)
{
	struct sl_json_out decision = SL_JSON_OUT(65536), answer = SL_JSON_OUT(65536);
	const struct sl_span body = body_of(run);
	uint64_t used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < DECISIONS; i++)
		decide_once(core, body, &decision, &answer);
	used_ns = sl_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used_ns;
	sl_json_out_free(&decision);
	sl_json_out_free(&answer);
	return (double)used_ns / 1e3 / DECISIONS;
}

static void measure_function(struct run *run)
{
	struct sl_samples used = { .count = 0 };
	struct sl_router_settings settings;
	struct sl_conf_error error = { .message = "" };
	struct sl_core *core;

	if (sl_router_settings_read(&settings, NULL, NULL, &error) != 0 ||
	    sl_core_new(&core, &settings, 1) != 0)
		sl_bench_die("settings: %s", error.message);
	sl_core_tick(core, 1);
	for (int i = 0; i < ROUNDS; i++)
		sl_samples_add(&used, function_us(core, run));
	sl_bench_print("router.function_cpu_us", NULL, &used);
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

/* ---- the whole router ----------------------------------------------------------------------- */

/* Beside this program. */
static void run_router(const char *url)
{
	char path[512];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char *name;

	if (length < 0)
		_exit(1);
	path[length] = '\0';
	name = strrchr(path, '/') + 1;
	(void)snprintf(name, 32, "sluice-router");
	(void)setenv("NATS_URL", url, 1);
	(void)execl(path, "sluice-router", "--log-level", "error", NULL);
	_exit(1);
}

static double cpu_us_of(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		sl_bench_die("the router is not there");
	return (double)sl_clock_ns(clock) / 1e3;
}

static bool is_ok(struct sl_span reply)
{
	static const char wanted[] = "\"ok\":true";

	return memmem(reply.at, reply.length, wanted, sizeof(wanted) - 1) != NULL;
}

static void asked_first(void *context, int status, const struct sl_bus_message *reply)
{
	(void)reply;
	*(int *)context = status == 0 ? 1 : -1;
}

/* Until somebody listens. */
static void wait_for_router(const struct sl_bench_asker *asker)
{
	const struct sl_bus_loop *loop = &asker->world->loop;

	for (int i = 0; i < START_TRIES; i++) {
		int done = 0;

		if (sl_bus_request(NULL, asker->world->bus, asker->subject, sl_bench_headers,
				   asker->header_count, body_of(asker->context), 1000, asked_first,
				   &done) != 0)
			sl_bench_die("request");
		while (!done)
			sl_bus_loop_for(loop, 10);
		if (done == 1)
			return;
		sl_bus_loop_for(loop, 50);
	}
	sl_bench_die("no router answers");
}

static double router_us(struct sl_bench_asker *asker, double *ret_per_s)
{
	double used_us = cpu_us_of(asker->world->responder);

	*ret_per_s = sl_bench_ask(asker, REQUESTS);
	return (cpu_us_of(asker->world->responder) - used_us) / REQUESTS;
}

static void measure_router(struct sl_bench_asker *asker)
{
	struct sl_samples used = { .count = 0 }, per_core = { .count = 0 };
	struct sl_samples per_second = { .count = 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double per_s, us = router_us(asker, &per_s);

		sl_samples_add(&used, us);
		sl_samples_add(&per_core, 1e6 / us);
		sl_samples_add(&per_second, per_s);
	}
	sl_bench_print("router.decision_cpu_us", NULL, &used);
	sl_bench_print("router.decisions_per_s_core", NULL, &per_core);
	sl_bench_print("router.decisions_per_s", NULL, &per_second);
}

int main(void)
{
	struct run run = { .number = 0 };
	struct sl_bench_bus world;
	struct sl_bench_asker asker = {
		.world = &world,
		.subject = SL_SUBJECT_DECIDE,
		.header_count = SL_BENCH_HEADERS,
		.body = body_of,
		.is_good = is_ok,
		.context = &run,
	};

	measure_function(&run);
	sl_bench_bus_open(&world, run_router);
	wait_for_router(&asker);
	measure_router(&asker);
	sl_bench_bus_close(&world);
	return 0;
}
