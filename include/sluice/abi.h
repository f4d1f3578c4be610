/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What crosses the border between the BPF programs and userspace: map keys and
 * values, units and sizes; the verdict reasons and what counts them are in
 * reasons.h. Both compilers read this file, so the layout is asserted here once.
 * docs/ops/inspecting-maps.md shows every map as `bpftool map dump` prints it.
 *
 * Rules
 *   - each field has exactly one writer, named beside it;
 *   - enums are append-only: their numbers are in dashboards and in old maps;
 *   - a change of size or meaning raises SL_ABI_VERSION, and with it the pin
 *     folder, so that two versions can stand side by side during a migration;
 *   - a map that is added changes neither: the agent makes it when it adopts maps
 *     that were pinned without it, and who only reads goes without.
 *
 * Units
 *   time    nanoseconds of CLOCK_MONOTONIC ("_ns"). 0 as a deadline = never.
 *   credit  1/1024 ns ("_cu"): the unit of every bucket. It wraps after 208
 *           days, so credits are compared by signed difference only.
 *   cost    packets and connections: credit units each. Bytes: credit units
 *           per byte in 1/2^14 (SL_BYTE_COST_SHIFT). At 1 KB/s one byte costs
 *           1.7e13 of these and the largest packet stays below 2^64; at
 *           400 Gb/s it costs 335,544, an error of 3 in a million.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "sluice/reasons.h"

#define SL_ABI_VERSION 1u

/* ---- sizes ---------------------------------------------------------------- */

#define SL_TENANTS_MAX	     65536u   /* a tenant id fits 16 bits */
#define SL_FLOWS_MAX	     1048576u /* bound connections, v4 and v6 each */
#define SL_PREFIXES_MAX	     100000u  /* source prefixes, v4 and v6 each */
#define SL_SERVICES_MAX	     65536u   /* protected services, v4 and v6 each */
#define SL_CELLS_MAX	     1048576u /* per-source cells of the unknown tenant */
#define SL_PACKET_BYTES_MAX  524288u  /* charge at most this for one packet (BIG TCP) */
#define SL_TENANT_NAME_BYTES 56u      /* with the final NUL */

#define SL_TENANT_UNKNOWN 0u	      /* traffic to a protected service, nobody's */
#define SL_TENANT_NONE	  0xffffffffu /* in a lookup value: no tenant here */

#define SL_CREDIT_SHIFT	   10 /* credit units in a nanosecond, as a power of two */
#define SL_BYTE_COST_SHIFT 14
#define SL_RATE_PER_S_MAX  100000000ull	  /* packets or connections */
#define SL_BYTES_PER_S_MAX 50000000000ull /* 400 Gb/s */
#define SL_BYTES_PER_S_MIN 1000ull
#define SL_BURST_NS_MAX	   86400000000000ull /* a burst lasts at most a day */

/* ---- how a packet is judged -------------------------------------------------- */

enum sl_mode {
	SL_MODE_ENFORCE = 0,
	SL_MODE_SHADOW = 1, /* count in sl_shadow what enforce would drop, and pass it */
	SL_MODE_OFF = 2,    /* pass, charge nothing */
};

/* What a tenant's limit becomes when its lease ends. */
enum sl_fallback {
	SL_FALLBACK_LAST = 0,	/* keep enforcing the last limit */
	SL_FALLBACK_SAFE = 1,	/* enforce sl_limit.safe_packets, safe_bytes, safe_new_conns */
	SL_FALLBACK_CLOSED = 2, /* drop everything */
	SL_FALLBACK_OPEN = 3,	/* no limit */
	SL_FALLBACK_BLEND = 4,	/* from the last to the safe limit in SL_BLEND_NS, in a line */
};

#define SL_BLEND_NS 30000000000ull

/* What to do with traffic to a protected service that is nobody's. */
enum sl_on_miss {
	SL_ON_MISS_LIMIT = 0, /* tenant 0's limits and per-source shares */
	SL_ON_MISS_PASS = 1,
	SL_ON_MISS_DROP = 2,
};

/* sl_side.flags */
enum sl_side_flag {
	SL_SIDE_MODE_MASK = 0x3,    /* enum sl_mode */
	SL_SIDE_FALLBACK_SHIFT = 2, /* enum sl_fallback, two bits; see sl_side_fallback() */
	SL_SIDE_KTIME = 0x10,	    /* a burst is under 4 ticks: use the fine clock */
	SL_SIDE_BLOCKED = 0x20,	    /* until sl_limit.blocked_until_ns */
	SL_SIDE_RESET = 0x40,	    /* a SYN over the limit is answered by RST (XDP only) */
	SL_SIDE_CONNS = 0x80,	    /* sl_limit.conns_max applies */
	SL_SIDE_NEW_CONNS = 0x100,  /* sl_limit.new_conns applies */
	SL_SIDE_FRAGMENTS = 0x200,  /* sl_limit.fragments applies */
	SL_SIDE_BLEND = 0x400,	    /* with SL_FALLBACK_SAFE: SL_FALLBACK_BLEND */
};

/* The fallback of a sl_side's flags, and the flags of one. */
static inline __u32 sl_side_fallback(__u32 flags)
{
	return (flags & SL_SIDE_BLEND) ? SL_FALLBACK_BLEND : (flags >> SL_SIDE_FALLBACK_SHIFT) & 3u;
}

static inline __u32 sl_side_fallback_flags(enum sl_fallback fallback)
{
	if (fallback == SL_FALLBACK_BLEND)
		return SL_SIDE_BLEND | ((__u32)SL_FALLBACK_SAFE << SL_SIDE_FALLBACK_SHIFT);
	return (__u32)fallback << SL_SIDE_FALLBACK_SHIFT;
}

#define SL_COST_NEVER 0xffffffffffffffffull /* rate 0 of new_conns or fragments: admit none */

/* A rate as GCRA wants it. cost 0 = unlimited. Writer: agent. */
struct sl_rate {
	__u64 cost;	/* credit units each, or per byte << SL_BYTE_COST_SHIFT */
	__u64 burst_cu; /* how far ahead of now the bucket may get: burst * cost */
};

/* Everything one direction's verdict needs, in one cache line. */
struct sl_side {
	__u32 gen; /* whose bucket: see sl_bucket_side.gen */
	__u32 flags;
	__u64 lease_until_ns; /* 0: the lease never ends */
	struct sl_rate packets;
	struct sl_rate bytes;
	__u64 shed_until_ns; /* 0: not shedding; else shed_permille until then */
	__u32 shed_permille; /* 0..1000 */
	__u32 reserved;
};

/*
 * sl_limits: array [2 * tenants], mmapable. Writer: agent.
 * Half (ctl.epoch & 1) is live; the agent fills the other, then flips the epoch.
 */
struct sl_limit {
	struct sl_side ingress;
	struct sl_side egress;
	struct sl_rate new_conns;
	struct sl_rate fragments;
	__u64 blocked_until_ns; /* 0: for good. Only with SL_SIDE_BLOCKED */
	__u32 conns_max;
	__u32 leases, lease_nodes, reserved[3]; /* for the next agent: agent/quota_adopt.h */
	struct sl_rate safe_packets;
	struct sl_rate safe_bytes, safe_new_conns;
	__u64 reserved2[2];
};

/*
 * One direction's buckets: each word is the theoretical arrival time, the time
 * at which the bucket is full again, in credit units.
 */
struct sl_bucket_side {
	__u32 gen; /* != sl_side.gen: another tenant left these; start full. */
	__u32 reserved;
	__u64 packets_tat_cu;
	__u64 bytes_tat_cu;
	__u64 new_conns_tat_cu;
	__u64 fragments_tat_cu;
	__u64 refusals_until_ns; /* ingress; writer: gateway. Then no sl_refusal is in force */
	__u64 reserved2[2];
};

/* sl_buckets: array [tenant], mmapable. Writer: the enforcer (BPF; gateway where said). */
struct sl_bucket {
	struct sl_bucket_side ingress;
	struct sl_bucket_side egress;
};

/* sl_conns: array [tenant]. Writer: BPF (sock_ops). */
struct sl_conns {
	__u64 open;
	__u64 opened_total;
};

/* ---- whose packet it is ------------------------------------------------------ */

/* sl_service4.flags, sl_service6.flags */
enum sl_service_flag {
	SL_SERVICE_USED = 0x1,	 /* the slot holds an entry */
	SL_SERVICE_TENANT = 0x2, /* .tenant is set; else by flow, source, or unknown */
	SL_SERVICE_BIND = 0x4,	 /* look for a bound flow first */
};

#define SL_VLAN_ANY	  0xffffu
#define SL_VLAN_NONE	  0u
#define SL_PROTO_FRAGMENT 255u /* key of "any later fragment to this address" */

/*
 * A protected service; addresses and ports in network order. A zero address or
 * port, or SL_VLAN_ANY, is a wildcard and is looked up only where
 * sl_ctl_half.shapes says such entries exist.
 */
struct sl_service4 {
	__be32 address;
	__be16 port;
	__u16 vlan;
	__u8 protocol;
	__u8 flags;
	__u16 tenant;
	__u32 reserved;
};

struct sl_service6 {
	__u8 address[16];
	__be16 port;
	__u16 vlan;
	__u8 protocol;
	__u8 flags;
	__u16 tenant;
	__u64 reserved;
};

#define SL_SERVICE4_SLOTS 4
#define SL_SERVICE6_SLOTS 2

/*
 * sl_services4, sl_services6: arrays [2 * lines], mmapable. Writer: agent.
 * A two-choice hash table of cache lines: an entry stands in line h & mask or
 * (h >> 32) & mask, h = sl_service_hash(). Halves by epoch as in sl_limits.
 * Why not a hash map: docs/adr/0002.
 */
struct sl_service4_line {
	struct sl_service4 slot[SL_SERVICE4_SLOTS];
};

struct sl_service6_line {
	struct sl_service6 slot[SL_SERVICE6_SLOTS];
};

enum sl_flow_state {
	SL_FLOW_FREE = 0,
	SL_FLOW_BEING_WRITTEN = 1,
	SL_FLOW_USED = 2,
};

/* A bound flow: addresses and ports as in the packet, "remote" being the peer. */
struct sl_flow4 {
	__be32 remote;
	__be32 local;
	__be16 remote_port;
	__be16 local_port;
	__u16 tenant;
	__u8 protocol;
	__u8 state : 2; /* enum sl_flow_state */
	__u8 turn : 6;	/* raised with each change of the slot's owner or tenant */
} __attribute__((aligned(8)));

struct sl_flow6 {
	__u8 remote[16];
	__u8 local[16];
	__be16 remote_port;
	__be16 local_port;
	__u16 tenant;
	__u8 protocol;
	__u8 state : 2;
	__u8 turn : 6;
} __attribute__((aligned(8)));

#define SL_FLOW4_SLOTS 4
#define SL_FLOW6_SLOTS 3

/*
 * sl_flows4, sl_flows6: arrays [lines], mmapable; lines of 64 and 128 bytes. Writer:
 * userspace (agent, every worker of a gateway, all at once); never the packet path, so
 * a flood cannot evict or fill. A flow stands in one of two lines by sl_flow4_hash(),
 * sl_flow6_hash() with sl_ctl.hash_seed; flow.h says how it is read, and
 * userspace/domain/flow_table.h how it is written. Why not a hash map: docs/adr/0008.
 */
struct sl_flow4_line {
	struct sl_flow4 slot[SL_FLOW4_SLOTS];
};

struct sl_flow6_line {
	struct sl_flow6 slot[SL_FLOW6_SLOTS];
	__u64 reserved;
};

/* Keys of the prefix maps (LPM tries). */
struct sl_prefix4 {
	__u32 prefix_bits; /* 0..32 */
	__u8 address[4];
};

struct sl_prefix6 {
	__u32 prefix_bits; /* 0..128 */
	__u8 address[16];
};

/*
 * sl_sources4, sl_sources6: LPM, remote prefix -> tenant. Writer: agent.
 * [epoch & 1] is live. Both halves hold a resolved answer, so that a batch of
 * prefixes becomes visible with the epoch although a trie has no halves.
 */
struct sl_source {
	__u32 tenant[2]; /* or SL_TENANT_NONE */
};

/* sl_blocks4, sl_blocks6: LPM, remote prefix -> blocked. Writer: agent. */
struct sl_block {
	__u64 until_ns; /* 0: for good */
};

/*
 * Egress of what no service claims. Writer: agent.
 * sl_marks:   hash, skb mark (__u32) -> tenant (__u32).
 * sl_cgroups: hash, cgroup id (__u64) -> tenant (__u32).
 */

/* sl_sockets: socket storage. Writer: BPF (sock_ops). */
struct sl_socket {
	__u32 tenant;
	__u32 gen;     /* of the tenant when counted */
	__u32 counted; /* in sl_conns */
	__u32 reserved;
};

/* ---- the unknown tenant's shares ---------------------------------------------- */

/*
 * sl_cells: array [2 * cells]. Writer: BPF. Fixed memory: a source has two
 * cells by seeded hash and is over its share only when both are.
 * First half: unproven sources. Second: sources that completed a handshake
 * with a local socket, which a spoofed flood can neither reach nor become.
 */
struct sl_cell {
	__u64 tat_cu;
};

/* sl_proven: array [cells]. Writer: BPF (sock_ops on a completed handshake). */
struct sl_proven {
	__u32 tag;     /* hash of the source, != 0 */
	__u32 until_s; /* CLOCK_MONOTONIC seconds */
};

/* ---- escalation ---------------------------------------------------------------- */

#define SL_REFUSALS	      65536u
#define SL_REFUSAL_TICK_SHIFT 20 /* a tick is 2^20 ns, about a millisecond */
#define SL_REFUSAL_NS_MAX     60000000000ull

/*
 * sl_refusals: array [SL_REFUSALS], mmapable. Writer: gateways. A connection, or a
 * whole tenant, that kept asking after it was refused: its packets are refused here
 * until then. Read and written as one 64-bit word: refusal.h. A later one may take the
 * place of an earlier one, which the gateway then goes on refusing itself.
 */
struct sl_refusal {
	__u32 tag;	  /* of the hash; the rest of it is the index */
	__u32 until_tick; /* CLOCK_MONOTONIC; wraps after 52 days. Both 0: never used */
} __attribute__((aligned(8)));

/* ---- control ---------------------------------------------------------------- */

/*
 * sl_load: read-only data of the programs, set before they are loaded: sizes of
 * the maps and the scale of the coarse clock. Writer: the loader.
 */
struct sl_load_config {
	__u64 tick_ns;	       /* length of a jiffy */
	__u64 clock_offset_ns; /* jiffies64 * tick_ns + this = CLOCK_MONOTONIC, modulo 2^64 */
	__u32 tenants;	       /* ids 0..tenants-1 */
	__u32 services4_mask;  /* lines of one half - 1; lines are a power of two */
	__u32 services6_mask;
	__u32 cells_mask;  /* cells of one half - 1 */
	__u32 sockets_max; /* connections that are counted, of all tenants together */
	__u32 flows4_lines;
	__u32 flows6_lines;
	__u32 reserved;
};

/* sl_ctl_half.features: what the packet path has to look at, at all. */
enum sl_feature {
	SL_FEATURE_FLOWS = 0x1,
	SL_FEATURE_SOURCES4 = 0x2,
	SL_FEATURE_SOURCES6 = 0x4,
	SL_FEATURE_SOCKETS = 0x8, /* egress: socket storage */
	SL_FEATURE_MARKS = 0x10,  /* egress: skb mark */
	SL_FEATURE_CGROUPS = 0x20,
	SL_FEATURE_PROVEN = 0x40,
};

/* Which wildcards the live services use; bit n of `shapes` = this combination. */
enum sl_shape {
	SL_SHAPE_ANY_VLAN = 0x1,
	SL_SHAPE_ANY_PORT = 0x2,
	SL_SHAPE_ANY_ADDRESS = 0x4,
	SL_SHAPES = 8,
};

/* The part of the control word that changes with a batch. Writer: agent. */
struct sl_ctl_half {
	__u32 features;	     /* enum sl_feature */
	__u32 shapes4;	     /* list of enum sl_shape, one a nibble, most specific first */
	__u32 shapes4_count; /* 0..SL_SHAPES */
	__u32 shapes6;
	__u32 shapes6_count;
	__u32 on_miss; /* enum sl_on_miss */
	__u32 reserved32[2];
	__u64 services4_seed;
	__u64 services6_seed;
	struct sl_rate source_share;   /* packets/s of one unknown source */
	struct sl_rate proven_packets; /* tenant 0's reserve for proven sources */
	__u32 overhead_ingress_bytes;  /* added to each packet's length */
	__u32 overhead_egress_bytes;
	__u32 proven_s; /* how long a completed handshake proves a source */
	__u32 reserved32b;
	__u64 reserved[4];
};

/* sl_ctl: array [0], mmapable. Writer: agent; from event_tat_cu on: BPF. */
struct sl_ctl {
	__u32 abi_version;
	__u32 epoch;	    /* stored last; & 1 selects the live half everywhere */
	__u32 mode;	    /* enum sl_mode; the laxer of this and the tenant's applies */
	__u32 block_count4; /* 0: the block tries are not looked at */
	__u32 block_count6;
	__u32 event_mask;    /* a drop makes an event when its counter & mask == 0 */
	__u64 event_cost_cu; /* GCRA over all events; 0: no events */
	__u64 event_burst_cu;
	__u64 reset_cost_cu; /* GCRA over all RSTs; 0: none are sent */
	__u64 reset_burst_cu;
	__u64 heartbeat_ns;	 /* agent alive at; for people, not for verdicts */
	__u64 started_ns;	 /* maps created at */
	__u64 config_generation; /* raised with every applied config */
	__u64 hash_seed;	 /* of cells, flows, shedding; random at creation */
	__u64 clock_tick_ns;	 /* a jiffy; the same as the programs' rodata */
	__u64 clock_offset_ns;	 /* jiffies64 * tick + offset = CLOCK_MONOTONIC (wraps) */
	__u32 flows_in_use;	 /* 0: no flow was ever bound, and none is looked for */
	__u32 reserved32;
	__u64 quota_incarnation, quota_identity; /* for the next agent, too; 0: none */
	struct sl_ctl_half half[2];
	__u64 event_tat_cu; /* on a line of its own: BPF writes it */
	__u64 reset_tat_cu;
	__u64 proven_tat_cu;
	__u64 sockets_open; /* counted connections of all tenants, at most sl_load.sockets_max */
	__u64 reserved2[4];
};

/* sl_names: array [tenant]. Writer: agent. Names outlive the agent, so that a
 * restart gives each tenant its old id, counters and bucket. */
struct sl_name {
	char name[SL_TENANT_NAME_BYTES]; /* "" = id is free */
	__u32 gen;			 /* raised each time the id changes hands */
	__u32 retired;			 /* 1: its tenant is gone from the config */
};

/* ---- explain ------------------------------------------------------------------- */

/* Which step of the classification named the tenant. Append only. */
enum sl_found_by {
	SL_FOUND_NOT_IP = 0,
	SL_FOUND_UNPROTECTED,
	SL_FOUND_FLOW,
	SL_FOUND_SERVICE,
	SL_FOUND_SOURCE,
	SL_FOUND_SOCKET,
	SL_FOUND_MARK,
	SL_FOUND_CGROUP,
	SL_FOUND_UNKNOWN, /* tenant 0 */
	SL_FOUND_MALFORMED,
	SL_FOUND_OFF, /* global mode is off */
};

/* sl_explanation: array [0]. Writer: the explain programs, which run the same
 * judge as the live ones, on the live maps, and charge, count and send nothing. */
struct sl_explanation {
	__u32 tenant;
	__u16 reason;	 /* enum sl_reason: what enforce would do */
	__u8 found_by;	 /* enum sl_found_by */
	__u8 mode;	 /* enum sl_mode that applies */
	__u8 lease_over; /* the lease has ended and the fallback applies */
	__u8 fallback;	 /* enum sl_fallback */
	__u8 proven;	 /* unknown tenant: the source completed a handshake */
	__u8 shedding;	 /* a shed level is in force */
	__u32 packets;	 /* charged: GSO segments */
	__u32 bytes;	 /* charged */
	__u32 reserved;
	__u64 now_ns;
	__u64 packets_wait_cu; /* until the bucket admits one such packet; 0 = now */
	__u64 bytes_wait_cu;
};

/* ---- layout -------------------------------------------------------------------- */

_Static_assert(sizeof(struct sl_side) == 64, "abi: a side is one cache line");
_Static_assert(sizeof(struct sl_limit) == 256, "abi: sl_limit");
_Static_assert(sizeof(struct sl_bucket_side) == 64, "abi: a side's buckets are one cache line");
_Static_assert(sizeof(struct sl_refusal) == 8, "abi: a refusal is one word");
_Static_assert(sizeof(struct sl_service4) == 16, "abi: sl_service4");
_Static_assert(sizeof(struct sl_service6) == 32, "abi: sl_service6");
_Static_assert(sizeof(struct sl_service4_line) == 64, "abi: a line is one cache line");
_Static_assert(sizeof(struct sl_service6_line) == 64, "abi: a line is one cache line");
_Static_assert(sizeof(struct sl_flow4) == 16, "abi: sl_flow4");
_Static_assert(sizeof(struct sl_flow6) == 40, "abi: sl_flow6");
_Static_assert(__builtin_offsetof(struct sl_flow4, remote_port) == 8, "abi: the word of sl_flow4");
_Static_assert(__builtin_offsetof(struct sl_flow6, remote_port) == 32, "abi: the word of sl_flow6");
_Static_assert(sizeof(struct sl_flow4_line) == 64, "abi: a line is one cache line");
_Static_assert(sizeof(struct sl_flow6_line) == 128, "abi: a line is two cache lines");
_Static_assert(sizeof(struct sl_name) == 64, "abi: sl_name");
_Static_assert(sizeof(struct sl_ctl_half) == 128, "abi: sl_ctl_half");
_Static_assert(sizeof(struct sl_ctl) == 448, "abi: sl_ctl");
_Static_assert(__builtin_offsetof(struct sl_ctl, half) == 128, "abi: sl_ctl.half");
_Static_assert(__builtin_offsetof(struct sl_ctl, event_tat_cu) == 384, "abi: written by BPF");
_Static_assert(sizeof(struct sl_explanation) == 48, "abi: sl_explanation");
