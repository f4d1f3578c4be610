// SPDX-License-Identifier: GPL-2.0-only
/* XDP programs that pass or drop everything: what tests, bench and demo compare with. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
