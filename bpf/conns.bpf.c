// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrent connections, counted by the sockets themselves: a connection a
 * local socket accepted is its tenant's until the socket closes. A completed
 * handshake also proves its source. Connections that pass through to another
 * host (routed, proxied by IPVS) have no socket here and are not counted.
 */
#include "bpf/lib/owner.h"
#include "bpf/lib/stats.h"
#include "bpf/lib/unknown.h"

/* A context may be read by its own fields only: keep the compiler from joining two. */
#define SL_WORD(field) (*(volatile __u32 *)&(field))

/* The socket as the packet that came to it. A socket does not know its VLAN. */
static __always_inline void sl_packet_of_socket(struct sl_packet *p, struct bpf_sock_ops *ops)
{
	p->protocol = PROTO_TCP;
	p->remote_port = (__be16)bpf_htons(bpf_ntohl(ops->remote_port));
	p->local_port = bpf_htons((__u16)ops->local_port);
	p->family = 4;
	if (ops->family == AF_INET) {
		p->remote.word[0] = ops->remote_ip4;
		p->local.word[0] = ops->local_ip4;
		return;
	}
	p->remote.word[0] = SL_WORD(ops->remote_ip6[0]);
	p->remote.word[1] = SL_WORD(ops->remote_ip6[1]);
	p->remote.word[2] = SL_WORD(ops->remote_ip6[2]);
	p->remote.word[3] = SL_WORD(ops->remote_ip6[3]);
	p->local.word[0] = SL_WORD(ops->local_ip6[0]);
	p->local.word[1] = SL_WORD(ops->local_ip6[1]);
	p->local.word[2] = SL_WORD(ops->local_ip6[2]);
	p->local.word[3] = SL_WORD(ops->local_ip6[3]);
	/* A dual-stack listener's IPv4 connection is ::ffff:a.b.c.d here, IPv4 on the wire. */
	if (!p->remote.half[0] && p->remote.word[2] == bpf_htonl(0xffff)) {
		p->remote = (union sl_ip){ .word = { p->remote.word[3] } };
		p->local = (union sl_ip){ .word = { p->local.word[3] } };
		return;
	}
	p->family = 6;
}

static __always_inline void sl_prove(const struct sl_packet *p, const struct sl_ctl *ctl,
				     const struct sl_ctl_half *live)
{
	__u64 hash = sl_source_hash(p->remote.half[0], ctl->hash_seed);
	__u32 index = (__u32)hash & sl_load.cells_mask;
	struct sl_proven *cell = bpf_map_lookup_elem(&sl_proven, &index);

	if (!cell)
		return;
	cell->tag = sl_proven_tag(hash);
	cell->until_s = (__u32)(sl_coarse_ns() / 1000000000ull) + live->proven_s;
}

static __always_inline void sl_conn_untracked(void)
{
	struct sl_node *node = sl_node_here();

	if (node)
		node->conns_untracked++;
}

static __always_inline void sl_conn_open(struct bpf_sock_ops *ops, struct sl_ctl *ctl, __u32 tenant,
					 __u32 gen)
{
	struct sl_conns *conns = bpf_map_lookup_elem(&sl_conns, &tenant);
	struct sl_socket *socket;

	if (!conns || !ops->sk || ctl->sockets_open >= sl_load.sockets_max) {
		sl_conn_untracked();
		return;
	}
	socket = bpf_sk_storage_get(&sl_sockets, ops->sk, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!socket) {
		sl_conn_untracked();
		return;
	}
	*socket = (struct sl_socket){ .tenant = tenant, .gen = gen, .counted = 1 };
	__sync_fetch_and_add(&conns->open, 1);
	__sync_fetch_and_add(&conns->opened_total, 1);
	__sync_fetch_and_add(&ctl->sockets_open, 1);
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void sl_conn_accept(struct bpf_sock_ops *ops, struct sl_ctl *ctl)
{
	__u32 half = *(volatile __u32 *)&ctl->epoch & 1;
	const struct sl_ctl_half *live = &ctl->half[half];
	struct sl_packet packet = { 0 };
	const struct sl_limit *limit;
	struct sl_owner owner;
	__u32 index;

	sl_packet_of_socket(&packet, ops);
	owner = sl_find_owner(&packet, half);
	if (owner.tenant == SL_TENANT_NONE)
		return;
	if (live->features & SL_FEATURE_PROVEN)
		sl_prove(&packet, ctl, live);
	index = owner.tenant + (half ? sl_load.tenants : 0);
	limit = bpf_map_lookup_elem(&sl_limits, &index);
	if (limit)
		sl_conn_open(ops, ctl, owner.tenant, limit->ingress.gen);
}

/* The id may have changed hands since: then the agent has reset the count. */
static __always_inline void sl_conn_close(struct bpf_sock_ops *ops, struct sl_ctl *ctl)
{
	__u32 half = *(volatile __u32 *)&ctl->epoch & 1;
	const struct sl_limit *limit;
	struct sl_socket *socket;
	struct sl_conns *conns;
	__u32 index;

	socket = ops->sk ? bpf_sk_storage_get(&sl_sockets, ops->sk, NULL, 0) : NULL;
	if (!socket || !socket->counted)
		return;
	socket->counted = 0;
	__sync_fetch_and_add(&ctl->sockets_open, -1);
	index = socket->tenant + (half ? sl_load.tenants : 0);
	limit = bpf_map_lookup_elem(&sl_limits, &index);
	conns = bpf_map_lookup_elem(&sl_conns, &socket->tenant);
	if (limit && conns && limit->ingress.gen == socket->gen)
		__sync_fetch_and_add(&conns->open, -1);
}

SEC("sockops")
int sl_sock_ops(struct bpf_sock_ops *ops)
{
	__u32 zero = 0;
	struct sl_ctl *ctl = bpf_map_lookup_elem(&sl_ctl, &zero);

	if (!ctl)
		return 1;
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		sl_conn_accept(ops, ctl);
	else if (ops->op == BPF_SOCK_OPS_STATE_CB && ops->args[1] == BPF_TCP_CLOSE)
		sl_conn_close(ops, ctl);
	return 1;
}
