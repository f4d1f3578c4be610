// SPDX-License-Identifier: Apache-2.0
/*
 * What a decision costs with the default policy (no file): the function alone, and the
 * whole sluice-router over a real nats-server, 64 requests in flight. CPU time of the
 * router's process with all its threads; decisions per second of one core is what that
 * leaves room for. The request is the gateway's: 627 bytes, five headers.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sluice/envelope.h"
#include "tests/harness/bench.h"
#include "tests/harness/bus_loop.h"
#include "tests/harness/clock.h"
#include "tests/harness/nats.h"
#include "userspace/router/core.h"

#define ROUNDS	    7
#define DECISIONS   200000
#define REQUESTS    40000
#define IN_FLIGHT   64
#define BODY_BYTES  627
#define PATIENCE_MS 60000u
#define START_TRIES 100

static const struct sl_bus_header headers[] = {
	{ SL_HEADER_TRACE_ID, SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736") },
	{ SL_HEADER_TENANT_ID, SL_SPAN("tenant-42") },
	{ SL_HEADER_VERSION, SL_SPAN("1") },
	{ SL_HEADER_TRACEPARENT,
	  SL_SPAN("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") },
	{ SL_HEADER_TRACESTATE, SL_SPAN("vendor=value") },
};

struct run {
	struct sl_bus *bus;
	int to_ask, answered;
	uint32_t number;
	char body[BODY_BYTES + 1];
};

/* Of BODY_BYTES, with a request_id of its own. */
static struct sl_span body_of(struct run *run)
{
	int length =
		snprintf(run->body, sizeof(run->body),
			 "{\"version\":\"1\",\"tenant_id\":\"tenant-42\","
			 "\"request_id\":\"3f2b7c1e-0000-4000-8000-%012u\","
			 "\"metadata\":{\"client\":\"bench\"},\"constraints\":{\"max_cost\":1},"
			 "\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"",
			 run->number++);

	memset(run->body + length, 'x', (size_t)(BODY_BYTES - 4 - length));
	memcpy(run->body + BODY_BYTES - 4, "\"}}}", 4);
	return (struct sl_span){ run->body, BODY_BYTES };
}

/* ---- the function ------------------------------------------------------------------------ */

static void decide_once(struct sl_core *core, struct sl_span body, struct sl_json_out *decision,
			struct sl_json_out *answer)
{
	const struct sl_request_headers from = { .tenant_id = headers[1].value,
						 .trace_id = headers[0].value,
						 .version = headers[2].value,
						 .traceparent = headers[3].value,
						 .tracestate = headers[4].value };
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
	struct timespec begin, end;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (int i = 0; i < DECISIONS; i++)
		decide_once(core, body, &decision, &answer);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	sl_json_out_free(&decision);
	sl_json_out_free(&answer);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e6 +
		(double)(end.tv_nsec - begin.tv_nsec) / 1e3) /
	       DECISIONS;
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
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		sl_bench_die("the router is not there");
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static void answered(void *context, int status, const struct sl_bus_message *reply);

static void ask(struct run *run)
{
	int ret;

	if (!run->to_ask)
		return;
	run->to_ask--;
	ret = sl_bus_request(NULL, run->bus, SL_SUBJECT_DECIDE, headers,
			     sizeof(headers) / sizeof(headers[0]), body_of(run), 5000, answered,
			     run);
	if (ret)
		sl_bench_die("request: %s", strerror(-ret));
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct run *run = context;

	if (status || !strstr(sl_bus_payload(reply).at, "\"ok\":true"))
		sl_bench_die("answer: %s", status ? strerror(-status) : "refused");
	run->answered++;
	ask(run);
}

static void asked_first(void *context, int status, const struct sl_bus_message *reply)
{
	(void)reply;
	*(int *)context = status == 0 ? 1 : -1;
}

/* Until somebody listens. */
static void wait_for_router(const struct sl_bus_loop *loop, struct run *run)
{
	for (int i = 0; i < START_TRIES; i++) {
		int done = 0;

		if (sl_bus_request(NULL, run->bus, SL_SUBJECT_DECIDE, headers,
				   sizeof(headers) / sizeof(headers[0]), body_of(run), 1000,
				   asked_first, &done) != 0)
			sl_bench_die("request");
		while (!done)
			sl_bus_loop_for(loop, 10);
		if (done == 1)
			return;
		sl_bus_loop_for(loop, 50);
	}
	sl_bench_die("no router answers");
}

static double router_us(const struct sl_bus_loop *loop, struct run *run, pid_t router,
			double *ret_per_s)
{
	double used_us = cpu_us_of(router);
	uint64_t wall_ns = sl_now_ns();

	run->to_ask = REQUESTS;
	run->answered = 0;
	for (int i = 0; i < IN_FLIGHT; i++)
		ask(run);
	if (!sl_bus_loop_count(loop, &run->answered, REQUESTS, PATIENCE_MS))
		sl_bench_die("%d of %d answers", run->answered, REQUESTS);
	used_us = cpu_us_of(router) - used_us;
	wall_ns = sl_now_ns() - wall_ns;
	*ret_per_s = REQUESTS * 1e9 / (double)wall_ns;
	return used_us / REQUESTS;
}

static void measure_router(const struct sl_bus_loop *loop, struct run *run, pid_t router)
{
	struct sl_samples used = { .count = 0 }, per_core = { .count = 0 };
	struct sl_samples per_second = { .count = 0 };

	for (int i = 0; i < ROUNDS; i++) {
		double per_s, us = router_us(loop, run, router, &per_s);

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
	struct sl_bus_loop loop;
	struct sl_nats server;
	pid_t router;

	measure_function(&run);
	sl_nats_open(&server, NULL);
	router = fork();
	if (router < 0)
		sl_bench_die("fork");
	if (router == 0)
		run_router(server.url);
	sl_bus_loop_open(&loop);
	run.bus = sl_bus_loop_connect(&loop, server.url);
	wait_for_router(&loop, &run);
	measure_router(&loop, &run, router);
	sl_bus_free(run.bus);
	sl_bus_loop_close(&loop);
	(void)kill(router, SIGKILL);
	(void)waitpid(router, NULL, 0);
	sl_nats_close(&server);
	return 0;
}
