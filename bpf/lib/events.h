/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampled drop events. The first drop of a tenant and reason on a CPU always
 * qualifies, then one in event_mask + 1; over all of them one GCRA keeps a flood
 * of drops from becoming a flood of events. Each loss has a counter.
 */
#pragma once

#include "bpf/lib/judge.h"
#include "bpf/lib/stats.h"

static __always_inline bool sl_event_admitted(struct sl_ctl *ctl, __u64 now_ns,
					      struct sl_node *node)
{
	struct sl_bucket_events ignored = { 0 };

	if (ctl->event_cost_cu &&
	    sl_bucket_take(&ctl->event_tat_cu, ctl->event_cost_cu, ctl->event_burst_cu, 0,
			   now_ns << SL_CREDIT_SHIFT, &ignored))
		return true;
	node->events_suppressed++;
	return false;
}

/* @before: the reason's counter before this drop. */
static __always_inline void sl_event_emit(struct sl_ctl *ctl, const struct sl_case *c,
					  enum sl_reason reason, bool shadow, __u32 ifindex,
					  __u64 before)
{
	const struct sl_packet *p = c->packet;
	struct sl_node *node;
	struct sl_event *e;

	if (before & ctl->event_mask)
		return;
	node = sl_node_here();
	if (!node || !sl_event_admitted(ctl, c->now_ns, node))
		return;
	e = bpf_ringbuf_reserve(&sl_events, sizeof(*e), 0);
	if (!e) {
		node->events_lost++;
		return;
	}

	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = c->now_ns;
	e->tenant = c->tenant;
	e->ifindex = ifindex;
	e->length_bytes = p->bytes;
	e->reason = (__u16)reason;
	e->direction = (__u8)c->way;
	e->shadow = shadow;
	e->family = p->family;
	e->protocol = p->protocol;
	e->tcp_flags = p->tcp_flags;
	e->remote_port = p->remote_port;
	e->local_port = p->local_port;
	__builtin_memcpy(e->remote, &p->remote, 16);
	__builtin_memcpy(e->local, &p->local, 16);
	/* The agent drains on a timer: a wakeup for each record would cost more than the drop. */
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	node->events_sent++;
}
