// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/privileges.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "userspace/base/cleanup.h"

static const cap_value_t kept[] = { CAP_BPF, CAP_NET_ADMIN };

#define KEPT_COUNT ((int)(sizeof(kept) / sizeof(kept[0])))

static void free_cap(cap_t *cap)
{
	if (*cap)
		(void)cap_free(*cap);
}

__attribute__((format(printf, 3, 4))) static int refuse(struct sl_privileges_error *error, int code,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return code;
}

static bool is_kept(int cap)
{
	for (int i = 0; i < KEPT_COUNT; i++)
		if (kept[i] == cap)
			return true;
	return false;
}

int sl_privileges_check(struct sl_privileges_error *error)
{
	sl_cleanup(free_cap) cap_t have = cap_get_proc();

	if (!have)
		return refuse(error, -errno, "cannot read my capabilities: %s", strerror(errno));
	for (int i = 0; i < KEPT_COUNT; i++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (cap_get_flag(have, kept[i], CAP_PERMITTED, &on) != 0 || on != CAP_SET)
			return refuse(error, -EPERM,
				      "needs %s: run as root, or in a container add "
				      "CAP_BPF, CAP_NET_ADMIN and, to load, CAP_PERFMON",
				      kept[i] == CAP_BPF ? "CAP_BPF" : "CAP_NET_ADMIN");
	}
	return 0;
}

bool sl_privileges_raise_memlock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
}

/* Of no use to a process that keeps no CAP_SETPCAP and never executes; done all
 * the same, so that /proc/PID/status shows what is meant. May be refused. */
static void drop_bounding(void)
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!is_kept(cap))
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int sl_privileges_drop(struct sl_privileges_error *error)
{
	sl_cleanup(free_cap) cap_t caps = cap_init();

	if (!caps)
		return refuse(error, -ENOMEM, "out of memory");
	drop_bounding();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(error, -errno, "cannot set no_new_privs: %s", strerror(errno));
	if (cap_set_flag(caps, CAP_PERMITTED, KEPT_COUNT, kept, CAP_SET) != 0 ||
	    cap_set_flag(caps, CAP_EFFECTIVE, KEPT_COUNT, kept, CAP_SET) != 0 ||
	    cap_set_proc(caps) != 0)
		return refuse(error, -errno,
			      "cannot reduce my capabilities to CAP_BPF and CAP_NET_ADMIN: %s",
			      strerror(errno));
	return 0;
}
