/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup2 folders and their ids, as programs see them. Thread: any. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/error.h"

/*
 * The cgroup2 mount into @ret: @wanted when it is not "", else the first of
 * /proc/self/mountinfo. -ENOENT: there is none. -ENOTSUP: @wanted is none.
 */
int sl_cgroup_mount(char *ret, size_t size, const char *wanted, struct sl_dp_error *error);

/* The id of the folder @path below @mount. -ENOENT, -ENAMETOOLONG. */
int sl_cgroup_id(uint64_t *ret, const char *mount, const char *path);
