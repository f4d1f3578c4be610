// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/admin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent/admin_socket.h"
#include "userspace/base/cleanup.h"
#include "userspace/obs/log.h"

struct client {
	struct client *next;
	struct client **link; /* what points here */
	struct sl_admin *admin;
	struct bufferevent *stream;
	bool follows;
	bool closing; /* after what is in the queue */
	uint64_t lost;
	struct sl_admin_later *later; /* its answer comes later: nothing else is read before */
};

struct sl_admin_later {
	struct client *client; /* NULL: it did not wait */
};

struct sl_admin {
	struct sl_admin_options options;
	struct event_base *base;
	struct evconnlistener *listener;
	struct client *clients;
	struct sl_admin_stats stats;
	char path[SL_CONFIG_PATH_BYTES];
};

static void close_client(struct client *client)
{
	struct sl_admin *admin = client->admin;

	*client->link = client->next;
	if (client->next)
		client->next->link = client->link;
	admin->stats.clients--;
	if (client->follows)
		admin->stats.followers--;
	if (client->later)
		client->later->client = NULL;
	bufferevent_free(client->stream);
	free(client);
}

static struct evbuffer *queue_of(const struct client *client)
{
	return bufferevent_get_output(client->stream);
}

/* Frees @line. */
static int send_line(struct client *client, char *line)
{
	int err = line ? evbuffer_add_printf(queue_of(client), "%s\n", line) : -1;

	free(line);
	return err < 0 ? -ENOMEM : 0;
}

static char *format_reply(const struct sl_admin_reply *reply)
{
	json_t *root = json_object();
	char *line = NULL;
	int err = json_object_set_new(root, "ok", json_boolean(!reply->refused));

	if (reply->refused)
		err |= json_object_set_new(root, "error", json_string(reply->error));
	else if (reply->body)
		err |= json_object_update(root, reply->body);
	if (!err)
		line = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return line;
}

/* Descriptors travel with the bytes they are sent with, so nothing may wait before them. */
static int send_with_fds(struct client *client, const struct sl_admin_reply *reply, char *line)
{
	sl_autofree char *whole = NULL;
	int length;

	if (!line || evbuffer_get_length(queue_of(client)) > 0) {
		free(line);
		return -EAGAIN;
	}
	length = asprintf(&whole, "%s\n", line);
	free(line);
	if (length < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	return sl_admin_send_fds(bufferevent_getfd(client->stream), whole, (size_t)length,
				 reply->fds, reply->fd_count);
}

void sl_admin_refuse(struct sl_admin_reply *reply, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reply->error, sizeof(reply->error), format, args);
	va_end(args);
	reply->refused = true;
}

static void close_fds(struct sl_admin_reply *reply)
{
	while (reply->fd_count)
		(void)close(reply->fds[--reply->fd_count]);
}

static int answer(struct client *client, struct sl_admin_reply *reply)
{
	char *line = format_reply(reply);
	int err;

	client->admin->stats.requests_total++;
	client->admin->stats.failed_total += reply->refused;
	json_decref(reply->body);
	if (reply->follow && !client->follows) {
		client->follows = true;
		client->admin->stats.followers++;
		bufferevent_set_timeouts(client->stream, NULL,
					 &(struct timeval){ .tv_sec = SL_ADMIN_WRITE_S });
	}
	err = reply->fd_count ? send_with_fds(client, reply, line) : send_line(client, line);
	close_fds(reply);
	return err;
}

/* ---- answers that come later ------------------------------------------------------------- */

struct sl_admin_later *sl_admin_later(struct sl_admin_reply *reply)
{
	struct sl_admin_later *later = calloc(1, sizeof(*later));

	if (!later)
		return NULL;
	later->client = reply->asker;
	later->client->later = later;
	return later;
}

void sl_admin_at_once(struct sl_admin_later *later)
{
	later->client->later = NULL;
	free(later);
}

static void on_read(struct bufferevent *stream, void *arg);

void sl_admin_answer(struct sl_admin_later *later, struct sl_admin_reply *reply)
{
	struct client *client = later->client;

	free(later);
	if (!client) {
		json_decref(reply->body);
		close_fds(reply);
		return;
	}
	client->later = NULL;
	if (answer(client, reply) != 0)
		close_client(client);
	else
		on_read(client->stream, client); /* what waited behind it */
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool is_for_gateways(enum sl_admin_command command)
{
	return command == SL_ADMIN_PING || command == SL_ADMIN_MAPS_FDS;
}

static int serve(struct client *client, const char *line, size_t length)
{
	struct sl_admin_reply reply = { .body = NULL, .asker = client };
	struct sl_admin_request request;
	struct sl_text_error error = { .message = "" };

	if (sl_admin_parse(&request, line, length, &error) != 0) {
		reply.refused = true;
		(void)snprintf(reply.error, sizeof(reply.error), "%s", error.message);
	} else if (client->admin->options.gateway && !is_for_gateways(request.command)) {
		reply.refused = true;
		(void)snprintf(reply.error, sizeof(reply.error),
			       "a gateway may not ask for \"%s\": use the admin socket",
			       sl_admin_command_name(request.command));
	} else {
		client->admin->options.function(&reply, &request, line,
						client->admin->options.context);
	}
	return client->later ? 0 : answer(client, &reply);
}

/* A line without end: the rest of it cannot be told from the next request. */
static void refuse_long_line(struct client *client)
{
	struct sl_admin_reply reply = { .refused = true };

	(void)snprintf(reply.error, sizeof(reply.error), "a request has at most %u bytes",
		       SL_ADMIN_LINE_BYTES_MAX);
	(void)answer(client, &reply);
	client->closing = true;
	(void)bufferevent_disable(client->stream, EV_READ);
}

/* One request after the other, while the client takes the answers. */
static void on_read(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;
	struct evbuffer *in = bufferevent_get_input(stream);

	while (!client->later && evbuffer_get_length(queue_of(client)) < SL_ADMIN_QUEUE_BYTES_MAX) {
		size_t length = 0;
		char *line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF);
		int err;

		if (!line) {
			if (evbuffer_get_length(in) > SL_ADMIN_LINE_BYTES_MAX)
				refuse_long_line(client);
			return;
		}
		err = serve(client, line, length);
		free(line);
		if (err) {
			close_client(client);
			return;
		}
	}
}

static void on_written(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	if (evbuffer_get_length(queue_of(client)) > 0 || client->later)
		return;
	if (client->closing)
		close_client(client);
	else if (evbuffer_get_length(bufferevent_get_input(stream)) > 0)
		on_read(stream, arg); /* what waited while the queue was full */
}

static void on_gone(struct bufferevent *stream, short what, void *arg)
{
	struct client *client = arg;
	bool waits = client->later || evbuffer_get_length(queue_of(client)) > 0;
	bool half_closed = (what & BEV_EVENT_EOF) && waits;

	(void)stream;
	/* `echo '{"cmd":"ping"}' | nc -U`: the answer is still wanted. */
	if (half_closed)
		client->closing = true;
	else
		close_client(client);
}

static int add_client(struct sl_admin *admin, evutil_socket_t fd)
{
	const struct timeval idle = { .tv_sec = SL_ADMIN_IDLE_S };
	const struct timeval slow = { .tv_sec = SL_ADMIN_WRITE_S };
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->admin = admin;
	client->stream = bufferevent_socket_new(admin->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->stream) {
		free(client);
		return -ENOMEM;
	}
	client->link = &admin->clients;
	client->next = admin->clients;
	if (client->next)
		client->next->link = &client->next;
	admin->clients = client;
	admin->stats.clients++;
	bufferevent_setcb(client->stream, on_read, on_written, on_gone, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, SL_ADMIN_LINE_BYTES_MAX + 1);
	bufferevent_set_timeouts(client->stream, &idle, &slow);
	(void)bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	return 0;
}

static void turn_away(struct sl_admin *admin, int fd, const char *why, pid_t pid, uid_t uid)
{
	char line[160];
	int length = snprintf(line, sizeof(line), "{\"ok\":false,\"error\":\"%s\"}\n", why);

	admin->stats.refused_total++;
	sl_log_limited(admin->options.log, SL_LOG_CLIENTS, SL_LOG_WARN, "client turned away",
		       SL_STR("reason", why), SL_NUM("pid", pid), SL_NUM("uid", uid));
	if (length > 0)
		(void)send(fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		      int length, void *arg)
{
	struct sl_admin *admin = arg;
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;

	(void)listener;
	(void)peer;
	(void)length;
	if (!sl_admin_allows(fd, admin->options.group, &pid, &uid))
		turn_away(admin, fd, "not allowed: be root or in the group of the socket", pid,
			  uid);
	else if (admin->stats.clients >= SL_ADMIN_CLIENTS_MAX)
		turn_away(admin, fd, "too many clients", pid, uid);
	else if (add_client(admin, fd) != 0)
		turn_away(admin, fd, "out of memory", pid, uid);
}

int sl_admin_new(struct sl_admin **ret, struct event_base *base,
		 const struct sl_admin_options *options)
{
	struct sl_admin *admin = calloc(1, sizeof(*admin));
	int fd;

	if (!admin)
		return -ENOMEM;
	admin->options = *options;
	admin->base = base;
	(void)snprintf(admin->path, sizeof(admin->path), "%s", options->path);
	fd = sl_admin_listen(options->path, options->group);
	if (fd < 0) {
		free(admin);
		return fd;
	}
	admin->listener = evconnlistener_new(base, on_accept, admin, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!admin->listener) {
		(void)close(fd);
		free(admin);
		return -ENOMEM;
	}
	*ret = admin;
	return 0;
}

void sl_admin_free(struct sl_admin *admin)
{
	if (!admin)
		return;
	while (admin->clients)
		close_client(admin->clients);
	evconnlistener_free(admin->listener);
	(void)unlink(admin->path);
	free(admin);
}

static int send_lost(struct client *client)
{
	int err = evbuffer_add_printf(queue_of(client), "{\"lost\":%llu}\n",
				      (unsigned long long)client->lost);

	client->lost = 0;
	return err;
}

void sl_admin_broadcast(struct sl_admin *admin, json_t *body)
{
	char *line = json_dumps(body, JSON_COMPACT);

	json_decref(body);
	for (struct client *client = admin->clients; client; client = client->next) {
		if (!client->follows)
			continue;
		if (!line || evbuffer_get_length(queue_of(client)) > SL_ADMIN_QUEUE_BYTES_MAX) {
			client->lost++;
			admin->stats.events_lost_total++;
			continue;
		}
		if (client->lost)
			(void)send_lost(client);
		(void)evbuffer_add_printf(queue_of(client), "%s\n", line);
	}
	free(line);
}

struct sl_admin_stats sl_admin_stats(const struct sl_admin *admin)
{
	return admin ? admin->stats : (struct sl_admin_stats){ 0 };
}
