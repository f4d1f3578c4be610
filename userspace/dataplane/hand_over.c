// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/hand_over.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/maps_private.h"

static bool is_same_map(int a, int b)
{
	struct bpf_map_info first = { 0 }, second = { 0 };
	__u32 size = sizeof(first);

	return !bpf_obj_get_info_by_fd(a, &first, &size) &&
	       !bpf_obj_get_info_by_fd(b, &second, &size) && first.id == second.id;
}

/* By its pin, because a descriptor cannot be opened again with less. */
int sl_maps_hand_over(const struct sl_maps *maps, enum sl_map_id id, enum sl_maps_access access,
		      struct sl_dp_error *error)
{
	struct bpf_obj_get_opts options = { .sz = sizeof(options) };
	sl_autoclose int fd = -1;
	struct sl_pin_path path;

	if (access == SL_MAPS_READ)
		options.file_flags = BPF_F_RDONLY;
	fd = bpf_obj_get_opts(sl_pin_map(&path, maps->pin_dir, sl_map_name(id)), &options);
	if (fd < 0)
		return sl_dp_fail(error, -errno, "cannot open %s: %s", path.text, strerror(errno));
	if (!is_same_map(fd, maps->fds[id]))
		return sl_dp_fail(error, -ESTALE, "%s is not the map in use any more", path.text);
	return SL_TAKE_FD(fd);
}
