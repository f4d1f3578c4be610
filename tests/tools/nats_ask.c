// SPDX-License-Identifier: Apache-2.0
/*
 * nats_ask URL SUBJECT TEXT SECONDS [--library]: one request after another on one
 * connection, each with the headers that the gateway sends; what a request and its
 * reply take without a gateway. By our bus in a loop of libevent, or with --library by
 * a blocking natsConnection_RequestMsg().
 */
#include <event2/event.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/envelope.h"
#include "tests/harness/clock.h"
#include "tests/harness/options.h"
#include "userspace/bus/bus.h"
#include "userspace/bus/loop_event.h"

#define SAMPLES_MAX 1000000
#define TIMEOUT_MS  2000
#define HEADERS	    (sizeof(headers) / sizeof(headers[0]))

static const struct sl_bus_header headers[] = {
	{ SL_HEADER_TRACE_ID, SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736") },
	{ SL_HEADER_TENANT_ID, SL_SPAN("acme") },
	{ SL_HEADER_VERSION, SL_SPAN("1") },
	{ SL_HEADER_TRACEPARENT,
	  SL_SPAN("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") },
};

struct run {
	const char *subject, *text;
	struct event_base *base;
	struct sl_bus *bus;
	uint64_t until_ns, asked_ns;
	uint32_t *samples_ns;
	size_t count;
};

/* False when it is enough. */
static bool sample(struct run *run)
{
	const uint64_t now_ns = sl_now_ns();

	run->samples_ns[run->count++] = (uint32_t)(now_ns - run->asked_ns);
	return run->count < SAMPLES_MAX && now_ns < run->until_ns;
}

/* ---- by our bus ----------------------------------------------------------------------- */

static void answered(void *context, int status, const struct sl_bus_message *reply);

static void ask(struct run *run)
{
	int ret;

	run->asked_ns = sl_now_ns();
	ret = sl_bus_request(NULL, run->bus, run->subject, headers, HEADERS, sl_span_of(run->text),
			     TIMEOUT_MS, answered, run);
	if (ret)
		sl_die("request: %s", strerror(-ret));
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct run *run = context;

	(void)reply;
	if (status)
		sl_die("answer: %s", strerror(-status));
	if (sample(run))
		ask(run);
	else
		(void)event_base_loopbreak(run->base);
}

static void connected(void *context, enum sl_bus_state state)
{
	struct run *run = context;

	if (state == SL_BUS_CONNECTED)
		ask(run);
}

static void by_bus(struct run *run, const char *url)
{
	const struct sl_bus_options options = { .servers = url, .name = "nats_ask" };
	struct sl_bus_error error = { "" };
	struct sl_loop *loop = NULL;

	run->base = event_base_new();
	if (!run->base || sl_loop_event_new(&loop, run->base))
		sl_die("out of memory");
	if (sl_bus_new(&run->bus, loop, &options, connected, run, &error))
		sl_die("%s", error.message);
	(void)event_base_dispatch(run->base);
}

/* ---- by nats.c as it comes -------------------------------------------------------------- */

static void must(natsStatus status)
{
	if (status != NATS_OK)
		sl_die("%s", natsStatus_GetText(status));
}

static natsMsg *message_of(const struct run *run)
{
	natsMsg *message = NULL;

	must(natsMsg_Create(&message, run->subject, NULL, run->text, (int)strlen(run->text)));
	for (size_t i = 0; i < HEADERS; i++)
		must(natsMsgHeader_Set(message, headers[i].name, headers[i].value.at));
	return message;
}

static void by_library(struct run *run, const char *url)
{
	natsConnection *connection = NULL;
	bool more = true;

	must(natsConnection_ConnectTo(&connection, url));
	while (more) {
		natsMsg *message = message_of(run), *reply = NULL;

		run->asked_ns = sl_now_ns();
		must(natsConnection_RequestMsg(&reply, connection, message, TIMEOUT_MS));
		more = sample(run);
		natsMsg_Destroy(reply);
		natsMsg_Destroy(message);
	}
	natsConnection_Destroy(connection);
}

static int by_size(const void *a, const void *b)
{
	const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return (one > other) - (one < other);
}

static double percentile_us(const struct run *run, size_t percent)
{
	const size_t at = run->count * percent / 100;

	return run->samples_ns[at] / 1e3;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };

	if (argc < 5 || argc > 6 || (argc == 6 && strcmp(argv[5], "--library") != 0)) {
		(void)fputs("usage: nats_ask URL SUBJECT TEXT SECONDS [--library]\n", stderr);
		return SL_EXIT_USAGE;
	}
	run.subject = argv[2];
	run.text = argv[3];
	run.samples_ns = malloc(SAMPLES_MAX * sizeof(*run.samples_ns));
	if (!run.samples_ns)
		sl_die("out of memory");
	run.until_ns = sl_now_ns() + sl_option_amount("SECONDS", argv[4], 1, 600) * SL_NS_PER_S;
	if (argc == 6)
		by_library(&run, argv[1]);
	else
		by_bus(&run, argv[1]);
	qsort(run.samples_ns, run.count, sizeof(*run.samples_ns), by_size);
	printf("{\"requests\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", run.count,
	       percentile_us(&run, 50), percentile_us(&run, 99));
	free(run.samples_ns);
	return 0;
}
