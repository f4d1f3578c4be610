/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs onto interfaces and cgroups. Everything is pinned, so it stays when
 * the agent ends, and an existing attachment of ours is updated in place: no
 * packet goes unjudged between the old program and the new one.
 *
 *   XDP         a bpf_link in native mode. Where another XDP program runs in libxdp's
 *               dispatcher, ours joins it (this needs CAP_SYS_ADMIN and CAP_PERFMON,
 *               see -EPERM). Generic mode only when the configuration says so.
 *   tc          a TCX link (kernel 6.6), else a clsact filter with a fixed
 *               priority and handle.
 *   sock_ops    a link to the cgroup2 root given.
 *
 * When a wish changes (native to tc-only) the new hook is attached before the old
 * one goes: a packet of that moment may be charged twice, none passes unjudged.
 *
 * Thread: one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/error.h"
#include "userspace/dataplane/loader.h"
#include "userspace/domain/config.h"

enum sl_attached {
	SL_ATTACHED_NOT = 0,
	SL_ATTACHED_NATIVE,	/* XDP in the driver */
	SL_ATTACHED_GENERIC,	/* XDP on skbs */
	SL_ATTACHED_DISPATCHER, /* XDP in libxdp's dispatcher, beside others */
	SL_ATTACHED_TCX,
	SL_ATTACHED_CLSACT,
	SL_ATTACHED_CGROUP,
};

/* "native", "tcx", ...; "-" for SL_ATTACHED_NOT. */
const char *sl_attached_name(enum sl_attached how);

struct sl_attachment {
	enum sl_attached how;
	uint32_t prog_id;
	uint32_t link_id; /* 0: dispatcher and clsact have no link of ours */
};

struct sl_attach_report {
	int ifindex;
	char ifname[SL_CONFIG_IFNAME_BYTES]; /* "" when the interface is gone */
	struct sl_attachment xdp;
	struct sl_attachment tc_ingress;
	struct sl_attachment tc_egress;
};

struct sl_attach_options {
	bool clsact; /* use clsact although the kernel has TCX */
};

/*
 * Attaches what @wish says to the interface of that name and detaches what of ours
 * it no longer says. May be called again at any time; an unchanged attachment is
 * updated to the loaded programs. @options may be NULL.
 *
 * -ENODEV: no such interface (now). -EBUSY: an XDP program is there that does not
 * share. -EOPNOTSUP, -EINVAL, ...: refused by the driver; the message has the
 * driver's own words where it gave any, what of MTU, LRO, queues and link state
 * may be the cause, and what to change. On failure the other hooks of the
 * interface that were there stay, egress is attached even when ingress was refused,
 * and @ret says what is attached (not with -ENODEV).
 */
int sl_attach_interface(struct sl_dataplane *dataplane, const struct sl_interface_spec *wish,
			const struct sl_attach_options *options, struct sl_attach_report *ret,
			struct sl_dp_error *error);

/*
 * Counts connections of the sockets below @cgroup_dir; "" = the cgroup2 mount,
 * as /proc/self/mountinfo says. -ENOENT: no cgroup2. @ret may be NULL.
 */
int sl_attach_sockets(struct sl_dataplane *dataplane, const char *cgroup_dir,
		      struct sl_attachment *ret, struct sl_dp_error *error);

/*
 * The rest needs only the pins, not the agent.
 */

/*
 * Is all that @report says still attached? Some system calls, nothing is changed.
 * -ENOLINK: a hook is not, because somebody detached, replaced or unpinned it:
 * attach again. -ENODEV: the interface has gone or lost its name.
 */
int sl_attach_check(const char *pin_dir, const struct sl_attach_report *report);

/* The same of the cgroup; 0 when @sockets says that nothing was attached. */
int sl_attach_check_sockets(const char *pin_dir, const struct sl_attachment *sockets);

/* Everything of ours off this interface. 0 also when nothing was there. */
int sl_detach_interface(const char *pin_dir, int ifindex, struct sl_dp_error *error);

int sl_detach_sockets(const char *pin_dir, struct sl_dp_error *error);

/*
 * What is attached where, of all interfaces with a pin, by index; free(@ret).
 * @ret_sockets may be NULL.
 */
int sl_attach_list(struct sl_attach_report **ret, size_t *ret_count,
		   struct sl_attachment *ret_sockets, const char *pin_dir,
		   struct sl_dp_error *error);
