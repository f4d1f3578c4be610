// SPDX-License-Identifier: Apache-2.0
/*
 * http_load: an HTTP/1.1 client that keeps so many connections busy: each asks again
 * as soon as it was answered. With --cpu-of it tells what the server's processes
 * (those and their children) spent on a request.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "tests/harness/http_answer.h"
#include "tests/harness/options.h"
#include "tests/harness/process_cpu.h"
#include "tests/harness/tcp_connect.h"
#include "userspace/base/cleanup.h"

#define CONNECTIONS_MAX 4096
#define SAMPLES_MAX	4000000
#define READ_BYTES	16384
#define REQUEST_BYTES	65536
#define FIELDS_MAX	16

static const char usage[] =
	"usage: http_load --target ADDRESS [options]\n"
	"  --port N         (default 80)\n"
	"  --path PATH      (default /)\n"
	"  --body TEXT      POST it as JSON; else GET\n"
	"  --header TEXT    \"Name: value\", up to 16 times\n"
	"  --connections N  (default 64)\n"
	"  --for TIME       as 3s (default)\n"
	"  --cpu-of PID     of a server, with its children\n"
	"Prints one line of JSON: requests, req_per_s, ok (2xx), limited (429), other, broken\n"
	"(connections that ended), p50_us, p99_us, cpu_us (of the server, a request).\n";

struct connection {
	int fd;
	uint64_t asked_ns;
	struct sl_http_answer answer;
};

struct run {
	struct sl_address target;
	uint16_t port;
	char request[REQUEST_BYTES];
	size_t request_bytes;
	struct connection connections[CONNECTIONS_MAX];
	unsigned int count;
	int epoll;
	uint64_t ok, limited, other, broken;
	uint32_t *samples_us;
	size_t sample_count;
};

/* ---- connections ------------------------------------------------------------------ */

static void ask(struct run *run, struct connection *c)
{
	c->asked_ns = sl_now_ns();
	sl_http_answer_begin(&c->answer);
	/* One that does not take a whole request at once is broken for our purpose. */
	if (send(c->fd, run->request, run->request_bytes, MSG_NOSIGNAL) !=
	    (ssize_t)run->request_bytes)
		run->broken++;
}

static void open_one(struct run *run, struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	const struct sl_address any = { 0 };

	c->asked_ns = 0;
	if (sl_tcp_connect(&c->fd, &run->target, run->port, &any))
		sl_die("cannot connect");
	if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event))
		sl_die("epoll: %s", strerror(errno));
}

static void again(struct run *run, struct connection *c)
{
	(void)close(c->fd);
	open_one(run, c);
}

static void count(struct run *run, const struct connection *c)
{
	int status = c->answer.status;

	if (status >= 200 && status < 300)
		run->ok++;
	else if (status == 429)
		run->limited++;
	else
		run->other++;
	if (run->sample_count < SAMPLES_MAX)
		run->samples_us[run->sample_count++] =
			(uint32_t)((sl_now_ns() - c->asked_ns) / SL_NS_PER_US);
}

static void take(struct run *run, struct connection *c)
{
	char bytes[READ_BYTES];
	ssize_t n;

	while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0) {
		if (!sl_http_answer_take(&c->answer, bytes, (size_t)n))
			continue;
		if (c->answer.broken) {
			run->broken++;
			again(run, c);
			return;
		}
		count(run, c);
		if (c->answer.closes) {
			again(run, c);
			return;
		}
		ask(run, c);
	}
	if (n < 0 && errno == EAGAIN)
		return;
	run->broken++;
	again(run, c);
}

static void work(struct run *run, uint64_t until_ns)
{
	struct epoll_event events[256];

	while (sl_now_ns() < until_ns) {
		int n = epoll_wait(run->epoll, events, 256, 100);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (!c->asked_ns && (events[i].events & EPOLLOUT))
				ask(run, c);
			else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				take(run, c);
		}
	}
}

/* ---- the request, and what is told ----------------------------------------------------- */

static void make_request(struct run *run, const char *path, const char *body, char *const *headers,
			 size_t header_count)
{
	sl_autofclose FILE *out = fmemopen(run->request, REQUEST_BYTES, "w");
	long length;

	if (!out)
		sl_die("out of memory");
	(void)setvbuf(out, NULL, _IOFBF, REQUEST_BYTES);
	(void)fprintf(out, "%s %s HTTP/1.1\r\nHost: load\r\n", body ? "POST" : "GET", path);
	for (size_t i = 0; i < header_count; i++)
		(void)fprintf(out, "%s\r\n", headers[i]);
	if (body)
		(void)fprintf(out,
			      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			      strlen(body), body);
	else
		(void)fputs("\r\n", out);
	length = ftell(out);
	if (fflush(out) || length <= 0 || length >= REQUEST_BYTES)
		sl_die("the request is too long");
	run->request_bytes = (size_t)length;
}

static int by_size(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return (one > other) - (one < other);
}

static unsigned int percentile(const struct run *run, size_t percent)
{
	return run->sample_count ? run->samples_us[run->sample_count * percent / 100] : 0;
}

static void tell(struct run *run, uint64_t took_ns, uint64_t cpu_ns)
{
	uint64_t requests = run->ok + run->limited + run->other;

	qsort(run->samples_us, run->sample_count, sizeof(*run->samples_us), by_size);
	printf("{\"requests\":%lu,\"req_per_s\":%.0f,\"ok\":%lu,\"limited\":%lu,\"other\":%lu,"
	       "\"broken\":%lu,\"p50_us\":%u,\"p99_us\":%u,\"cpu_us\":%.2f}\n",
	       requests, (double)requests * 1e9 / (double)took_ns, run->ok, run->limited,
	       run->other, run->broken, percentile(run, 50), percentile(run, 99),
	       requests ? (double)cpu_ns / 1e3 / (double)requests : 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "target", 1, NULL, 't' }, { "port", 1, NULL, 'p' },
		{ "path", 1, NULL, 'P' },   { "body", 1, NULL, 'b' },
		{ "header", 1, NULL, 'H' }, { "connections", 1, NULL, 'c' },
		{ "for", 1, NULL, 'f' },    { "cpu-of", 1, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	static struct run run = { .port = 80, .count = 64 };
	const char *path = "/", *body = NULL;
	char *headers[FIELDS_MAX];
	size_t header_count = 0;
	uint64_t for_ns = 3 * SL_NS_PER_S, begin_ns, cpu_ns;
	pid_t server = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			run.target = sl_option_address("target", optarg);
			break;
		case 'p':
			run.port = (uint16_t)sl_option_amount("port", optarg, 1, 65535);
			break;
		case 'P':
			path = optarg;
			break;
		case 'b':
			body = optarg;
			break;
		case 'H':
			if (header_count == FIELDS_MAX)
				sl_die("too many headers");
			headers[header_count++] = optarg;
			break;
		case 'c':
			run.count = (unsigned int)sl_option_amount("connections", optarg, 1,
								   CONNECTIONS_MAX);
			break;
		case 'f':
			for_ns = sl_option_duration("for", optarg);
			break;
		case 'C':
			server = (pid_t)sl_option_amount("cpu-of", optarg, 1, 1 << 22);
			break;
		default:
			(void)fputs(usage, stderr);
			return SL_EXIT_USAGE;
		}
	}
	if (!run.target.family)
		sl_die("--target is wanted");
	make_request(&run, path, body, headers, header_count);
	run.samples_us = malloc(SAMPLES_MAX * sizeof(*run.samples_us));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!run.samples_us || run.epoll < 0)
		sl_die("out of memory");
	for (unsigned int i = 0; i < run.count; i++)
		open_one(&run, &run.connections[i]);
	begin_ns = sl_now_ns();
	cpu_ns = server ? sl_process_cpu_ns(server) : 0;
	work(&run, begin_ns + for_ns);
	cpu_ns = server ? sl_process_cpu_ns(server) - cpu_ns : 0;
	tell(&run, sl_now_ns() - begin_ns, cpu_ns);
	free(run.samples_us);
	return 0;
}
