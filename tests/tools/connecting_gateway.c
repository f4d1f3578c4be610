// SPDX-License-Identifier: Apache-2.0
/*
 * connecting_gateway PORT URL SUBJECT: a gateway of one thread that opens a connection
 * to NATS for each request, by nats.c's plain calls: connect, request, destroy. What
 * ours is compared with. Its HTTP is as cheap as can be, with keep-alive: it is the
 * way to NATS that costs.
 */
#include <arpa/inet.h>
#include <nats/nats.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/options.h"

#define REQUEST_BYTES 8192
#define ANSWER_BYTES  16384
#define TIMEOUT_MS    5000

struct gateway {
	const char *url, *subject;
	int listener, epoll;
};

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1024))
		sl_die("cannot listen on port %u", port);
	return fd;
}

static void watch(const struct gateway *gateway, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(gateway->epoll, EPOLL_CTL_ADD, fd, &event))
		sl_die("cannot watch a connection");
}

/* The reply's bytes, or -1. */
static int ask(const struct gateway *gateway, const char *body, size_t length, char *to,
	       size_t size)
{
	natsConnection *connection = NULL;
	natsMsg *reply = NULL;
	int n = -1;

	if (natsConnection_ConnectTo(&connection, gateway->url) == NATS_OK &&
	    natsConnection_Request(&reply, connection, gateway->subject, body, (int)length,
				   TIMEOUT_MS) == NATS_OK) {
		n = natsMsg_GetDataLength(reply);
		if (n >= 0 && (size_t)n < size)
			memcpy(to, natsMsg_GetData(reply), (size_t)n);
		else
			n = -1;
	}
	natsMsg_Destroy(reply);
	natsConnection_Destroy(connection);
	return n;
}

/* A whole request comes at once, as http_load sends it. False: the connection ends. */
static bool serve(const struct gateway *gateway, int fd)
{
	char request[REQUEST_BYTES], reply[ANSWER_BYTES], answer[ANSWER_BYTES + 256];
	const ssize_t got = recv(fd, request, sizeof(request) - 1, 0);
	const char *body;
	int n, length;

	if (got <= 0)
		return false;
	request[got] = '\0';
	body = strstr(request, "\r\n\r\n");
	if (!body)
		return false;
	body += 4;
	n = ask(gateway, body, (size_t)(request + got - body), reply, sizeof(reply));
	length = snprintf(answer, sizeof(answer),
			  "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
			  "Content-Length: %d\r\n\r\n%.*s",
			  n < 0 ? "503 Service Unavailable" : "200 OK", n < 0 ? 0 : n,
			  n < 0 ? 0 : n, reply);
	return send(fd, answer, (size_t)length, MSG_NOSIGNAL) == length;
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	struct gateway gateway;

	if (argc != 4) {
		(void)fputs("usage: connecting_gateway PORT URL SUBJECT\n", stderr);
		return SL_EXIT_USAGE;
	}
	gateway.url = argv[2];
	gateway.subject = argv[3];
	gateway.listener = listen_on((uint16_t)sl_option_amount("PORT", argv[1], 1, 65535));
	gateway.epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(&gateway, gateway.listener);
	for (;;) {
		const int n = epoll_wait(gateway.epoll, events, 64, -1);

		for (int i = 0; i < n; i++) {
			const int fd = events[i].data.fd;

			if (fd == gateway.listener)
				watch(&gateway, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
			else if (!serve(&gateway, fd))
				(void)close(fd);
		}
	}
}
