/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Limits of requests as they stand in shared memory: one word of state for each
 * bucket, the time at which it will be full again (see bpf/lib/bucket.h). Who
 * enforces gets pointers to a limit and to a word, wherever those live.
 *
 * Units: nanoseconds of CLOCK_MONOTONIC.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * @period_ns 0: unlimited. @burst_ns 0 with a period: blocked. Else @burst_ns is a
 * multiple of @period_ns: that many requests at once, one more each period.
 */
struct sl_request_limit {
	__u64 period_ns;
	__u64 burst_ns;
};

/* Charged by compare-and-swap from any number of processes. 0: full since ever. */
struct sl_request_word {
	__u64 tat_ns;
};

/* ---- the agent's limits, shared by all gateways of a node ------------------------------ */

/*
 * What requests are limited by: the slots of both maps. Append only, up to
 * SL_REQUEST_SLOTS: the numbers are in pinned maps.
 */
enum sl_request_class {
	SL_REQUEST_GLOBAL = 0, /* all classes of a tenant together */
	SL_REQUEST_ROUTES_DECIDE,
	SL_REQUEST_MESSAGES,
	SL_REQUEST_REGISTRY_BLOCKS,
	SL_REQUEST_COST, /* units of cost, whole ones: period_ns is what one unit takes */
	SL_REQUEST_CLASSES,
};

#define SL_REQUEST_SLOTS 6

/* sl_requests.flags: the mode and the fallback of a lease, as in sl_side.flags. */
enum sl_requests_flag {
	SL_REQUESTS_MODE_MASK = 0x3, /* enum sl_mode */
	SL_REQUESTS_FALLBACK_SHIFT = 2,
	SL_REQUESTS_FALLBACK_MASK = 0x7, /* enum sl_fallback, three bits */
	SL_REQUESTS_BLOCKED = 0x20,	 /* until blocked_until_ns */
	SL_REQUESTS_CLASS_SHIFT = 6,
	SL_REQUESTS_CLASS_MASK = 0x7, /* of the tenant, 1: sheddable ... 4: critical_plus; 0: not
					 said */
};

/* One class. Writer: agent. */
struct sl_request_rule {
	struct sl_request_limit limit;
	struct sl_request_limit safe; /* what SL_FALLBACK_SAFE enforces */
	__u64 lease_until_ns;	      /* 0: the lease never ends */
	__u64 window_ns;	      /* what the limit counts in, for people */
};

/*
 * sl_req_limits: array [2 * tenants], mmapable. Writer: agent; halves by epoch as in
 * sl_limits. Who reads copies an entry, and reads it again when the epoch moved on
 * meanwhile. The packet path does not know of it.
 */
struct sl_requests {
	__u32 gen; /* of the tenant's id: see sl_request_words.gen */
	__u32 flags;
	__u32 set; /* bit [enum sl_request_class]: the agent says; else the gateway's own plan */
	__u32 reserved;
	__u64 blocked_until_ns;	   /* 0: for good. Only with SL_REQUESTS_BLOCKED */
	__u64 cost_estimate_milli; /* of a request that states no cost, in 1/1000 unit */
	struct sl_request_rule rule[SL_REQUEST_SLOTS];
};

/* Units: requests, of SL_REQUEST_COST 1/1000 of a unit. They only grow, within one gen. */
struct sl_request_slot {
	struct sl_request_word word;
	__u64 admitted;
	__u64 refused;
};

/* sl_req_words: array [tenant], mmapable. Writer: gateways. */
struct sl_request_words {
	__u32 gen; /* != sl_requests.gen: another tenant left these; start full. */
	__u32 reserved;
	__u64 reserved2;
	struct sl_request_slot slot[SL_REQUEST_SLOTS];
	__u64 reserved3[4];
};

_Static_assert((int)SL_REQUEST_CLASSES <= SL_REQUEST_SLOTS, "requests: no slot left");
_Static_assert(sizeof(struct sl_request_rule) == 48, "requests: a rule");
_Static_assert(sizeof(struct sl_requests) == 320, "requests: five cache lines");
_Static_assert(sizeof(struct sl_request_slot) == 24, "requests: a slot");
_Static_assert(sizeof(struct sl_request_words) == 192, "requests: three cache lines");
