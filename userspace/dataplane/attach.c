// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/attach.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach_private.h"
#include "userspace/dataplane/cgroup.h"

const char *sl_attached_name(enum sl_attached how)
{
	static const char *const names[] = {
		[SL_ATTACHED_NOT] = "-",	   [SL_ATTACHED_NATIVE] = "native",
		[SL_ATTACHED_GENERIC] = "generic", [SL_ATTACHED_DISPATCHER] = "dispatcher",
		[SL_ATTACHED_TCX] = "tcx",	   [SL_ATTACHED_CLSACT] = "clsact",
		[SL_ATTACHED_CGROUP] = "cgroup",
	};

	return names[how];
}

/* What the interface is to have; what it is not to have goes only after that. */
static int attach_wanted(struct sl_attach_report *report, struct sl_dataplane *dataplane,
			 const struct sl_interface_spec *wish, bool ingress_by_tc, bool clsact,
			 struct sl_dp_error *error)
{
	int r, egress = 0;

	if (ingress_by_tc)
		r = sl_tc_attach(&report->tc_ingress, dataplane, false, wish->name, report->ifindex,
				 clsact, error);
	else
		r = sl_xdp_attach(&report->xdp, dataplane, wish, report->ifindex, error);
	/* A driver or program that is in the way of ingress is not in the way of egress. */
	if (wish->egress)
		egress = sl_tc_attach(&report->tc_egress, dataplane, true, wish->name,
				      report->ifindex, clsact, r ? NULL : error);
	return r ? r : egress;
}

static int detach_unwanted(const char *pin_dir, int ifindex, bool xdp, bool tc_ingress,
			   bool tc_egress, struct sl_dp_error *error)
{
	int r = 0;

	if (!xdp)
		r = sl_xdp_detach(pin_dir, ifindex, error);
	if (!r && !tc_ingress)
		r = sl_tc_detach(pin_dir, false, ifindex, error);
	if (!r && !tc_egress)
		r = sl_tc_detach(pin_dir, true, ifindex, error);
	return r;
}

int sl_attach_interface(struct sl_dataplane *dataplane, const struct sl_interface_spec *wish,
			const struct sl_attach_options *options, struct sl_attach_report *ret,
			struct sl_dp_error *error)
{
	bool ingress_by_tc = wish->attach == SL_ATTACH_TC_ONLY || wish->tc_ingress;
	struct sl_attach_report report = { .ifindex = (int)if_nametoindex(wish->name) };
	int r;

	if (!report.ifindex)
		return sl_dp_fail(error, -ENODEV, "%s: there is no such interface", wish->name);
	(void)snprintf(report.ifname, sizeof(report.ifname), "%s", wish->name);
	r = attach_wanted(&report, dataplane, wish, ingress_by_tc, options && options->clsact,
			  error);
	if (!r)
		r = detach_unwanted(sl_maps_pin_dir(sl_dataplane_maps(dataplane)), report.ifindex,
				    !ingress_by_tc, ingress_by_tc, wish->egress, error);
	*ret = report;
	return r;
}

int sl_detach_interface(const char *pin_dir, int ifindex, struct sl_dp_error *error)
{
	return detach_unwanted(pin_dir, ifindex, false, false, false, error);
}

int sl_attach_check(const char *pin_dir, const struct sl_attach_report *report)
{
	int ifindex = report->ifindex;

	if ((int)if_nametoindex(report->ifname) != ifindex)
		return -ENODEV;
	if (report->xdp.how && !sl_xdp_holds(&report->xdp, pin_dir, ifindex))
		return -ENOLINK;
	if (report->tc_ingress.how && !sl_tc_holds(&report->tc_ingress, pin_dir, false, ifindex))
		return -ENOLINK;
	if (report->tc_egress.how && !sl_tc_holds(&report->tc_egress, pin_dir, true, ifindex))
		return -ENOLINK;
	return 0;
}

/* ---- sockets ---- */

/* A link of ours to another cgroup: the configuration names another folder now. */
static bool is_elsewhere(const char *pin_dir, int cgroup_fd)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	struct sl_pin_path path;
	sl_autoclose int fd = bpf_obj_get(sl_pin_link(&path, pin_dir, SL_PIN_SOCK_OPS, 0));
	struct stat st;

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && !fstat(cgroup_fd, &st) &&
	       info.cgroup.cgroup_id != st.st_ino;
}

int sl_attach_sockets(struct sl_dataplane *dataplane, const char *cgroup_dir,
		      struct sl_attachment *ret, struct sl_dp_error *error)
{
	const char *pin_dir = sl_maps_pin_dir(sl_dataplane_maps(dataplane));
	struct sl_link_wish wish = {
		.pin_dir = pin_dir,
		.hook = SL_PIN_SOCK_OPS,
		.attach_type = BPF_CGROUP_SOCK_OPS,
		.prog_fd = sl_dataplane_prog_fd(dataplane, "sl_sock_ops"),
	};
	char mount[SL_CONFIG_PATH_BYTES];
	struct sl_attachment made = { 0 };
	sl_autoclose int fd = -1;
	int r = sl_cgroup_mount(mount, sizeof(mount), cgroup_dir, error);

	if (r)
		return r;
	fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sl_dp_fail(error, -errno, "cannot open %s: %s", mount, strerror(errno));
	if (is_elsewhere(pin_dir, fd))
		r = sl_link_detach(pin_dir, SL_PIN_SOCK_OPS, 0, error);
	if (r)
		return r;
	wish.target = fd;
	r = sl_link_attach(&made, &wish);
	if (r)
		return sl_dp_fail(error, r, "cannot attach sock_ops to %s: %s", mount,
				  strerror(-r));
	made.how = SL_ATTACHED_CGROUP;
	if (ret)
		*ret = made;
	return 0;
}

int sl_attach_check_sockets(const char *pin_dir, const struct sl_attachment *sockets)
{
	return !sockets->how || sl_link_holds(sockets, pin_dir, SL_PIN_SOCK_OPS, 0) ? 0 : -ENOLINK;
}

int sl_detach_sockets(const char *pin_dir, struct sl_dp_error *error)
{
	return sl_link_detach(pin_dir, SL_PIN_SOCK_OPS, 0, error);
}

/* ---- what is there ---- */

static void closedir_p(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

struct found {
	struct sl_attach_report *at;
	size_t count;
};

static int add_interface(struct found *found, const char *pin_dir, int ifindex)
{
	struct sl_attach_report *more;
	struct sl_attach_report *report;

	for (size_t i = 0; i < found->count; i++) {
		if (found->at[i].ifindex == ifindex)
			return 0;
	}
	more = reallocarray(found->at, found->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	found->at = more;
	report = &more[found->count++];
	*report = (struct sl_attach_report){ .ifindex = ifindex };
	(void)if_indextoname((unsigned)ifindex, report->ifname);
	(void)sl_xdp_read(&report->xdp, pin_dir, ifindex);
	(void)sl_tc_read(&report->tc_ingress, pin_dir, false, ifindex);
	(void)sl_tc_read(&report->tc_egress, pin_dir, true, ifindex);
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const struct sl_attach_report *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int find_interfaces(struct found *found, const char *pin_dir)
{
	struct sl_pin_path root, path;
	sl_cleanup(closedir_p) DIR *folder =
		opendir(sl_pin_child(&path, sl_pin_root(&root, pin_dir), "links"));
	const struct dirent *entry;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(folder))) {
		enum sl_pin_hook hook;
		int ifindex;
		int r = 0;

		if (!sl_pin_parse_link(&hook, &ifindex, entry->d_name) && hook != SL_PIN_SOCK_OPS)
			r = add_interface(found, pin_dir, ifindex);
		if (r)
			return r;
	}
	if (found->count)
		qsort(found->at, found->count, sizeof(*found->at), by_index);
	return 0;
}

int sl_attach_list(struct sl_attach_report **ret, size_t *ret_count,
		   struct sl_attachment *ret_sockets, const char *pin_dir,
		   struct sl_dp_error *error)
{
	struct sl_attachment sockets = { 0 };
	struct found found = { 0 };
	int r = find_interfaces(&found, pin_dir);

	if (r) {
		free(found.at);
		return sl_dp_fail(error, r, "cannot read the links under %s: %s", pin_dir,
				  strerror(-r));
	}
	if (!sl_link_read(&sockets, pin_dir, SL_PIN_SOCK_OPS, 0))
		sockets.how = SL_ATTACHED_CGROUP;
	*ret = found.at;
	*ret_count = found.count;
	if (ret_sockets)
		*ret_sockets = sockets;
	return 0;
}
