/* SPDX-License-Identifier: Apache-2.0 */
/* The Unix socket below the admin server: where it is, who is at the other end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Listens at @path with mode 0660 and the given group, making its folder (0750)
 * when there is none. A socket that nobody answers at is replaced. The descriptor,
 * or -EADDRINUSE: somebody answers; -ENAMETOOLONG; why it failed.
 */
int sl_admin_listen(const char *path, gid_t group);

/* Root, the user of this process, or with @group not 0 its members. */
bool sl_admin_allows(int fd, gid_t group, pid_t *ret_pid, uid_t *ret_uid);

/* @length bytes and descriptors in one message. -EAGAIN: the client does not read. */
int sl_admin_send_fds(int fd, const void *bytes, size_t length, const int *fds, size_t count);
