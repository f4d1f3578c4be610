/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/json.h"

#define RETRY_MS_MIN 100u
#define RETRY_MS_MAX 5000u
#define ANSWER_MS    5000u
#define PING_MS	     30000u /* the agent lets go of who is silent for two minutes */
#define ANSWER_BYTES 4096
#define DESCRIPTORS  (CMSG_SPACE(SL_KERNEL_FDS_MAX * sizeof(int)))
#define ASK_MAPS     "{\"cmd\":\"maps.fds\"}\n"
#define ASK_ALIVE    "{\"cmd\":\"ping\"}\n"

enum state {
	AWAY,	/* the timer says when to try again */
	ASKING, /* the maps; the timer is the answer's deadline */
	UP,	/* the timer says when to ask whether it is alive */
	PINGING,
};

struct sl_kernel_link {
	struct sl_loop *loop;
	const char *path;
	const struct sl_kernel_link_calls *calls;
	void *context;
	enum state state;
	bool told; /* that it went */
	struct sl_loop_fd fd;
	struct sl_loop_timer timer;
	unsigned int retry_ms;
	char line[ANSWER_BYTES];
	size_t length;
	int fds[SL_KERNEL_FDS_MAX];
	size_t fd_count;
};

static void drop_fds(struct sl_kernel_link *link)
{
	for (size_t i = 0; i < link->fd_count; i++)
		(void)close(link->fds[i]);
	link->fd_count = 0;
}

static void hang_up(struct sl_kernel_link *link)
{
	drop_fds(link);
	link->length = 0;
	if (link->fd.fd < 0)
		return;
	link->loop->fd_clear(link->loop, &link->fd);
	(void)close(link->fd.fd);
	link->fd.fd = -1;
}

/* Workers that lost the same agent do not all come back in the same millisecond. */
static unsigned int spread_ms(void)
{
	return (unsigned int)getpid() % 64;
}

static void lose(struct sl_kernel_link *link, const char *reason)
{
	hang_up(link);
	link->state = AWAY;
	(void)link->loop->timer_set(link->loop, &link->timer, link->retry_ms + spread_ms());
	link->retry_ms = link->retry_ms > RETRY_MS_MAX / 2 ? RETRY_MS_MAX : 2 * link->retry_ms;
	if (link->told)
		return;
	link->told = true;
	link->calls->went(link->context, reason);
}

static void refuse(struct sl_kernel_link *link, const char *reason)
{
	link->calls->wrong(link->context, reason);
	lose(link, reason);
}

/* ---- asking ---------------------------------------------------------------------------- */

static int dial(const char *path)
{
	sl_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return SL_TAKE_FD(fd);
}

/* A line this short fits the empty buffer of a socket whole, or not at all. */
static int ask(struct sl_kernel_link *link, struct sl_span line, enum state state)
{
	if (send(link->fd.fd, line.at, line.length, MSG_NOSIGNAL) != (ssize_t)line.length)
		return errno ? -errno : -EAGAIN;
	link->state = state;
	return link->loop->timer_set(link->loop, &link->timer, ANSWER_MS);
}

static void begin(struct sl_kernel_link *link)
{
	int r = dial(link->path);

	if (r < 0) {
		lose(link, strerror(-r));
		return;
	}
	link->fd.fd = r;
	r = link->loop->fd_set(link->loop, &link->fd);
	if (!r)
		r = ask(link, SL_SPAN(ASK_MAPS), ASKING);
	if (r)
		lose(link, strerror(-r));
}

static void fire(struct sl_loop_timer *timer)
{
	struct sl_kernel_link *link = timer->context;

	switch (link->state) {
	case AWAY:
		begin(link);
		return;
	case UP:
		if (ask(link, SL_SPAN(ASK_ALIVE), PINGING))
			lose(link, "it does not take requests");
		return;
	case ASKING:
	case PINGING:
		lose(link, "it does not answer");
		return;
	}
}

/* ---- answers --------------------------------------------------------------------------- */

static void take_maps(struct sl_kernel_link *link, struct sl_span line)
{
	struct sl_kernel_error error = { "" };
	struct sl_kernel_maps *maps;

	if (sl_kernel_maps_new(&maps, line, link->fds, link->fd_count, &error)) {
		refuse(link, error.message);
		return;
	}
	/* The memory stays mapped without them. */
	drop_fds(link);
	link->state = UP;
	link->told = false;
	link->retry_ms = RETRY_MS_MIN;
	(void)link->loop->timer_set(link->loop, &link->timer, PING_MS);
	link->calls->came(link->context, maps);
}

static void take_pong(struct sl_kernel_link *link, struct sl_span line)
{
	static const char *const wanted[] = { "ok" };
	struct sl_json_value found;
	bool ok = false;

	if (link->fd_count || sl_json_pick(&found, wanted, 1, line, NULL) ||
	    sl_json_bool(&ok, found) || !ok) {
		refuse(link, "the answer to a ping cannot be read");
		return;
	}
	link->state = UP;
	(void)link->loop->timer_set(link->loop, &link->timer, PING_MS);
}

/* One answer for one question: nothing else may come. */
static void read_line(struct sl_kernel_link *link)
{
	const char *end = memchr(link->line, '\n', link->length);
	struct sl_span line = { link->line, end ? (size_t)(end - link->line) : 0 };

	if (!end && link->length == sizeof(link->line)) {
		refuse(link, "the answer is too long");
		return;
	}
	if (link->state == UP || (end && end + 1 != link->line + link->length)) {
		refuse(link, "it speaks unasked");
		return;
	}
	if (!end)
		return;
	link->length = 0;
	if (link->state == ASKING)
		take_maps(link, line);
	else
		take_pong(link, line);
}

static void keep_fds(struct sl_kernel_link *link, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		const unsigned char *at = CMSG_DATA(header);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, at + i * sizeof(int), sizeof(fd));
			if (link->fd_count < SL_KERNEL_FDS_MAX)
				link->fds[link->fd_count++] = fd;
			else
				(void)close(fd);
		}
	}
}

static ssize_t receive(struct sl_kernel_link *link, bool *ret_cut)
{
	union {
		struct cmsghdr header;
		char room[DESCRIPTORS];
	} control;
	struct iovec data = { link->line + link->length, sizeof(link->line) - link->length };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(link->fd.fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	keep_fds(link, &message);
	*ret_cut = message.msg_flags & MSG_CTRUNC;
	return length;
}

static void ready(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_kernel_link *link = fd->context;
	bool cut = false;
	ssize_t length = receive(link, &cut);

	(void)events;
	if (length == -EAGAIN || length == -EINTR)
		return;
	if (length <= 0) {
		lose(link, length ? strerror((int)-length) : "it hung up");
		return;
	}
	if (cut) {
		refuse(link, "more descriptors came than a gateway takes");
		return;
	}
	link->length += (size_t)length;
	read_line(link);
}

int sl_kernel_link_new(struct sl_kernel_link **ret, struct sl_loop *loop, const char *path,
		       const struct sl_kernel_link_calls *calls, void *context)
{
	struct sl_kernel_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	link->loop = loop;
	link->path = path;
	link->calls = calls;
	link->context = context;
	link->retry_ms = RETRY_MS_MIN;
	link->fd = (struct sl_loop_fd){
		.fd = -1, .events = SL_LOOP_READ, .ready = ready, .context = link
	};
	link->timer = (struct sl_loop_timer){ .fire = fire, .context = link };
	r = loop->timer_set(loop, &link->timer, 0);
	if (r) {
		free(link);
		return r;
	}
	*ret = link;
	return 0;
}

void sl_kernel_link_free(struct sl_kernel_link *link)
{
	if (!link)
		return;
	hang_up(link);
	link->loop->timer_clear(link->loop, &link->timer);
	free(link);
}
