/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup of the test's own, which the test is in until it leaves. The file system is
 * mounted in a mount namespace of this process: nobody else sees the mount.
 */
#pragma once

#include <stdint.h>

struct sl_cgroup {
	int fd;	     /* to attach programs to */
	uint64_t id; /* as bpf_skb_cgroup_id() gives it */
	char path[256];
	char home[256]; /* the cgroup the process was in */
};

/* Asserts. */
void sl_cgroup_enter(struct sl_cgroup *ret);
void sl_cgroup_leave(struct sl_cgroup *cgroup);
