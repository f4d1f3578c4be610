// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define ROOT "/sys/fs/cgroup"

/* The cgroup v2 of this process, below the root. */
static void find_home(char *ret, size_t bytes)
{
	sl_autofclose FILE *file = fopen("/proc/self/cgroup", "re");
	char line[200];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		assert_true((size_t)snprintf(ret, bytes, ROOT "%s", line + 3) < bytes);
		return;
	}
	fail_msg("this kernel has no cgroup v2");
}

static void move_to(const char *folder)
{
	char path[300];
	sl_autofclose FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file, "%d\n", (int)getpid()) > 0);
	assert_int_equal(fflush(file), 0);
}

static uint64_t id_of(const char *path)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} file;
	uint64_t id;
	int mount_id;

	memset(&file, 0, sizeof(file));
	file.handle.handle_bytes = sizeof(uint64_t);
	assert_int_equal(name_to_handle_at(AT_FDCWD, path, &file.handle, &mount_id, 0), 0);
	memcpy(&id, file.room + sizeof(struct file_handle), sizeof(id));
	return id;
}

void sl_cgroup_enter(struct sl_cgroup *ret)
{
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", ROOT, "cgroup2", 0, NULL), 0);
	find_home(ret->home, sizeof(ret->home));
	(void)snprintf(ret->path, sizeof(ret->path), ROOT "/sl-test-%d", (int)getpid());
	assert_int_equal(mkdir(ret->path, 0700), 0);
	move_to(ret->path);
	ret->fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(ret->fd >= 0);
	ret->id = id_of(ret->path);
}

void sl_cgroup_leave(struct sl_cgroup *cgroup)
{
	move_to(cgroup->home);
	(void)close(cgroup->fd);
	assert_int_equal(rmdir(cgroup->path), 0);
}
