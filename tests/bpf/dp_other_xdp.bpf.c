// SPDX-License-Identifier: GPL-2.0-only
/* Somebody else's XDP program: counts what it sees and passes it on. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 seen;

SEC("xdp.frags")
int other_xdp(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&seen, ctx->data < ctx->data_end);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
