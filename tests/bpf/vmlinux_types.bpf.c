// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of each struct of vmlinux.h, so that this object's BTF describes them all.
 * tests/bpf/test_vmlinux.c compares it with the kernel's, and fails when a struct
 * of vmlinux.h is not listed here.
 */
#include "vmlinux.h"

#define HOLD(type) static struct type type##_held __attribute__((used))

HOLD(in6_addr);
HOLD(xdp_md);
HOLD(bpf_sock);
HOLD(__sk_buff);
HOLD(bpf_sock_ops);
HOLD(ethhdr);
HOLD(tcphdr);
HOLD(iphdr);
HOLD(ipv6_opt_hdr);
HOLD(ipv6hdr);
HOLD(udphdr);
HOLD(vlan_hdr);
HOLD(frag_hdr);
HOLD(icmphdr);
HOLD(bpf_tcp_sock);
HOLD(bpf_sock_tuple);
