/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map. Keys, values, halves and writers are described in sluice/abi.h;
 * max_entries are 1 here: the agent sizes each map before it loads the object.
 * Weak: each program file includes this and the linker keeps one of each.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/lib/trial.h"
#include "sluice/abi.h"
#include "sluice/requests.h"

#define SL_ARRAY(name, value_type, flags)                                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__uint(map_flags, flags);                                                          \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} name SEC(".maps") __weak

#define SL_PERCPU(name, value_type)                                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} name SEC(".maps") __weak

#define SL_HASH(name, key_type, value_type)                                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps") __weak

#define SL_PREFIXES(name, key_type, value_type)                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                                               \
		__uint(max_entries, 1);                                                            \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps") __weak

/* limits go down */
SL_ARRAY(sl_ctl, struct sl_ctl, BPF_F_MMAPABLE);
SL_ARRAY(sl_limits, struct sl_limit, BPF_F_MMAPABLE);
SL_ARRAY(sl_names, struct sl_name, BPF_F_MMAPABLE);
SL_ARRAY(sl_services4, struct sl_service4_line, BPF_F_MMAPABLE);
SL_ARRAY(sl_services6, struct sl_service6_line, BPF_F_MMAPABLE);
SL_ARRAY(sl_flows4, struct sl_flow4_line, BPF_F_MMAPABLE);
SL_ARRAY(sl_flows6, struct sl_flow6_line, BPF_F_MMAPABLE);
SL_PREFIXES(sl_sources4, struct sl_prefix4, struct sl_source);
SL_PREFIXES(sl_sources6, struct sl_prefix6, struct sl_source);
SL_PREFIXES(sl_blocks4, struct sl_prefix4, struct sl_block);
SL_PREFIXES(sl_blocks6, struct sl_prefix6, struct sl_block);
SL_HASH(sl_marks, __u32, __u32);
SL_HASH(sl_cgroups, __u64, __u32);
SL_ARRAY(sl_req_limits, struct sl_requests, BPF_F_MMAPABLE); /* of gateways, not of packets */

/* the enforcer's state */
SL_ARRAY(sl_buckets, struct sl_bucket, BPF_F_MMAPABLE);
SL_ARRAY(sl_cells, struct sl_cell, BPF_F_MMAPABLE);
SL_ARRAY(sl_refusals, struct sl_refusal, BPF_F_MMAPABLE);
SL_ARRAY(sl_req_words, struct sl_request_words, BPF_F_MMAPABLE);
SL_ARRAY(sl_proven, struct sl_proven, 0);
SL_ARRAY(sl_conns, struct sl_conns, BPF_F_MMAPABLE);
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sl_socket);
} sl_sockets SEC(".maps") __weak;

/* counters come up */
SL_PERCPU(sl_counters, struct sl_counters);
SL_PERCPU(sl_shadow, struct sl_counters);
SL_PERCPU(sl_node, struct sl_node);
SL_PERCPU(sl_trials, struct sl_trial); /* scratch of one packet; not pinned */
SL_ARRAY(sl_explanations, struct sl_explanation, 0);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} sl_events SEC(".maps") __weak;
