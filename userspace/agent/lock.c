// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

static pid_t read_holder(int fd)
{
	char digits[16] = "";

	if (pread(fd, digits, sizeof(digits) - 1, 0) <= 0)
		return 0;
	return (pid_t)strtol(digits, NULL, 10);
}

int sl_lock_take(const char *state_dir, pid_t *ret_holder)
{
	char path[PATH_MAX], digits[16];
	sl_autoclose int fd = -1;
	int length;

	if (mkdir(state_dir, 0700) != 0 && errno != EEXIST)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s/lock", state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		*ret_holder = read_holder(fd);
		return -EBUSY;
	}
	length = snprintf(digits, sizeof(digits), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, digits, (size_t)length, 0) != length)
		return -errno;
	return SL_TAKE_FD(fd);
}
