/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does this segment complete a handshake with a local socket? When all of a
 * tenant's connections are open it is refused as a SYN is: else a volley of SYNs
 * that each found room would all be let in. The client's next ACK tries again.
 * Asked of the kernel's own socket table, so only at the limit.
 */
#pragma once

#include "bpf/lib/parse.h"

static __always_inline struct bpf_sock *sl_socket_of(void *ctx, const struct sl_packet *p)
{
	struct bpf_sock_tuple tuple = { 0 };

	if (p->family == 4) {
		tuple.ipv4.saddr = p->remote.word[0];
		tuple.ipv4.daddr = p->local.word[0];
		tuple.ipv4.sport = p->remote_port;
		tuple.ipv4.dport = p->local_port;
		return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple.ipv6.saddr, &p->remote, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(tuple.ipv6.daddr, &p->local, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.sport = p->remote_port;
	tuple.ipv6.dport = p->local_port;
	return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* Half open: a request, or, with SYN cookies, only the listener itself. */
static __always_inline bool sl_completes_handshake(void *ctx, const struct sl_packet *p)
{
	struct bpf_sock *sk = sl_socket_of(ctx, p);
	__u32 state;

	if (!sk)
		return false;
	state = sk->state;
	bpf_sk_release(sk);
	return state == BPF_TCP_NEW_SYN_RECV || state == BPF_TCP_LISTEN;
}
