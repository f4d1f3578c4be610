// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "userspace/base/cleanup.h"

int sl_notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sl_autoclose int fd = -1;
	size_t length;

	if (!path || !*path)
		return 0;
	length = strlen(path);
	if ((*path != '/' && *path != '@') || length >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, length);
	if (*path == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	length += offsetof(struct sockaddr_un, sun_path);
	return sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		      (socklen_t)length) < 0
		       ? -errno
		       : 0;
}
