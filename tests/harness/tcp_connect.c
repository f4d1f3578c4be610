// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/tcp_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/base/cleanup.h"

static socklen_t fill(struct sockaddr_storage *ret, const struct sl_address *address, uint16_t port)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ret, 0, sizeof(*ret));
	if (address->family == 4) {
		memcpy(&in4.sin_addr, address->bytes, sizeof(in4.sin_addr));
		memcpy(ret, &in4, sizeof(in4));
		return sizeof(in4);
	}
	memcpy(&in6.sin6_addr, address->bytes, sizeof(in6.sin6_addr));
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

/* The port is chosen when it connects, so that many may share an address. */
static int bind_near_end(int fd, const struct sl_address *source)
{
	struct sockaddr_storage from;
	socklen_t bytes = fill(&from, source, 0);
	int on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, bytes) != 0)
		return -errno;
	return 0;
}

int sl_tcp_connect(int *ret_fd, const struct sl_address *target, uint16_t port,
		   const struct sl_address *source)
{
	struct sockaddr_storage to;
	socklen_t bytes = fill(&to, target, port);
	sl_autoclose int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	int err;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (source->family) {
		err = bind_near_end(fd, source);
		if (err)
			return err;
	}
	if (connect(fd, (struct sockaddr *)&to, bytes) != 0 && errno != EINPROGRESS)
		return -errno;
	*ret_fd = SL_TAKE_FD(fd);
	return 0;
}

int sl_tcp_error(int fd)
{
	socklen_t bytes = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		return errno;
	return error;
}
