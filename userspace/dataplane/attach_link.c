// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach_private.h"

uint32_t sl_prog_id(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) ? 0 : info.id;
}

static int read_link(struct sl_attachment *ret, int link_fd)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return -errno;
	ret->prog_id = info.prog_id;
	ret->link_id = info.id;
	return 0;
}

static int open_link(int *ret, struct sl_pin_path *path, const char *pin_dir, enum sl_pin_hook hook,
		     int ifindex)
{
	int fd = bpf_obj_get(sl_pin_link(path, pin_dir, hook, ifindex));

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

/* A pinned link outlives its interface and does nothing then: -ENOLINK. */
static int update(struct sl_attachment *ret, const struct sl_link_wish *wish)
{
	sl_autoclose int fd = -1;
	struct sl_pin_path path;
	int r = open_link(&fd, &path, wish->pin_dir, wish->hook, wish->ifindex);

	if (r)
		return r;
	if (!bpf_link_update(fd, wish->prog_fd, NULL))
		return read_link(ret, fd);
	r = -errno;
	if (r == -ENOLINK && unlink(path.text))
		return -errno;
	return r;
}

static int create(struct sl_attachment *ret, const struct sl_link_wish *wish)
{
	struct bpf_link_create_opts options = { .sz = sizeof(options), .flags = wish->flags };
	struct sl_pin_path root, folder, path;
	sl_autoclose int fd = -1;
	int r = sl_pin_make_dir(sl_pin_child(&folder, sl_pin_root(&root, wish->pin_dir), "links"),
				NULL);

	if (r)
		return r;
	fd = bpf_link_create(wish->prog_fd, wish->target, (enum bpf_attach_type)wish->attach_type,
			     &options);
	if (fd < 0)
		return -errno;
	r = sl_pin_replace(fd, sl_pin_link(&path, wish->pin_dir, wish->hook, wish->ifindex), NULL);
	return r ? r : read_link(ret, fd);
}

int sl_link_attach(struct sl_attachment *ret, const struct sl_link_wish *wish)
{
	int r = update(ret, wish);

	return r == -ENOENT || r == -ENOLINK ? create(ret, wish) : r;
}

int sl_link_read(struct sl_attachment *ret, const char *pin_dir, enum sl_pin_hook hook, int ifindex)
{
	sl_autoclose int fd = -1;
	struct sl_pin_path path;
	int r = open_link(&fd, &path, pin_dir, hook, ifindex);

	return r ? r : read_link(ret, fd);
}

/* A link whose place was taken from it is still there, but of no interface or cgroup. */
bool sl_link_holds(const struct sl_attachment *link, const char *pin_dir, enum sl_pin_hook hook,
		   int ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	struct sl_pin_path path;
	sl_autoclose int fd = -1;

	if (open_link(&fd, &path, pin_dir, hook, ifindex) ||
	    bpf_obj_get_info_by_fd(fd, &info, &size) || info.id != link->link_id ||
	    info.prog_id != link->prog_id)
		return false;
	if (hook == SL_PIN_SOCK_OPS)
		return info.cgroup.cgroup_id != 0;
	/* A TCX link says it at the same place; headers before Linux 6.6 have no name for that. */
	return info.xdp.ifindex == (__u32)ifindex;
}

int sl_link_detach(const char *pin_dir, enum sl_pin_hook hook, int ifindex,
		   struct sl_dp_error *error)
{
	sl_autoclose int fd = -1;
	struct sl_pin_path path;
	int r = open_link(&fd, &path, pin_dir, hook, ifindex);

	if (r == -ENOENT)
		return 0;
	if (!r && bpf_link_detach(fd) && errno != ENOLINK && errno != EOPNOTSUPP)
		r = -errno;
	if (!r && unlink(path.text))
		r = -errno;
	if (r)
		return sl_dp_fail(error, r, "cannot detach %s: %s", path.text, strerror(-r));
	return 0;
}
