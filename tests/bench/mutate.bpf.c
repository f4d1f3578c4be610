// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets from random sources for a program under test, which is tail-called. Of its
 * own kind (xdp.frags), for a program of another kind cannot be. The floor goes the
 * same way: through this program to one that only passes.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SOURCE_OFFSET (sizeof(struct ethhdr) + offsetof(struct iphdr, saddr))

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct flow_key {
	__be32 remote;
	__be32 local;
	__be16 remote_port;
	__be16 local_port;
	__u8 protocol;
	__u8 pad[3]; /* 0 */
};

/* 5-tuple as in the packet -> anything: what other shields and balancers keep flows in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct flow_key);
	__type(value, __u64);
} flows SEC(".maps");

__u32 source_base; /* sources are base | (random & mask), host order */
__u32 source_mask;
__u64 state = 1;

SEC("xdp.frags")
int mutate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	if (data + SOURCE_OFFSET + sizeof(__u32) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	*(__be32 *)(data + SOURCE_OFFSET) =
		bpf_htonl(source_base | ((__u32)(state >> 33) & source_mask));
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int mutate_pass(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

/* A bare lookup: what finding the flow alone costs by the kernel's hash map. */
SEC("xdp.frags")
int mutate_lookup(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	const struct iphdr *ip = data + sizeof(struct ethhdr);
	const struct udphdr *udp = (const void *)(ip + 1);
	struct flow_key key = { 0 };

	if ((const void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	key.remote = ip->saddr;
	key.local = ip->daddr;
	key.remote_port = udp->source;
	key.local_port = udp->dest;
	key.protocol = ip->protocol;
	return bpf_map_lookup_elem(&flows, &key) ? XDP_PASS : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
