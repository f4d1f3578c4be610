/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Why a packet was passed or dropped, and the counters and events that say so.
 * A part of abi.h, under its rules and units.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* ---- why a packet was passed or dropped ------------------------------------ */

/*
 * Append only. X(number, NAME, field, "what it tells an operator").
 * The number indexes the counters; `field` names the counter in a map dump.
 */
#define SL_REASONS(X)                                                                              \
	X(0, PASS, pass, "admitted")                                                               \
	X(1, RATE_PACKETS, rate_packets, "over the tenant's packets per second")                   \
	X(2, RATE_BYTES, rate_bytes, "over the tenant's bytes per second")                         \
	X(3, RATE_NEW_CONNS, rate_new_conns, "over the tenant's new connections per second")       \
	X(4, NEW_CONNS_RESET, new_conns_reset, "same, and the client was told by a RST")           \
	X(5, CONNS_MAX, conns_max, "the tenant has all its concurrent connections open")           \
	X(6, SHED, shed, "shed for backpressure")                                                  \
	X(7, BLOCKED_TENANT, blocked_tenant, "the tenant is blocked, or its rate is 0")            \
	X(8, BLOCKED_PREFIX, blocked_prefix, "the remote prefix is blocked")                       \
	X(9, LEASE_CLOSED, lease_closed, "the limit's lease ended; fallback is closed")            \
	X(10, LEASE_SAFE, lease_safe, "the limit's lease ended; over the safe rate")               \
	X(11, UNKNOWN_SOURCE, unknown_source, "unknown tenant: over the share of one source")      \
	X(12, UNKNOWN_DENIED, unknown_denied, "unknown tenant: the policy is drop")                \
	X(13, MALFORMED, malformed, "a header runs past the packet or contradicts itself")         \
	X(14, FRAGMENTS, fragments, "over the tenant's later fragments per second")                \
	X(15, INTERNAL, internal, "a map lookup failed that cannot fail")                          \
	X(16, ESCALATED, escalated, "kept asking after the gateway had refused it")

#define SL_REASON_ENUM(number, NAME, field, text) SL_REASON_##NAME = (number),
enum sl_reason {
	SL_REASONS(SL_REASON_ENUM) SL_REASON_COUNT_,
};
#undef SL_REASON_ENUM

#define SL_REASON_SLOTS 20 /* room to append without a new ABI */

struct sl_count {
	__u64 packets;
	__u64 bytes;
};

/* One direction's counters: slot [enum sl_reason], each with its name in BTF. */
#define SL_REASON_FIELD(number, NAME, field, text) struct sl_count field;
struct sl_reason_counts {
	SL_REASONS(SL_REASON_FIELD)
	struct sl_count reserved[SL_REASON_SLOTS - 17];
};
#undef SL_REASON_FIELD

/*
 * sl_counters, sl_shadow: per-CPU array [tenant]. Writer: BPF, each CPU its own.
 * sl_counters: what happened. pass + every drop = packets judged.
 * sl_shadow: what enforce would have dropped; those packets are under `pass`
 * in sl_counters. `pass` here stays 0.
 */
struct sl_counters {
	struct sl_reason_counts ingress;
	struct sl_reason_counts egress;
};

/* Packets no tenant was charged for, by direction. */
struct sl_bypass {
	struct sl_count not_ip;	     /* ARP and the like */
	struct sl_count unprotected; /* no service of ours at this address */
	struct sl_count off;	     /* global mode is off */
};

/*
 * sl_node: per-CPU array [0]. Writer: BPF, each CPU its own.
 * Sum over tenants of sl_counters, plus `ingress` and `egress` here = packets offered.
 */
struct sl_node {
	struct sl_bypass ingress;
	struct sl_bypass egress;
	__u64 events_sent;
	__u64 events_lost;	 /* ring buffer full */
	__u64 events_suppressed; /* over ctl.event_cost_cu */
	__u64 cas_retries;	 /* another CPU took the bucket's word first */
	__u64 cas_exhausted;	 /* charged without the check after SL_CAS_TRIES */
	__u64 resets_sent;
	__u64 resets_suppressed; /* over ctl.reset_cost_cu: dropped silently instead */
	__u64 pullbacks;	 /* a bucket further ahead than its limit allows was pulled back */
	__u64 conns_untracked;	 /* no socket storage left: this connection is not counted */
};

enum sl_direction {
	SL_INGRESS = 0,
	SL_EGRESS = 1,
};

/* ---- events ------------------------------------------------------------------- */

/* sl_events: ring buffer of sampled drops. Consumer: agent (sluicectl when it is dead). */
struct sl_event {
	__u64 time_ns; /* CLOCK_MONOTONIC, of the verdict's clock */
	__u32 tenant;
	__u32 ifindex;
	__u32 length_bytes;
	__u16 reason;	/* enum sl_reason */
	__u8 direction; /* enum sl_direction */
	__u8 shadow;	/* 1: passed, would have been dropped */
	__u8 family;	/* 4 or 6; 0: not parsed that far */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 reserved;
	__be16 remote_port;
	__be16 local_port;
	__u8 remote[16]; /* IPv4 in the first 4 */
	__u8 local[16];
};

_Static_assert(SL_REASON_COUNT_ == 17, "reasons: sl_reason_counts.reserved counts from here");
_Static_assert(sizeof(struct sl_reason_counts) == SL_REASON_SLOTS * 16, "abi: counts");
_Static_assert(sizeof(struct sl_event) == 64, "abi: sl_event");
