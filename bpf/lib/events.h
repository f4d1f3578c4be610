/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampled drop events. The first drop of a tenant and reason on a CPU always
 * qualifies, then one in event_mask + 1; over all of them one GCRA keeps a flood
 * of drops from becoming a flood of events. Each loss has a counter.
 */
#pragma once

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

/* @t has been sampled; whether its event is sent is up to the rate of events. */
static __always_inline void sl_event_emit(const struct sl_trial *t, enum sl_direction way,
					  enum sl_reason reason, bool shadow)
{
	const struct sl_packet *p = &t->packet;
	struct sl_node *node;
	struct sl_event *e;
	struct sl_ctl *ctl;
	__u32 zero = 0;

	ctl = bpf_map_lookup_elem(&sl_ctl, &zero);
	node = sl_node_here();
	if (!ctl || !node || !sl_event_admitted(ctl, t->now_ns, node))
		return;
	e = bpf_ringbuf_reserve(&sl_events, sizeof(*e), 0);
	if (!e) {
		node->events_lost++;
		return;
	}

	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = t->now_ns;
	e->tenant = t->tenant;
	e->ifindex = t->ifindex;
	e->length_bytes = p->bytes;
	e->reason = (__u16)reason;
	e->direction = (__u8)way;
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
