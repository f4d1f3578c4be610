// SPDX-License-Identifier: GPL-2.0-only
/* The least that refusing a packet on tc can cost: after the kernel made an skb of it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define TC_ACT_SHOT 2

SEC("tc")
int drop(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
