// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/links.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define RECEIVE_BYTES 65536u /* a datagram of a link list is at most 32 KiB */
#define SOCKET_BYTES  (1 << 20)
#define READS_A_TURN  64 /* then others in the loop have their turn */
#define RESCAN_MS     50 /* after trouble: not a busy loop */

struct sl_links {
	int fd;
	struct event *readable;
	struct event *rescan;
	struct sl_link_table table;
	sl_link_change_fn *function;
	void *context;
	struct sl_links_stats stats;
	uint8_t buffer[RECEIVE_BYTES];
};

static void rescan_soon(struct sl_links *links)
{
	const struct timeval soon = { .tv_usec = RESCAN_MS * 1000 };

	if (!event_pending(links->rescan, EV_TIMEOUT, NULL))
		(void)event_add(links->rescan, &soon);
}

static void ask(struct sl_links *links)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.link = { .ifi_family = AF_UNSPEC },
	};

	sl_link_table_begin(&links->table);
	links->stats.scans_total++;
	if (send(links->fd, &request, sizeof(request), 0) < 0)
		rescan_soon(links);
}

static void on_event(const struct sl_link_event *event, void *context)
{
	struct sl_links *links = context;

	if (event->type == SL_LINK_BROKEN) {
		rescan_soon(links);
		return;
	}
	sl_link_table_apply(&links->table, event, links->function, links->context);
}

static void on_rescan(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask(arg);
}

/* One datagram; false when there is no more to read now. */
static bool receive(struct sl_links *links)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_bytes = sizeof(from);
	ssize_t length = recvfrom(links->fd, links->buffer, sizeof(links->buffer), MSG_TRUNC,
				  (struct sockaddr *)&from, &from_bytes);

	if (length < 0) {
		if (errno == ENOBUFS) {
			links->stats.overruns_total++;
			rescan_soon(links);
			return true;
		}
		return errno == EINTR;
	}
	if (from.nl_pid != 0) /* only the kernel knows */
		return true;
	if ((size_t)length > sizeof(links->buffer)) {
		links->stats.malformed_total++;
		rescan_soon(links);
		return true;
	}
	links->stats.malformed_total +=
		sl_link_parse(links->buffer, (size_t)length, on_event, links);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < READS_A_TURN; i++)
		if (!receive(arg))
			return;
}

static int open_socket(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	const int bytes = SOCKET_BYTES;
	sl_autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	/* FORCE needs CAP_NET_ADMIN, which we have; smaller works too, with more scans. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return -errno;
	return SL_TAKE_FD(fd);
}

int sl_links_new(struct sl_links **ret, struct event_base *base, sl_link_change_fn *function,
		 void *context)
{
	struct sl_links *links = calloc(1, sizeof(*links));
	int err = -ENOMEM;

	if (!links)
		return -ENOMEM;
	links->function = function;
	links->context = context;
	links->fd = open_socket();
	if (links->fd < 0) {
		err = links->fd;
		free(links);
		return err;
	}
	links->readable = event_new(base, links->fd, EV_READ | EV_PERSIST, on_readable, links);
	links->rescan = event_new(base, -1, 0, on_rescan, links);
	if (!links->readable || !links->rescan || event_add(links->readable, NULL) != 0) {
		sl_links_free(links);
		return err;
	}
	*ret = links;
	return 0;
}

void sl_links_free(struct sl_links *links)
{
	if (!links)
		return;
	if (links->readable)
		event_free(links->readable);
	if (links->rescan)
		event_free(links->rescan);
	(void)close(links->fd);
	free(links);
}

void sl_links_want(struct sl_links *links, const struct sl_interface_spec *interfaces, size_t count)
{
	sl_link_table_want(&links->table, interfaces, count);
	ask(links);
}

struct sl_links_stats sl_links_stats(const struct sl_links *links)
{
	return links->stats;
}
