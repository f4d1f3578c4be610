// SPDX-License-Identifier: Apache-2.0
/*
 * TCX where the kernel has it. A clsact filter cannot be pinned; its handle and
 * priority are fixed, so the next agent replaces the program in place.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach_private.h"
#include "userspace/dataplane/libbpf_log.h"

/* enum bpf_attach_type of Linux 6.6; headers of libbpf 1.1 end before. */
#define TCX_INGRESS 46u
#define TCX_EGRESS  47u

#define CLSACT_HANDLE	0x736cu
#define CLSACT_PRIORITY 7u /* before most others: what is refused costs them nothing */

static enum sl_pin_hook link_hook(bool egress)
{
	return egress ? SL_PIN_TC_EGRESS : SL_PIN_TC_INGRESS;
}

static enum sl_pin_hook note_hook(bool egress)
{
	return egress ? SL_PIN_CLSACT_EGRESS : SL_PIN_CLSACT_INGRESS;
}

static struct bpf_tc_hook hook_of(bool egress, int ifindex)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS,
	};
}

static int attach_tcx(struct sl_attachment *ret, const char *pin_dir, bool egress, int ifindex,
		      int prog_fd)
{
	const struct sl_link_wish wish = {
		.pin_dir = pin_dir,
		.hook = link_hook(egress),
		.ifindex = ifindex,
		.target = ifindex,
		.attach_type = egress ? TCX_EGRESS : TCX_INGRESS,
		.prog_fd = prog_fd,
	};
	int r = sl_link_attach(ret, &wish);

	if (!r)
		ret->how = SL_ATTACHED_TCX;
	return r;
}

static int attach_clsact(struct sl_attachment *ret, const char *pin_dir, bool egress, int ifindex,
			 int prog_fd)
{
	struct bpf_tc_hook hook = hook_of(egress, ifindex);
	struct bpf_tc_opts options = { .sz = sizeof(options),
				       .prog_fd = prog_fd,
				       .flags = BPF_TC_F_REPLACE,
				       .handle = CLSACT_HANDLE,
				       .priority = CLSACT_PRIORITY };
	struct sl_pin_path root, folder, note;
	bool was_there = !access(sl_pin_link(&note, pin_dir, note_hook(egress), ifindex), F_OK);
	int r;

	sl_libbpf_log_begin();
	r = sl_pin_make_dir(sl_pin_child(&folder, sl_pin_root(&root, pin_dir), "links"), NULL);
	/* The note first: a filter without it would be forgotten by an uninstall. */
	if (!r)
		r = sl_pin_replace(prog_fd, note.text, NULL);
	if (!r)
		r = bpf_tc_hook_create(&hook);
	if (!r || r == -EEXIST)
		r = bpf_tc_attach(&hook, &options);
	if (r && !was_there)
		(void)unlink(note.text);
	if (r)
		return r;
	*ret = (struct sl_attachment){ .how = SL_ATTACHED_CLSACT, .prog_id = sl_prog_id(prog_fd) };
	return 0;
}

static int detach_clsact(const char *pin_dir, bool egress, int ifindex, struct sl_dp_error *error)
{
	struct bpf_tc_hook hook = hook_of(egress, ifindex);
	struct bpf_tc_opts options = { .sz = sizeof(options),
				       .handle = CLSACT_HANDLE,
				       .priority = CLSACT_PRIORITY };
	struct sl_pin_path note;
	int r;

	if (access(sl_pin_link(&note, pin_dir, note_hook(egress), ifindex), F_OK))
		return 0;
	sl_libbpf_log_begin();
	r = bpf_tc_detach(&hook, &options);
	/* Gone with its interface, or removed by somebody else. */
	if (r == -ENODEV || r == -ENOENT || r == -EINVAL)
		r = 0;
	if (!r && unlink(note.text))
		r = -errno;
	if (r)
		return sl_libbpf_fail(error, r, "cannot detach the tc filter of interface %d: %s",
				      ifindex, strerror(-r));
	return 0;
}

/* Kernels before 6.6 do not know the attach type. */
static bool has_no_tcx(int r)
{
	return r == -EINVAL || r == -EOPNOTSUPP;
}

int sl_tc_attach(struct sl_attachment *ret, struct sl_dataplane *dataplane, bool egress,
		 const char *ifname, int ifindex, bool clsact, struct sl_dp_error *error)
{
	const char *pin_dir = sl_maps_pin_dir(sl_dataplane_maps(dataplane));
	const char *way = egress ? "egress" : "ingress";
	int prog_fd = sl_dataplane_prog_fd(dataplane, egress ? "sl_tc_egress" : "sl_tc_ingress");
	int r = 0;

	if (!clsact) {
		r = attach_tcx(ret, pin_dir, egress, ifindex, prog_fd);
		if (!r)
			return detach_clsact(pin_dir, egress, ifindex, error);
	}
	if (clsact || has_no_tcx(r)) {
		r = attach_clsact(ret, pin_dir, egress, ifindex, prog_fd);
		if (!r)
			return sl_link_detach(pin_dir, link_hook(egress), ifindex, error);
		return sl_libbpf_fail(error, r, "%s: cannot attach to tc %s (clsact): %s", ifname,
				      way, strerror(-r));
	}
	return sl_dp_fail(error, r, "%s: cannot attach to tc %s (TCX): %s", ifname, way,
			  strerror(-r));
}

bool sl_tc_holds(const struct sl_attachment *attachment, const char *pin_dir, bool egress,
		 int ifindex)
{
	struct bpf_tc_hook hook = hook_of(egress, ifindex);
	struct bpf_tc_opts options = { .sz = sizeof(options),
				       .handle = CLSACT_HANDLE,
				       .priority = CLSACT_PRIORITY };

	if (attachment->how == SL_ATTACHED_TCX)
		return sl_link_holds(attachment, pin_dir, link_hook(egress), ifindex);
	sl_libbpf_log_begin();
	return !bpf_tc_query(&hook, &options) && options.prog_id == attachment->prog_id;
}

int sl_tc_read(struct sl_attachment *ret, const char *pin_dir, bool egress, int ifindex)
{
	sl_autoclose int fd = -1;
	struct sl_pin_path note;

	if (!sl_link_read(ret, pin_dir, link_hook(egress), ifindex)) {
		ret->how = SL_ATTACHED_TCX;
		return 0;
	}
	fd = bpf_obj_get(sl_pin_link(&note, pin_dir, note_hook(egress), ifindex));
	if (fd < 0)
		return -errno;
	*ret = (struct sl_attachment){ .how = SL_ATTACHED_CLSACT, .prog_id = sl_prog_id(fd) };
	return 0;
}

int sl_tc_detach(const char *pin_dir, bool egress, int ifindex, struct sl_dp_error *error)
{
	int r = sl_link_detach(pin_dir, link_hook(egress), ifindex, error);
	int filter = detach_clsact(pin_dir, egress, ifindex, r ? NULL : error);

	return r ? r : filter;
}
