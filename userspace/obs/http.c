// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "userspace/base/cleanup.h"
#include "userspace/obs/accept.h"
#include "userspace/obs/http_request.h"
#include "userspace/obs/metrics.h"

struct connection {
	struct connection *next;
	struct connection **link; /* what points here */
	struct sl_http *http;
	struct bufferevent *stream;
	struct event *deadline;
	bool answered;
};

struct sl_http {
	struct event_base *base;
	struct evconnlistener *listener;
	const struct sl_http_route *routes;
	void *context;
	struct connection *connections;
	unsigned int count;
	struct sl_http_stats stats;
};

struct listen_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	int length;
};

static void close_connection(struct connection *connection)
{
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	connection->http->count--;
	if (connection->deadline)
		event_free(connection->deadline);
	bufferevent_free(connection->stream);
	free(connection);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	if (!connection->answered)
		connection->http->stats.refused_total++;
	close_connection(connection);
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 503:
		return "Service Unavailable";
	default:
		return "Bad Request";
	}
}

static void free_metrics(const void *data, size_t length, void *metrics)
{
	(void)data;
	(void)length;
	sl_metrics_free(metrics);
}

/* The page goes out from the buffers it was written in: a large one is not copied. */
static int add_metrics(struct evbuffer *out, struct sl_metrics *metrics)
{
	size_t length = 0, next_length = 0;
	const char *part = sl_metrics_part(metrics, 0, &length), *next;

	for (unsigned int i = 1; part; i++, part = next, length = next_length) {
		next = sl_metrics_part(metrics, i, &next_length);
		/* References are released in order: the last one frees them all. */
		if (evbuffer_add_reference(out, part, length, next ? NULL : free_metrics,
					   metrics) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Takes the metrics when they are sent. */
static void add_body(struct evbuffer *out, struct sl_http_reply *reply)
{
	if (!reply->metrics)
		(void)evbuffer_add(out, reply->text, strlen(reply->text));
	else if (!sl_metrics_length(reply->metrics))
		return;
	else if (add_metrics(out, reply->metrics) == 0)
		reply->metrics = NULL;
	else /* what was added points into what is freed next */
		(void)evbuffer_drain(out, evbuffer_get_length(out));
}

static void send_reply(struct connection *connection, struct sl_http_reply *reply,
		       const struct sl_http_request *request)
{
	struct evbuffer *out = bufferevent_get_output(connection->stream);
	const struct timeval patience = { .tv_sec = SL_HTTP_REPLY_S };
	bool openmetrics;
	size_t length;

	if (reply->metrics && sl_metrics_status(reply->metrics) != 0) {
		reply->status = 500;
		(void)snprintf(reply->text, sizeof(reply->text),
			       "the page is too large; lower metrics.tenants_max\n");
		sl_metrics_free(SL_TAKE_PTR(reply->metrics));
	}
	openmetrics = reply->metrics && request->openmetrics;
	if (openmetrics)
		sl_metrics_to_openmetrics(reply->metrics);
	length = reply->metrics ? sl_metrics_length(reply->metrics) : strlen(reply->text);
	(void)evbuffer_add_printf(out,
				  "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
				  "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
				  reply->status, status_text(reply->status),
				  openmetrics ? SL_OPENMETRICS_TYPE : SL_METRICS_TYPE, length,
				  reply->status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (!request->head_only)
		add_body(out, reply);
	sl_metrics_free(reply->metrics);
	connection->answered = true;
	connection->http->stats.requests_total++;
	(void)bufferevent_disable(connection->stream, EV_READ);
	(void)event_add(connection->deadline, &patience);
}

static void answer(struct connection *connection, int status, const struct sl_http_request *request)
{
	struct sl_http_reply reply = { .status = status };
	const struct sl_http_route *route = connection->http->routes;

	if (status == 200) {
		while (route->path && strcmp(route->path, request->path) != 0)
			route++;
		if (route->path)
			route->serve(&reply, connection->http->context);
		else
			reply.status = 404;
	} else {
		connection->http->stats.refused_total++;
	}
	if (!reply.metrics && !reply.text[0])
		(void)snprintf(reply.text, sizeof(reply.text), "%s\n", status_text(reply.status));
	send_reply(connection, &reply, request);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *in = bufferevent_get_input(stream);
	size_t length = evbuffer_get_length(in);
	struct sl_http_request request = { .path = "" }; /* as it is when it is malformed */
	int status;

	if (length > SL_HTTP_HEAD_BYTES_MAX)
		length = SL_HTTP_HEAD_BYTES_MAX;
	status = sl_http_parse(&request, (const char *)evbuffer_pullup(in, (ev_ssize_t)length),
			       length);
	if (status)
		answer(connection, status, &request);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;

	if (connection->answered && evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		close_connection(connection);
}

static void on_gone(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	close_connection(arg);
}

static int add_connection(struct sl_http *http, evutil_socket_t fd)
{
	const struct timeval patience = { .tv_sec = SL_HTTP_REQUEST_S };
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	connection->http = http;
	connection->stream = bufferevent_socket_new(http->base, fd, BEV_OPT_CLOSE_ON_FREE);
	connection->deadline = event_new(http->base, -1, 0, on_deadline, connection);
	if (!connection->stream || !connection->deadline ||
	    event_add(connection->deadline, &patience) != 0) {
		if (connection->deadline)
			event_free(connection->deadline);
		if (connection->stream)
			bufferevent_free(connection->stream);
		free(connection);
		return -ENOMEM;
	}
	connection->link = &http->connections;
	connection->next = http->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	http->connections = connection;
	http->count++;
	bufferevent_setcb(connection->stream, on_read, on_written, on_gone, connection);
	bufferevent_setwatermark(connection->stream, EV_READ, 0, SL_HTTP_HEAD_BYTES_MAX);
	(void)bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	return 0;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		      int length, void *arg)
{
	struct sl_http *http = arg;

	(void)listener;
	(void)peer;
	(void)length;
	if (http->count < SL_HTTP_CONNECTIONS_MAX && add_connection(http, fd) == 0)
		return;
	http->stats.refused_total++;
	(void)close(fd);
}

static int parse_address(struct listen_address *ret, const char *text, uint16_t port)
{
	*ret = (struct listen_address){ .length = 0 };
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		ret->length = (int)sizeof(ret->v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		ret->length = (int)sizeof(ret->v6);
		return 0;
	}
	return -EINVAL;
}

int sl_http_new(struct sl_http **ret, struct event_base *base, const char *address, uint16_t port,
		const struct sl_http_route *routes, void *context)
{
	struct listen_address at;
	struct sl_http *http;

	if (parse_address(&at, address, port) != 0)
		return -EINVAL;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->base = base;
	http->routes = routes;
	http->context = context;
	errno = 0;
	http->listener = evconnlistener_new_bind(base, on_accept, http,
						 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
							 LEV_OPT_REUSEABLE,
						 16, &at.any, at.length);
	if (!http->listener) {
		int err = errno ? -errno : -ENOMEM;

		free(http);
		return err;
	}
	*ret = http;
	return 0;
}

void sl_http_free(struct sl_http *http)
{
	if (!http)
		return;
	while (http->connections)
		close_connection(http->connections);
	evconnlistener_free(http->listener);
	free(http);
}

struct sl_http_stats sl_http_stats(const struct sl_http *http)
{
	return http->stats;
}
