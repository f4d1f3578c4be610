// SPDX-License-Identifier: GPL-2.0-only
/* XDP ingress: every frame before the kernel allocates anything for it. */
#include "bpf/lib/verdict.h"

const volatile struct sl_load_config sl_load SEC(".rodata") = { .tenants = 1 };

SL_DEFINE_STEPS(sl_xdp, SL_INGRESS, true, false);

SEC("xdp.frags")
int sl_xdp_ingress(struct xdp_md *ctx)
{
	struct sl_frame frame;

	sl_xdp_frame(&frame, ctx);
	switch (sl_handle(&frame, &sl_xdp_steps)) {
	case SL_VERDICT_RESET:
		return sl_reset_send(ctx);
	case SL_VERDICT_DROP:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

char LICENSE[] SEC("license") = "GPL";
