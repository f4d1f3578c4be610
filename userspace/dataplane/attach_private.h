/* SPDX-License-Identifier: Apache-2.0 */
/* The ways of attaching, one file each. Inside of this folder. */
#pragma once

#include "userspace/dataplane/attach.h"
#include "userspace/dataplane/pins.h"

/* ---- attach_link.c ---- */

struct sl_link_wish {
	const char *pin_dir;
	enum sl_pin_hook hook;
	int ifindex;	      /* 0 with SL_PIN_SOCK_OPS */
	int target;	      /* what is attached to: the interface's index or a cgroup's fd */
	uint32_t attach_type; /* enum bpf_attach_type */
	uint32_t flags;
	int prog_fd;
};

/*
 * The program behind the pinned link is exchanged; without one, or when its
 * interface is gone, a link is made and pinned. -errno of the kernel, no message.
 */
int sl_link_attach(struct sl_attachment *ret, const struct sl_link_wish *wish);

/* What is behind the link pinned there. -ENOENT. */
int sl_link_read(struct sl_attachment *ret, const char *pin_dir, enum sl_pin_hook hook,
		 int ifindex);

/* Is the link pinned there that one, and does it still hold its place? */
bool sl_link_holds(const struct sl_attachment *link, const char *pin_dir, enum sl_pin_hook hook,
		   int ifindex);

/* Destroys and unpins. 0 also when there is none. */
int sl_link_detach(const char *pin_dir, enum sl_pin_hook hook, int ifindex,
		   struct sl_dp_error *error);

uint32_t sl_prog_id(int prog_fd);

/* ---- attach_xdp.c ---- */

int sl_xdp_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane,
		  const struct sl_interface_spec *wish, int ifindex, struct sl_dp_error *error);
bool sl_xdp_holds(const struct sl_attachment *attachment, const char *pin_dir, int ifindex);
int sl_xdp_read(struct sl_attachment *ret, const char *pin_dir, int ifindex);
int sl_xdp_detach(const char *pin_dir, int ifindex, struct sl_dp_error *error);

/* ---- attach_dispatcher.c ---- */

/* -EBUSY: the program there did not come by libxdp. */
int sl_dispatcher_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane,
			 const char *ifname, int ifindex, bool generic, struct sl_dp_error *error);
int sl_dispatcher_detach(const char *pin_dir, int ifindex, struct sl_dp_error *error);

/* ---- attach_tc.c ---- */

int sl_tc_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane, bool egress,
		 const char *ifname, int ifindex, bool clsact, struct sl_dp_error *error);
bool sl_tc_holds(const struct sl_attachment *attachment, const char *pin_dir, bool egress,
		 int ifindex);
int sl_tc_read(struct sl_attachment *ret, const char *pin_dir, bool egress, int ifindex);
int sl_tc_detach(const char *pin_dir, bool egress, int ifindex, struct sl_dp_error *error);
