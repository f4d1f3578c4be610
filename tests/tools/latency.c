// SPDX-License-Identifier: Apache-2.0
/*
 * latency: an HTTP/1.1 client on a fixed schedule. Request i is due at i / rate,
 * whether or not those before it were answered, and its latency counts from then:
 * a server that stalls cannot hide the requests it kept waiting (coordinated omission).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "tests/harness/http_answer.h"
#include "tests/harness/options.h"
#include "tests/harness/tcp_connect.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/text.h"

#define CONNECTIONS_MAX 1024
#define REQUESTS_MAX	10000000
#define READ_BYTES	16384
#define EXIT_LOST	1

static const char usage[] =
	"usage: latency --target ADDRESS [options]\n"
	"  --port N           (default 80)\n"
	"  --source ADDRESS   connect from there\n"
	"  --path PATH        (default /)\n"
	"  --rate N           requests per second (default 100)\n"
	"  --for TIME         as 3s (default), at most 600s\n"
	"  --timeout TIME     a request is lost when it is not answered by then (default 1s)\n"
	"  --connections N    kept alive; with --fresh: open at once (default 8)\n"
	"  --fresh            a connection for each request\n"
	"Prints one line of JSON: requests, ok, lost, and of those timeouts, refused, reset,\n"
	"http_errors; p50_us, p90_us, p99_us, max_us from the time each was due.\n"
	"The exit code is 1 when a request was lost.\n";

enum fate {
	FATE_OK,
	FATE_TIMEOUT,
	FATE_REFUSED,
	FATE_RESET, /* the connection ended before the answer did */
	FATE_HTTP,  /* an answer, but not 2xx */
	FATES,
};

enum state {
	STATE_CLOSED,
	STATE_CONNECTING,
	STATE_SENDING,
	STATE_READING,
	STATE_IDLE,
};

struct options {
	struct sl_address target;
	struct sl_address source; /* family 0: any */
	uint16_t port;
	const char *path;
	uint64_t rate_per_s;
	uint64_t for_ns;
	uint64_t timeout_ns;
	size_t connections;
	bool fresh;
};

struct connection {
	int fd;
	enum state state;
	uint64_t due_ns;
	size_t sent;
	struct sl_http_answer answer;
};

struct client {
	struct options options;
	char request[512];
	size_t request_bytes;
	uint64_t start_ns;
	uint64_t scheduled; /* requests given to a connection, or lost waiting for one */
	uint64_t total;
	uint64_t fates[FATES];
	uint64_t *latencies_ns; /* of those answered */
	struct connection *connections;
};

/* ---- one connection --------------------------------------------------------- */

static void hang_up(struct connection *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->state = STATE_CLOSED;
}

static bool is_busy(const struct connection *c)
{
	return c->state == STATE_CONNECTING || c->state == STATE_SENDING ||
	       c->state == STATE_READING;
}

static void finish(struct client *client, struct connection *c, enum fate fate, uint64_t now_ns)
{
	if (fate == FATE_OK)
		client->latencies_ns[client->fates[FATE_OK]] = now_ns - c->due_ns;
	client->fates[fate]++;
	if (fate != FATE_OK || client->options.fresh || c->answer.closes) {
		hang_up(c);
		return;
	}
	c->state = STATE_IDLE;
}

static void begin_request(struct connection *c)
{
	c->state = STATE_SENDING;
	c->sent = 0;
	sl_http_answer_begin(&c->answer);
}

static bool is_success(const struct sl_http_answer *answer)
{
	return !answer->broken && answer->status / 100 == 2;
}

static enum fate fate_of(int error)
{
	return error == ECONNREFUSED ? FATE_REFUSED : FATE_RESET;
}

static void go_on_sending(struct client *client, struct connection *c, uint64_t now_ns)
{
	ssize_t n = send(c->fd, client->request + c->sent, client->request_bytes - c->sent,
			 MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		finish(client, c, fate_of(errno), now_ns);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == client->request_bytes)
		c->state = STATE_READING;
}

static void on_connected(struct client *client, struct connection *c, uint64_t now_ns)
{
	int error = sl_tcp_error(c->fd);

	if (error) {
		finish(client, c, fate_of(error), now_ns);
		return;
	}
	begin_request(c);
	go_on_sending(client, c, now_ns);
}

static void on_readable(struct client *client, struct connection *c, uint64_t now_ns)
{
	char bytes[READ_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		finish(client, c, n < 0 ? fate_of(errno) : FATE_RESET, now_ns);
	else if (sl_http_answer_take(&c->answer, bytes, (size_t)n))
		finish(client, c, is_success(&c->answer) ? FATE_OK : FATE_HTTP, now_ns);
}

static void on_event(struct client *client, struct connection *c, uint64_t now_ns)
{
	switch (c->state) {
	case STATE_CONNECTING:
		on_connected(client, c, now_ns);
		break;
	case STATE_SENDING:
		go_on_sending(client, c, now_ns);
		break;
	case STATE_READING:
		on_readable(client, c, now_ns);
		break;
	case STATE_IDLE: /* the server had enough of it */
		hang_up(c);
		break;
	case STATE_CLOSED:
		break;
	}
}

/* ---- the schedule ----------------------------------------------------------- */

static uint64_t due_time(const struct client *client, uint64_t number)
{
	return client->start_ns + number * SL_NS_PER_S / client->options.rate_per_s;
}

/* An idle connection before a closed one: those that are up stay in use. */
static struct connection *free_connection(struct client *client)
{
	struct connection *closed = NULL;

	for (size_t i = 0; i < client->options.connections; i++) {
		struct connection *c = &client->connections[i];

		if (c->state == STATE_IDLE)
			return c;
		if (c->state == STATE_CLOSED && !closed)
			closed = c;
	}
	return closed;
}

static void launch(struct client *client, struct connection *c, uint64_t due_ns, uint64_t now_ns)
{
	const struct options *o = &client->options;
	int err;

	c->due_ns = due_ns;
	if (c->state == STATE_IDLE) {
		begin_request(c);
		go_on_sending(client, c, now_ns);
		return;
	}
	err = sl_tcp_connect(&c->fd, &o->target, o->port, &o->source);
	if (err == -EADDRNOTAVAIL && o->source.family)
		sl_die("--source: %s", strerror(-err));
	if (err)
		finish(client, c, fate_of(-err), now_ns);
	else
		c->state = STATE_CONNECTING;
}

static void launch_due(struct client *client, uint64_t now_ns)
{
	while (client->scheduled < client->total) {
		uint64_t due_ns = due_time(client, client->scheduled);
		struct connection *c;

		if (due_ns > now_ns)
			return;
		if (due_ns + client->options.timeout_ns <= now_ns) {
			client->fates[FATE_TIMEOUT]++;
			client->scheduled++;
			continue;
		}
		c = free_connection(client);
		if (!c)
			return;
		client->scheduled++;
		launch(client, c, due_ns, now_ns);
	}
}

static void expire(struct client *client, uint64_t now_ns)
{
	for (size_t i = 0; i < client->options.connections; i++) {
		struct connection *c = &client->connections[i];

		if (is_busy(c) && c->due_ns + client->options.timeout_ns <= now_ns)
			finish(client, c, FATE_TIMEOUT, now_ns);
	}
}

static uint64_t settled(const struct client *client)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FATES; i++)
		sum += client->fates[i];
	return sum;
}

/* When to look again, if nothing happens on a connection. */
static uint64_t next_wake(const struct client *client)
{
	uint64_t wake_ns = UINT64_MAX;

	if (client->scheduled < client->total)
		wake_ns = due_time(client, client->scheduled);
	for (size_t i = 0; i < client->options.connections; i++) {
		const struct connection *c = &client->connections[i];

		if (is_busy(c) && c->due_ns + client->options.timeout_ns < wake_ns)
			wake_ns = c->due_ns + client->options.timeout_ns;
	}
	return wake_ns;
}

static void wait_for_events(struct pollfd *polled, const struct client *client)
{
	uint64_t now_ns = sl_now_ns();
	uint64_t wake_ns = next_wake(client);
	uint64_t wait_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
	struct timespec timeout;

	/* Due, but no connection is free: an event must free one, or a timeout. */
	if (wait_ns == 0)
		wait_ns = SL_NS_PER_S / 1000;
	timeout.tv_sec = (time_t)(wait_ns / SL_NS_PER_S);
	timeout.tv_nsec = (long)(wait_ns % SL_NS_PER_S);
	for (size_t i = 0; i < client->options.connections; i++) {
		const struct connection *c = &client->connections[i];
		bool writes = c->state == STATE_CONNECTING || c->state == STATE_SENDING;

		polled[i] = (struct pollfd){ .fd = c->fd, .events = writes ? POLLOUT : POLLIN };
	}
	(void)ppoll(polled, client->options.connections, &timeout, NULL);
}

static void run(struct client *client)
{
	sl_autofree struct pollfd *polled = calloc(client->options.connections, sizeof(*polled));

	if (!polled)
		sl_die("no memory");
	client->start_ns = sl_now_ns();
	while (settled(client) < client->total) {
		uint64_t now_ns;

		launch_due(client, sl_now_ns());
		wait_for_events(polled, client);
		now_ns = sl_now_ns();
		for (size_t i = 0; i < client->options.connections; i++) {
			if (polled[i].fd >= 0 && polled[i].revents)
				on_event(client, &client->connections[i], now_ns);
		}
		expire(client, now_ns);
	}
}

/* ---- options and report ------------------------------------------------------ */

static void take(struct options *o, int option, const char *text)
{
	switch (option) {
	case 't':
		o->target = sl_option_address("target", text);
		break;
	case 's':
		o->source = sl_option_address("source", text);
		break;
	case 'p':
		o->port = (uint16_t)sl_option_amount("port", text, 1, UINT16_MAX);
		break;
	case 'u':
		o->path = text;
		break;
	case 'r':
		o->rate_per_s = sl_option_amount("rate", text, 1, 1000000);
		break;
	case 'f':
		o->for_ns = sl_option_duration("for", text);
		break;
	case 'T':
		o->timeout_ns = sl_option_duration("timeout", text);
		break;
	case 'c':
		o->connections = (size_t)sl_option_amount("connections", text, 1, CONNECTIONS_MAX);
		break;
	case 'F':
		o->fresh = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs(usage, stderr);
		exit(SL_EXIT_USAGE);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "target", required_argument, NULL, 't' },
		{ "source", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "rate", required_argument, NULL, 'r' },
		{ "for", required_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "connections", required_argument, NULL, 'c' },
		{ "fresh", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		take(o, option, optarg);
	if (optind != argc || !o->target.family)
		sl_die("--target is needed; see --help");
	if (o->source.family && o->source.family != o->target.family)
		sl_die("--source and --target are of different families");
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The nearest-rank percentile, in microseconds; 0 when nothing was answered. */
static double percentile(const struct client *client, uint64_t percent)
{
	uint64_t n = client->fates[FATE_OK];
	uint64_t rank = (n * percent + 99) / 100;

	return n ? (double)client->latencies_ns[rank - 1] / (double)SL_NS_PER_US : 0;
}

static void report(struct client *client)
{
	const uint64_t *fates = client->fates;

	qsort(client->latencies_ns, fates[FATE_OK], sizeof(uint64_t), by_size);
	printf("{\"requests\": %llu, \"ok\": %llu, \"lost\": %llu, \"timeouts\": %llu, "
	       "\"refused\": %llu, \"reset\": %llu, \"http_errors\": %llu, ",
	       (unsigned long long)client->total, (unsigned long long)fates[FATE_OK],
	       (unsigned long long)(client->total - fates[FATE_OK]),
	       (unsigned long long)fates[FATE_TIMEOUT], (unsigned long long)fates[FATE_REFUSED],
	       (unsigned long long)fates[FATE_RESET], (unsigned long long)fates[FATE_HTTP]);
	printf("\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
	       percentile(client, 50), percentile(client, 90), percentile(client, 99),
	       percentile(client, 100));
}

static void prepare(struct client *client)
{
	const struct options *o = &client->options;
	char host[SL_ADDRESS_BYTES];
	int n;

	n = snprintf(client->request, sizeof(client->request),
		     "GET %s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: latency\r\n%s\r\n", o->path,
		     o->target.family == 6 ? "[" : "",
		     sl_format_address(host, sizeof(host), &o->target),
		     o->target.family == 6 ? "]" : "", o->fresh ? "Connection: close\r\n" : "");
	if (n < 0 || (size_t)n >= sizeof(client->request))
		sl_die("--path is too long");
	client->request_bytes = (size_t)n;
	client->total = sl_due(o->for_ns, o->rate_per_s);
	if (client->total == 0 || client->total > REQUESTS_MAX)
		sl_die("--rate and --for make %llu requests; 1 to %d",
		       (unsigned long long)client->total, REQUESTS_MAX);
	client->latencies_ns = calloc(client->total, sizeof(uint64_t));
	client->connections = calloc(o->connections, sizeof(*client->connections));
	if (!client->latencies_ns || !client->connections)
		sl_die("no memory");
	for (size_t i = 0; i < o->connections; i++)
		client->connections[i].fd = -1;
}

int main(int argc, char **argv)
{
	struct client client = { .options = { .port = 80,
					      .path = "/",
					      .rate_per_s = 100,
					      .for_ns = 3 * SL_NS_PER_S,
					      .timeout_ns = SL_NS_PER_S,
					      .connections = 8 } };

	read_options(&client.options, argc, argv);
	prepare(&client);
	run(&client);
	report(&client);
	for (size_t i = 0; i < client.options.connections; i++)
		hang_up(&client.connections[i]);
	free(client.connections);
	free(client.latencies_ns);
	return client.fates[FATE_OK] == client.total ? EXIT_SUCCESS : EXIT_LOST;
}
