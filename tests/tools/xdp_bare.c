// SPDX-License-Identifier: Apache-2.0
/*
 * xdp_bare IFACE pass|drop|off: attaches a native XDP program that passes or
 * drops everything, or takes it off. It stays until then or until the interface goes.
 * "pass" on one end of a veth is what lets XDP_TX and live frames of the other
 * end arrive; "drop" is the least that refusing a packet can cost.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/netns_guard.h"
#include "xdp_bare.skel.h"
#include "userspace/base/cleanup.h"

static void destroy_skeleton(struct xdp_bare_bpf **skeleton)
{
	xdp_bare_bpf__destroy(*skeleton);
}

static int attach(unsigned ifindex, const char *what)
{
	sl_cleanup(destroy_skeleton) struct xdp_bare_bpf *skeleton = NULL;
	int fd = -1;

	if (strcmp(what, "off") != 0) {
		skeleton = xdp_bare_bpf__open_and_load();
		if (!skeleton)
			return -errno;
		fd = bpf_program__fd(strcmp(what, "pass") == 0 ? skeleton->progs.pass
							       : skeleton->progs.drop);
	}
	return bpf_xdp_attach((int)ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
}

int main(int argc, char **argv)
{
	unsigned ifindex;
	int err;

	if (argc != 3 || (strcmp(argv[2], "pass") != 0 && strcmp(argv[2], "drop") != 0 &&
			  strcmp(argv[2], "off") != 0)) {
		fputs("usage: xdp_bare IFACE pass|drop|off\n", stderr);
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	if (ifindex == 0) {
		fprintf(stderr, "xdp_bare: no interface %s here\n", argv[1]);
		return 2;
	}
	if (!sl_may_flood(argv[1])) {
		fprintf(stderr,
			"xdp_bare: %s is an interface of the machine itself; this tool for tests "
			"works in other network namespaces only\n",
			argv[1]);
		return 3;
	}
	err = attach(ifindex, argv[2]);
	if (err) {
		fprintf(stderr, "xdp_bare: %s on %s: %s\n", argv[2], argv[1], strerror(-err));
		return 1;
	}
	return 0;
}
