// SPDX-License-Identifier: Apache-2.0
/* Connections that break, come late, move, or are refused. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"
#include "userspace/bus/bus.h"

#define SOON_MS	  8000u
#define IN_FLIGHT 500

static struct sl_bus_loop loop;

struct answers {
	int count;
	int by_status[256];
};

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	struct answers *answers = context;

	(void)reply;
	answers->count++;
	answers->by_status[-status & 255]++;
}

static struct sl_bus *make(const char *servers)
{
	struct sl_bus_options options = { .servers = servers, .reconnect_wait_ms = 50 };

	return sl_bus_loop_bus(&loop, &options);
}

static void test_requests_in_flight_end_at_once(void **state)
{
	struct sl_nats server;
	struct answers answers = { .count = 0 };
	struct sl_bus_subscription *subscription;
	struct sl_bus *bus;
	int heard = 0;

	sl_nats_open(&server, NULL);
	bus = make(server.url);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(
		sl_bus_subscribe(&subscription, bus, "x", NULL, sl_bus_loop_count_message, &heard),
		0);
	for (int i = 0; i < IN_FLIGHT; i++)
		assert_int_equal(sl_bus_request(NULL, bus, "x", NULL, 0, SL_SPAN("y"), 60000,
						answered, &answers),
				 0);
	assert_true(sl_bus_loop_count(&loop, &heard, IN_FLIGHT, SOON_MS));
	sl_nats_kill(&server);
	assert_true(sl_bus_loop_count(&loop, &answers.count, IN_FLIGHT, 1000));
	assert_int_equal(answers.by_status[ENOTCONN], IN_FLIGHT);
	assert_int_equal(sl_bus_state(bus), SL_BUS_RECONNECTING);
	assert_string_not_equal(sl_bus_last_error(bus), "");
	assert_int_equal(sl_bus_publish(bus, "x", NULL, NULL, 0, SL_SPAN("y")), -ENOTCONN);
	assert_int_equal(
		sl_bus_request(NULL, bus, "x", NULL, 0, SL_SPAN("y"), 60000, answered, &answers),
		-ENOTCONN);

	sl_nats_start(&server);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(sl_bus_stats(bus).reconnects_total, 1);
	/* The subscription is there again, what was refused is not. */
	assert_int_equal(sl_bus_publish(bus, "x", NULL, NULL, 0, SL_SPAN("y")), 0);
	assert_true(sl_bus_loop_count(&loop, &heard, IN_FLIGHT + 1, SOON_MS));
	sl_bus_loop_for(&loop, 50);
	assert_int_equal(heard, IN_FLIGHT + 1);
	assert_int_equal(answers.count, IN_FLIGHT);
	sl_bus_free(bus);
	sl_nats_close(&server);
}

struct echo {
	struct sl_bus *bus;
	int count;
};

static void send_back(void *context, const struct sl_bus_message *message)
{
	struct echo *echo = context;

	echo->count++;
	(void)sl_bus_respond(echo->bus, message, NULL, 0, sl_bus_payload(message));
}

/* Killed with messages half written and half read: each request ends once, and nothing
 * of them reaches the next connection. */
static void test_many_restarts(void **state)
{
	static const char body[128 << 10];
	struct sl_nats server;
	struct sl_bus_subscription *subscription;
	struct answers answers = { .count = 0 };
	struct sl_bus *bus;
	struct echo echo = { .count = 0 };
	int asked = 0;

	sl_nats_open(&server, NULL);
	echo.bus = bus = make(server.url);
	assert_int_equal(sl_bus_subscribe(&subscription, bus, "x", NULL, send_back, &echo), 0);
	for (int i = 0; i < 8; i++) {
		assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
		for (int k = 0; k < 60; k++, asked++)
			assert_int_equal(sl_bus_request(NULL, bus, "x", NULL, 0,
							(struct sl_span){ body, sizeof(body) },
							60000, answered, &answers),
					 0);
		(void)sl_bus_loop_count(&loop, &answers.count, asked - 60 + 5 * i, SOON_MS);
		sl_nats_kill(&server);
		assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_RECONNECTING, SOON_MS));
		assert_int_equal(answers.count, asked);
		sl_nats_start(&server);
	}
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(answers.count, asked);
	assert_int_equal(answers.by_status[ENOTCONN] + answers.by_status[0], asked);
	assert_true(answers.by_status[ENOTCONN] > 0 && answers.by_status[0] > 0);
	assert_int_equal(sl_bus_stats(bus).requests_in_flight, 0);
	assert_int_equal(
		sl_bus_request(NULL, bus, "x", NULL, 0, SL_SPAN("y"), SOON_MS, answered, &answers),
		0);
	assert_true(sl_bus_loop_count(&loop, &answers.count, asked + 1, SOON_MS));
	sl_bus_free(bus);
	sl_nats_close(&server);
}

static bool has_error(void *context)
{
	return *sl_bus_last_error(context) != '\0';
}

static void test_server_comes_later(void **state)
{
	struct sl_nats server;
	struct sl_bus_subscription *subscription;
	struct sl_bus *bus;
	int heard = 0;

	sl_nats_prepare(&server, NULL);
	bus = make(server.url);
	assert_int_equal(sl_bus_state(bus), SL_BUS_CONNECTING);
	assert_int_equal(
		sl_bus_subscribe(&subscription, bus, "x", NULL, sl_bus_loop_count_message, &heard),
		0);
	assert_true(sl_bus_loop_until(&loop, has_error, bus, SOON_MS));
	assert_int_equal(sl_bus_state(bus), SL_BUS_CONNECTING);
	sl_nats_start(&server);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(sl_bus_publish(bus, "x", NULL, NULL, 0, SL_SPAN("y")), 0);
	assert_true(sl_bus_loop_count(&loop, &heard, 1, SOON_MS));
	assert_int_equal(sl_bus_stats(bus).reconnects_total, 0);
	sl_bus_free(bus);
	sl_nats_close(&server);
}

static void test_goes_to_the_other_server(void **state)
{
	struct sl_nats one, two;
	char servers[160];
	struct sl_bus *bus;

	sl_nats_open(&one, NULL);
	sl_nats_open(&two, NULL);
	(void)snprintf(servers, sizeof(servers), "%s, %s", one.url, two.url);
	bus = make(servers);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	sl_nats_kill(&one);
	sl_bus_loop_for(&loop, 50);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(sl_bus_publish(bus, "x", NULL, NULL, 0, SL_SPAN("y")), 0);
	sl_bus_free(bus);
	sl_nats_close(&one);
	sl_nats_close(&two);
}

/* Alive for TCP, dead for us. */
static void test_server_that_says_nothing(void **state)
{
	struct sl_nats server;
	struct answers answers = { .count = 0 };
	struct sl_bus *bus;
	struct sl_bus_options options = { .ping_interval_ms = 100,
					  .connect_timeout_ms = 300,
					  .reconnect_wait_ms = 50 };
	struct sl_bus_subscription *subscription;
	int heard = 0;

	sl_nats_open(&server, NULL);
	options.servers = server.url;
	bus = sl_bus_loop_bus(&loop, &options);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(
		sl_bus_subscribe(&subscription, bus, "x", NULL, sl_bus_loop_count_message, &heard),
		0);
	sl_bus_loop_for(&loop, 350); /* some pings that are answered */
	assert_int_equal(sl_bus_state(bus), SL_BUS_CONNECTED);
	sl_nats_freeze(&server, true);
	assert_int_equal(
		sl_bus_request(NULL, bus, "x", NULL, 0, SL_SPAN("y"), 60000, answered, &answers),
		0);
	assert_true(sl_bus_loop_count(&loop, &answers.count, 1, SOON_MS));
	assert_int_equal(answers.by_status[ENOTCONN], 1);
	sl_nats_freeze(&server, false);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	sl_bus_free(bus);
	sl_nats_close(&server);
}

static void flushed(void *context, int status)
{
	*(int *)context = status ? status : 1;
}

static void test_flush_and_free_while_it_breaks(void **state)
{
	struct sl_nats server;
	struct sl_bus *bus;
	int done = 0, again = 0;

	sl_nats_open(&server, NULL);
	bus = make(server.url);
	assert_int_equal(sl_bus_flush(bus, SOON_MS, flushed, &done), -ENOTCONN);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	sl_nats_freeze(&server, true);
	assert_int_equal(sl_bus_flush(bus, 30, flushed, &done), 0);
	sl_bus_loop_for(&loop, 60);
	assert_int_equal(done, -ETIMEDOUT);
	assert_int_equal(sl_bus_flush(bus, SOON_MS, flushed, &again), 0);
	sl_bus_free(bus); /* with a flush under way */
	assert_int_equal(again, -ECANCELED);
	sl_nats_close(&server);

	bus = make("nats://127.0.0.1:1");
	sl_bus_free(bus); /* while it connects */
}

static int open_all(void **state)
{
	sl_bus_loop_open(&loop);
	return 0;
}

static int close_all(void **state)
{
	sl_bus_loop_close(&loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_in_flight_end_at_once),
		cmocka_unit_test(test_many_restarts),
		cmocka_unit_test(test_server_comes_later),
		cmocka_unit_test(test_goes_to_the_other_server),
		cmocka_unit_test(test_server_that_says_nothing),
		cmocka_unit_test(test_flush_and_free_while_it_breaks),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
