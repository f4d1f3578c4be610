/* SPDX-License-Identifier: GPL-2.0-only */
/* Per-CPU counters. Each CPU writes its own slot, so plain adds are exact. */
#pragma once

#include "bpf/maps.h"
#include "bpf/lib/parse.h"
#include "bpf/lib/bucket.h"

static __always_inline struct sl_node *sl_node_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sl_node, &zero);
}

/* This CPU's scratch. */
static __always_inline struct sl_trial *sl_trial_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sl_trials, &zero);
}

static __always_inline void sl_add(struct sl_count *count, const struct sl_packet *p)
{
	count->packets += p->packets;
	count->bytes += p->bytes;
}

/* Returns the slot's packet count before this one, or 0 without a slot. */
static __always_inline __u64 sl_count_reason(void *map, __u32 tenant, enum sl_direction way,
					     enum sl_reason reason, const struct sl_packet *p)
{
	struct sl_counters *c = bpf_map_lookup_elem(map, &tenant);
	struct sl_count *slots;
	__u64 before;

	if (!c)
		return 0;
	slots = (struct sl_count *)(way == SL_INGRESS ? &c->ingress : &c->egress);
	/* A judge's answer comes from a global function: the verifier knows nothing of it. */
	slots += (__u32)reason < SL_REASON_COUNT_ ? (__u32)reason : SL_REASON_INTERNAL;
	before = slots->packets;
	sl_add(slots, p);
	return before;
}

static __always_inline void sl_count_bypass(enum sl_direction way, enum sl_found_by why,
					    const struct sl_packet *p)
{
	struct sl_node *node = sl_node_here();
	struct sl_bypass *bypass;

	if (!node)
		return;
	bypass = way == SL_INGRESS ? &node->ingress : &node->egress;
	if (why == SL_FOUND_NOT_IP)
		sl_add(&bypass->not_ip, p);
	else if (why == SL_FOUND_OFF)
		sl_add(&bypass->off, p);
	else
		sl_add(&bypass->unprotected, p);
}

static __always_inline void sl_count_bucket_events(const struct sl_bucket_events *events)
{
	struct sl_node *node;

	if (!(events->cas_retries | events->cas_exhausted | events->pullbacks))
		return;
	node = sl_node_here();
	if (!node)
		return;
	node->cas_retries += events->cas_retries;
	node->cas_exhausted += events->cas_exhausted;
	node->pullbacks += events->pullbacks;
}
