// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/explain.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/file.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/pins.h"

#define PACKET_MIN 14u
#define PACKET_MAX 9000u

static const char *const programs[] = {
	[SL_EXPLAIN_XDP] = "sl_explain_xdp",
	[SL_EXPLAIN_TC_INGRESS] = "sl_explain_tc_ingress",
	[SL_EXPLAIN_TC_EGRESS] = "sl_explain_tc_egress",
};

static int run(int prog_fd, enum sl_explain_hook hook, const void *packet, size_t bytes,
	       uint32_t mark)
{
	struct __sk_buff skb = { .mark = mark };
	struct bpf_test_run_opts options = { .sz = sizeof(options),
					     .data_in = packet,
					     .data_size_in = (__u32)bytes };

	if (hook != SL_EXPLAIN_XDP) {
		options.ctx_in = &skb;
		options.ctx_size_in = sizeof(skb);
	}
	return bpf_prog_test_run_opts(prog_fd, &options) ? -errno : 0;
}

/* There is one slot for the answer: one caller at a time. */
static int lock(int *ret, const char *pin_dir)
{
	struct sl_pin_path root;
	sl_autoclose int fd = open(sl_pin_root(&root, pin_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX))
		return -errno;
	*ret = SL_TAKE_FD(fd);
	return 0;
}

int sl_explain_packet(struct sl_explanation *ret, const struct sl_maps *maps,
		      enum sl_explain_hook hook, const void *packet, size_t bytes, uint32_t mark,
		      struct sl_dp_error *error)
{
	sl_autoclose int prog_fd = -1;
	sl_autoclose int lock_fd = -1;
	struct sl_explanation found;
	struct sl_pin_path path;
	const uint32_t zero = 0;
	int r;

	if (bytes < PACKET_MIN || bytes > PACKET_MAX)
		return sl_dp_fail(error, -EINVAL, "a packet has %u to %u bytes, not %zu",
				  PACKET_MIN, PACKET_MAX, bytes);
	prog_fd = bpf_obj_get(sl_pin_prog(&path, sl_maps_pin_dir(maps), programs[hook]));
	if (prog_fd < 0)
		return sl_dp_fail(error, -errno, "cannot open the program %s: %s", path.text,
				  strerror(errno));
	r = lock(&lock_fd, sl_maps_pin_dir(maps));
	if (!r)
		r = run(prog_fd, hook, packet, bytes, mark);
	if (!r && bpf_map_lookup_elem(sl_maps_fd(maps, SL_MAP_EXPLANATIONS), &zero, &found))
		r = -errno;
	if (r)
		return sl_dp_fail(error, r, "cannot run %s: %s", programs[hook], strerror(-r));
	*ret = found;
	return 0;
}
