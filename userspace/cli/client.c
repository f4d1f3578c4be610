// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"

struct sl_client {
	int fd;
	char *bytes; /* received, not yet taken */
	size_t count;
	size_t room;
};

static int fail(struct sl_client_error *error, int code, const char *what, const char *why)
{
	(void)snprintf(error->message, sizeof(error->message), "%s: %s", what, why);
	return code;
}

int sl_client_open(struct sl_client **ret, const char *path, struct sl_client_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sl_autoclose int fd = -1;
	struct sl_client *client;
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(error, -ENAMETOOLONG, path, "too long for a socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		return fail(error, err, path, strerror(-err));
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return fail(error, -ENOMEM, path, strerror(ENOMEM));
	client->fd = SL_TAKE_FD(fd);
	*ret = client;
	return 0;
}

void sl_client_close(struct sl_client *client)
{
	if (!client)
		return;
	(void)close(client->fd);
	free(client->bytes);
	free(client);
}

void sl_client_closep(struct sl_client **client)
{
	sl_client_close(*client);
}

static uint64_t now_ms(void)
{
	return sl_monotonic_ns() / 1000000u;
}

/* Waits for @events until @deadline_ms: 0, -ETIMEDOUT or why not. */
static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd poller = { .fd = fd, .events = events };
	uint64_t now = now_ms();
	int got = poll(&poller, 1, now < deadline_ms ? (int)(deadline_ms - now) : 0);

	if (got < 0)
		return errno == EINTR ? 0 : -errno;
	return got ? 0 : -ETIMEDOUT;
}

static int send_all(struct sl_client *client, const char *text, size_t length, uint64_t deadline_ms)
{
	int err = 0;

	while (length && !err) {
		ssize_t sent = send(client->fd, text, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent < 0) {
			err = wait_for(client->fd, POLLOUT, deadline_ms);
			continue;
		}
		text += sent;
		length -= (size_t)sent;
	}
	return err;
}

static int grow(struct sl_client *client)
{
	size_t room = client->room ? client->room * 2 : 8192;
	char *bytes;

	if (client->count < client->room)
		return 0;
	if (room > SL_CLIENT_LINE_BYTES_MAX)
		return -EMSGSIZE;
	bytes = realloc(client->bytes, room);
	if (!bytes)
		return -ENOMEM;
	client->bytes = bytes;
	client->room = room;
	return 0;
}

/* Receives until a whole line is there; *ret_length counts it without its end. */
static int receive_line(size_t *ret_length, struct sl_client *client, uint64_t deadline_ms)
{
	size_t looked = 0;
	int err;

	for (;;) {
		const char *end = client->count > looked ? memchr(client->bytes + looked, '\n',
								  client->count - looked)
							 : NULL;
		ssize_t got;

		if (end) {
			*ret_length = (size_t)(end - client->bytes);
			return 0;
		}
		looked = client->count;
		err = grow(client);
		if (err)
			return err;
		got = recv(client->fd, client->bytes + client->count, client->room - client->count,
			   0);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		err = got < 0 ? wait_for(client->fd, POLLIN, deadline_ms) : 0;
		if (err)
			return err;
		client->count += got > 0 ? (size_t)got : 0;
	}
}

int sl_client_next(json_t **ret, struct sl_client *client, uint64_t timeout_ms,
		   struct sl_client_error *error)
{
	json_error_t where;
	size_t length = 0;
	json_t *json;
	int err = receive_line(&length, client, now_ms() + timeout_ms);

	if (err == -EPIPE)
		return fail(error, err, "the agent", "closed the connection");
	if (err)
		return fail(error, err, "the agent",
			    err == -ETIMEDOUT ? "gives no answer" : strerror(-err));
	json = json_loadb(client->bytes, length, JSON_REJECT_DUPLICATES, &where);
	client->count -= length + 1;
	memmove(client->bytes, client->bytes + length + 1, client->count);
	if (!json_is_object(json)) {
		json_decref(json);
		return fail(error, -EPROTO, "the agent", "sent what is not an answer of ours");
	}
	*ret = json;
	return 0;
}

static char *line_of(const json_t *request)
{
	sl_autofree char *text = json_dumps(request, JSON_COMPACT);
	char *line = NULL;

	if (!text || asprintf(&line, "%s\n", text) < 0)
		return NULL;
	return line;
}

int sl_client_call(json_t **ret, struct sl_client *client, const json_t *request,
		   struct sl_client_error *error)
{
	sl_autofree char *line = line_of(request);
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	const char *why;
	int err;

	if (!line)
		return fail(error, -ENOMEM, "request", strerror(ENOMEM));
	err = send_all(client, line, strlen(line), now_ms() + SL_CLIENT_TIMEOUT_MS);
	if (err)
		return fail(error, err, "the agent", strerror(-err));
	err = sl_client_next(&reply, client, SL_CLIENT_TIMEOUT_MS, error);
	if (err)
		return err;
	if (json_is_true(json_object_get(reply, "ok"))) {
		*ret = SL_TAKE_PTR(reply);
		return 0;
	}
	why = json_string_value(json_object_get(reply, "error"));
	if (!why)
		return fail(error, -EPROTO, "the agent", "sent what is not an answer of ours");
	(void)snprintf(error->message, sizeof(error->message), "%s", why);
	return -EREMOTEIO;
}
