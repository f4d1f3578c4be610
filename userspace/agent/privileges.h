/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent gives up once it is set up: every capability but CAP_BPF and
 * CAP_NET_ADMIN, the way back to any other, and the system calls it has no use for.
 *
 * Thread: the one and only; the process must not have started others.
 * Errors: 0 or -errno, with a message for an operator.
 */
#pragma once

#include <stdbool.h>

struct sl_privileges_error {
	char message[256];
};

/* -EPERM: the process lacks CAP_BPF or CAP_NET_ADMIN (CAP_SYS_ADMIN stands in for the first
 * only until it is dropped, so it is not enough). Call it before anything is loaded. */
int sl_privileges_check(struct sl_privileges_error *error);

/*
 * Raises RLIMIT_MEMLOCK, which kernels before 5.11 charge BPF maps to. Without
 * CAP_SYS_RESOURCE this fails, and on newer kernels it does not matter: false = it failed.
 */
bool sl_privileges_raise_memlock(void);

/*
 * Keeps CAP_BPF and CAP_NET_ADMIN, permitted and effective; nothing inheritable,
 * ambient or (with CAP_SETPCAP) in the bounding set beside them; sets no_new_privs,
 * so that no program run later can gain any.
 */
int sl_privileges_drop(struct sl_privileges_error *error);

/*
 * System calls from here on: those of a running agent, with sockets of
 * AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, with threads, but no processes, and no
 * memory that is executable. Threads begun later are under the same filter.
 * All others fail with EPERM; those that start programs, debug others or load
 * code into the kernel by another door end the process. Needs no_new_privs.
 */
int sl_privileges_filter(struct sl_privileges_error *error);
