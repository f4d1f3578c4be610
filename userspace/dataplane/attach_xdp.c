// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/dataplane/attach_private.h"
#include "userspace/dataplane/libbpf_log.h"
#include "userspace/dataplane/nic.h"

/* Mode and program of whatever XDP is there. prog_id 0: none. */
static int query(struct sl_attachment *ret, int ifindex)
{
	struct bpf_xdp_query_opts now = { .sz = sizeof(now) };
	int r = bpf_xdp_query(ifindex, 0, &now);

	if (r)
		return r;
	*ret = (struct sl_attachment){ .how = SL_ATTACHED_NOT };
	if (now.drv_prog_id) {
		ret->how = SL_ATTACHED_NATIVE;
		ret->prog_id = now.drv_prog_id;
	} else if (now.skb_prog_id) {
		ret->how = SL_ATTACHED_GENERIC;
		ret->prog_id = now.skb_prog_id;
	}
	return 0;
}

/*
 * The kernel's words about a refused attach come by netlink and not by bpf(2), so
 * ask once more there. Should that succeed, against all odds, it is undone.
 */
static void ask_why(char *words, size_t size, int prog_fd, int ifindex, uint32_t flags)
{
	sl_libbpf_log_begin();
	if (!bpf_xdp_attach(ifindex, prog_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL))
		(void)bpf_xdp_detach(ifindex, flags, NULL);
	(void)sl_libbpf_log_extack(words, size);
}

static int refused(struct sl_dp_error *error, int code, const char *ifname, int ifindex,
		   int prog_fd, uint32_t flags)
{
	struct sl_nic nic = { 0 };
	char causes[320] = "";
	char words[128] = "";

	if (sl_nic_read(&nic, ifname, NULL))
		return sl_dp_fail(error, code, "%s: cannot attach XDP: %s", ifname,
				  strerror(-code));
	ask_why(words, sizeof(words), prog_fd, ifindex, flags);
	if (flags & XDP_FLAGS_DRV_MODE)
		sl_nic_explain(&nic, causes, sizeof(causes));
	return sl_dp_fail(
		error, code,
		"%s: the driver%s%s refused %s XDP: %s%s%s.%s Else say attach: tc-only%s.", ifname,
		*nic.driver ? " " : "", nic.driver,
		flags & XDP_FLAGS_DRV_MODE ? "native" : "generic", strerror(-code),
		*words ? ": " : "", words, causes,
		flags & XDP_FLAGS_DRV_MODE ? " or attach: generic" : "");
}

/* A link cannot change its mode; for some milliseconds there is none. */
static int leave_other_mode(const char *pin_dir, int ifindex, bool generic,
			    struct sl_dp_error *error)
{
	struct sl_attachment now, linked;
	enum sl_attached wanted = generic ? SL_ATTACHED_GENERIC : SL_ATTACHED_NATIVE;

	if (query(&now, ifindex) || now.how == SL_ATTACHED_NOT || now.how == wanted ||
	    sl_link_read(&linked, pin_dir, SL_PIN_XDP, ifindex) || linked.prog_id != now.prog_id)
		return 0;
	return sl_link_detach(pin_dir, SL_PIN_XDP, ifindex, error);
}

static int attach_link(struct sl_attachment *ret, struct sl_dataplane *dataplane,
		       const struct sl_interface_spec *wish, int ifindex, struct sl_dp_error *error)
{
	bool generic = wish->attach == SL_ATTACH_GENERIC;
	const struct sl_link_wish link = {
		.pin_dir = sl_maps_pin_dir(sl_dataplane_maps(dataplane)),
		.hook = SL_PIN_XDP,
		.ifindex = ifindex,
		.target = ifindex,
		.attach_type = BPF_XDP,
		.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE,
		.prog_fd = sl_dataplane_prog_fd(dataplane, "sl_xdp_ingress"),
	};
	int r = leave_other_mode(link.pin_dir, ifindex, generic, error);

	if (r)
		return r;
	r = sl_link_attach(ret, &link);
	if (r)
		return refused(error, r, wish->name, ifindex, link.prog_fd, link.flags);
	ret->how = generic ? SL_ATTACHED_GENERIC : SL_ATTACHED_NATIVE;
	return 0;
}

/* Is a program there that is not behind our own link? */
static bool is_taken(const char *pin_dir, int ifindex)
{
	struct sl_attachment now, ours;

	if (query(&now, ifindex) || now.how == SL_ATTACHED_NOT)
		return false;
	return sl_link_read(&ours, pin_dir, SL_PIN_XDP, ifindex) || ours.prog_id != now.prog_id;
}

int sl_xdp_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane,
		  const struct sl_interface_spec *wish, int ifindex, struct sl_dp_error *error)
{
	const char *pin_dir = sl_maps_pin_dir(sl_dataplane_maps(dataplane));
	struct sl_pin_path note;
	int r;

	if (is_taken(pin_dir, ifindex))
		return sl_dispatcher_attach(ret, dataplane, wish->name, ifindex,
					    wish->attach == SL_ATTACH_GENERIC, error);
	r = attach_link(ret, dataplane, wish, ifindex, error);
	/* The dispatcher we were in is gone; so is what the note said. */
	if (!r)
		(void)unlink(sl_pin_link(&note, pin_dir, SL_PIN_DISPATCHER, ifindex));
	return r;
}

/* A dispatcher is exchanged whenever a program joins or leaves: any one is enough. */
bool sl_xdp_holds(const struct sl_attachment *attachment, const char *pin_dir, int ifindex)
{
	struct sl_attachment now;

	if (attachment->how != SL_ATTACHED_DISPATCHER)
		return sl_link_holds(attachment, pin_dir, SL_PIN_XDP, ifindex);
	return query(&now, ifindex) || now.how != SL_ATTACHED_NOT;
}

int sl_xdp_read(struct sl_attachment *ret, const char *pin_dir, int ifindex)
{
	struct sl_attachment now = { 0 };
	struct sl_pin_path path;
	int fd;

	if (!sl_link_read(ret, pin_dir, SL_PIN_XDP, ifindex)) {
		ret->how = !query(&now, ifindex) && now.how == SL_ATTACHED_GENERIC
				   ? SL_ATTACHED_GENERIC
				   : SL_ATTACHED_NATIVE;
		return 0;
	}
	fd = bpf_obj_get(sl_pin_link(&path, pin_dir, SL_PIN_DISPATCHER, ifindex));
	if (fd < 0)
		return -errno;
	*ret = (struct sl_attachment){ .how = SL_ATTACHED_DISPATCHER, .prog_id = sl_prog_id(fd) };
	(void)close(fd);
	return 0;
}

int sl_xdp_detach(const char *pin_dir, int ifindex, struct sl_dp_error *error)
{
	int r = sl_link_detach(pin_dir, SL_PIN_XDP, ifindex, error);
	int dispatcher = sl_dispatcher_detach(pin_dir, ifindex, r ? NULL : error);

	return r ? r : dispatcher;
}
