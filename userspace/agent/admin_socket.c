// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/admin_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/agent/admin.h"
#include "userspace/base/cleanup.h"

#define GROUPS_MAX 1024

/* SO_PEERGROUPS is in no header of glibc's. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

static int make_folder(const char *path, gid_t group)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = "";
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	memcpy(folder, path, (size_t)(slash - path)); /* @path fits a socket's address */
	if (mkdir(folder, 0750) != 0)
		return errno == EEXIST ? 0 : -errno;
	if (group && chown(folder, (uid_t)-1, group) != 0)
		return -errno;
	return 0;
}

/* A socket file outlives its agent; whether one is alive is seen by calling it. */
static int remove_stale(const struct sockaddr_un *address)
{
	sl_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return -EADDRINUSE;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

int sl_admin_listen(const char *path, gid_t group)
{
	sl_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	err = make_folder(path, group);
	if (!err)
		err = remove_stale(&address);
	if (err)
		return err;
	/* Never open to more than it should be, not even until the chmod. */
	mask = umask(0117);
	err = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
	(void)umask(mask);
	if (!err && group && chown(path, (uid_t)-1, group) != 0)
		err = -errno;
	if (!err && listen(fd, 16) != 0)
		err = -errno;
	return err ? err : SL_TAKE_FD(fd);
}

static bool is_member(int fd, gid_t group, gid_t primary)
{
	gid_t groups[GROUPS_MAX];
	socklen_t bytes = sizeof(groups);

	if (primary == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) != 0)
		return false;
	for (size_t i = 0; i < bytes / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool sl_admin_allows(int fd, gid_t group, pid_t *ret_pid, uid_t *ret_uid)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return false;
	*ret_pid = peer.pid;
	*ret_uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid() || (group && is_member(fd, group, peer.gid));
}

int sl_admin_send_fds(int fd, const void *bytes, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(SL_ADMIN_FDS_MAX * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec data = { .iov_len = length };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control };
	struct cmsghdr *header = &control.header;
	ssize_t sent;

	memcpy(&data.iov_base, &bytes, sizeof(bytes)); /* sendmsg only reads it */
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	return (size_t)sent == length ? 0 : -EAGAIN;
}
