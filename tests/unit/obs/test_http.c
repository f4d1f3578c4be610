// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <event2/event.h>

#include "userspace/obs/http.h"
#include "userspace/obs/metrics.h"

struct fixture {
	struct event_base *base;
	struct sl_http *http;
	uint16_t port;
	char text[65536];
};

static void serve_ready(struct sl_http_reply *reply, void *context)
{
	(void)context;
	reply->status = 503;
	(void)snprintf(reply->text, sizeof(reply->text), "not yet\n");
}

static void serve_metrics(struct sl_http_reply *reply, void *context)
{
	(void)context;
	assert_int_equal(sl_metrics_new(&reply->metrics, 1 << 20), 0);
	sl_metrics_one(reply->metrics, "m", SL_GAUGE, "h", 7);
}

static void serve_too_much(struct sl_http_reply *reply, void *context)
{
	(void)context;
	assert_int_equal(sl_metrics_new(&reply->metrics, 10), 0);
	sl_metrics_one(reply->metrics, "m", SL_GAUGE, "h", 7);
}

static const struct sl_http_route routes[] = {
	{ "/readyz", serve_ready },
	{ "/metrics", serve_metrics },
	{ "/large", serve_too_much },
	{ NULL, NULL },
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int err = -EADDRINUSE;

	if (!f)
		return -1;
	f->base = event_base_new();
	/* A port nobody has: other runs of this test take theirs in the same way. */
	for (uint16_t i = 0; i < 100 && err == -EADDRINUSE; i++) {
		f->port = (uint16_t)(20000 + (getpid() * 7 + i) % 20000);
		err = sl_http_new(&f->http, f->base, "127.0.0.1", f->port, routes, f);
	}
	*state = f;
	return err;
}

static int end(void **state)
{
	struct fixture *f = *state;

	sl_http_free(f->http);
	event_base_free(f->base);
	free(f);
	return 0;
}

static int dial(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(f->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

/* Turns the loop until @fd is closed by the server; returns what it said. */
static const char *hear(struct fixture *f, int fd)
{
	size_t used = 0;

	for (int turn = 0; turn < 2000; turn++) {
		ssize_t got;

		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		got = read(fd, f->text + used, sizeof(f->text) - 1 - used);
		if (got == 0)
			break;
		if (got > 0)
			used += (size_t)got;
		else
			usleep(1000);
	}
	f->text[used] = '\0';
	close(fd);
	return f->text;
}

static const char *ask(struct fixture *f, const char *request)
{
	int fd = dial(f);

	usleep(1000);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	return hear(f, fd);
}

static void assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("%s: does not begin with\n%s", text, with);
}

static void pages_are_served(void **state)
{
	struct fixture *f = *state;
	const char *reply = ask(f, "GET /metrics HTTP/1.1\r\n\r\n");

	assert_begins(reply, "HTTP/1.1 200 OK\r\n");
	assert_non_null(strstr(reply, "\r\n\r\n# HELP m h\n# TYPE m gauge\nm 7\n"));
	assert_non_null(strstr(reply, "Content-Length: 30\r\n"));
	reply = ask(f, "GET /readyz HTTP/1.1\r\n\r\n");
	assert_begins(reply, "HTTP/1.1 503 ");
	assert_non_null(strstr(reply, "\r\n\r\nnot yet\n"));
	reply = ask(f, "HEAD /metrics HTTP/1.1\r\n\r\n");
	assert_begins(reply, "HTTP/1.1 200 OK\r\n");
	assert_string_equal(reply + strlen(reply) - 4, "\r\n\r\n");
	assert_int_equal(sl_http_stats(f->http).requests_total, 3);
	assert_int_equal(sl_http_stats(f->http).refused_total, 0);
}

static void metrics_are_openmetrics_for_who_accepts_it(void **state)
{
	struct fixture *f = *state;
	const char *reply = ask(f, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; "
				   "version=1.0.0;q=0.8,*/*;q=0.1\r\n\r\n");

	assert_non_null(strstr(reply, "Content-Type: application/openmetrics-text; version=1.0.0; "
				      "charset=utf-8\r\nContent-Length: 36\r\n"));
	assert_non_null(strstr(reply, "\r\n\r\n# HELP m h\n# TYPE m gauge\nm 7\n# EOF\n"));
	assert_string_equal(reply + strlen(reply) - 6, "# EOF\n");
	reply = ask(f, "GET /metrics HTTP/1.1\r\naccept: text/plain\r\n\r\n");
	assert_non_null(strstr(reply, "Content-Type: text/plain; version=0.0.4; "));
	assert_null(strstr(reply, "EOF"));
	reply = ask(f, "GET /readyz HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n");
	assert_non_null(strstr(reply, "Content-Type: text/plain; "));
	reply = ask(f, "GET /large HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n");
	assert_non_null(strstr(reply, "HTTP/1.1 500 "));
}

static void others_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_begins(ask(f, "GET /nothing HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 ");
	assert_begins(ask(f, "POST /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 ");
	assert_non_null(strstr(f->text, "Allow: GET, HEAD\r\n"));
	assert_begins(ask(f, "nonsense\r\n\r\n"), "HTTP/1.1 400 ");
	assert_begins(ask(f, "GET /large HTTP/1.1\r\n\r\n"), "HTTP/1.1 500 ");
}

static void large_heads_are_refused(void **state)
{
	struct fixture *f = *state;
	static char flood[32768];

	memset(flood, 'a', sizeof(flood) - 1);
	assert_begins(ask(f, flood), "HTTP/1.1 431 ");
}

/* One over the cap is closed unheard; when one leaves, the next is served again. */
static void connections_have_a_cap(void **state)
{
	struct fixture *f = *state;
	int idle[SL_HTTP_CONNECTIONS_MAX];

	for (size_t i = 0; i < SL_HTTP_CONNECTIONS_MAX; i++) {
		idle[i] = dial(f);
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	assert_string_equal(hear(f, dial(f)), "");
	assert_int_equal(sl_http_stats(f->http).refused_total, 1);
	close(idle[0]);
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_begins(ask(f, "GET /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 ");
	for (size_t i = 1; i < SL_HTTP_CONNECTIONS_MAX; i++)
		close(idle[i]);
}

/* A head that drips in is cut at its deadline, however steadily it drips. */
static void slow_heads_are_cut(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	int tenths = 0;

	usleep(1000);
	for (; tenths < 10 * SL_HTTP_REQUEST_S + 20; tenths++) {
		char byte;

		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		if (send(fd, "G", 1, MSG_NOSIGNAL) < 0 || read(fd, &byte, 1) == 0)
			break;
		usleep(100000);
	}
	assert_in_range(tenths, 10 * SL_HTTP_REQUEST_S - 5, 10 * SL_HTTP_REQUEST_S + 15);
	assert_int_equal(sl_http_stats(f->http).refused_total, 1);
	close(fd);
}

static void bad_addresses_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sl_http *http = NULL;

	assert_int_equal(sl_http_new(&http, f->base, "localhost", 1, routes, f), -EINVAL);
	assert_int_equal(sl_http_new(&http, f->base, "127.0.0.1", f->port, routes, f), -EADDRINUSE);
	assert_null(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_are_served, begin, end),
		cmocka_unit_test_setup_teardown(metrics_are_openmetrics_for_who_accepts_it, begin,
						end),
		cmocka_unit_test_setup_teardown(others_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(large_heads_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(connections_have_a_cap, begin, end),
		cmocka_unit_test_setup_teardown(slow_heads_are_cut, begin, end),
		cmocka_unit_test_setup_teardown(bad_addresses_are_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
