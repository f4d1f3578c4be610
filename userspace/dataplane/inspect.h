/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of ours is in the kernel: `sluicectl bpf maps|progs|links`, `status`.
 *
 * Thread: any. Needs only the pins.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/attach.h"
#include "userspace/dataplane/maps.h"
#include "userspace/dataplane/pins.h"

struct sl_map_info {
	char name[16];
	const char *type; /* "array", "lpm_trie", ... */
	uint32_t id;
	uint32_t key_bytes;
	uint32_t value_bytes;
	uint32_t max_entries;
	uint64_t memory_bytes; /* as the kernel charges it; per-CPU maps for all CPUs */
	bool mmapable;
	struct sl_pin_path pin;
};

struct sl_prog_info {
	char name[16];
	const char *type; /* "xdp", "tc", "sock_ops" */
	uint32_t id;
	uint8_t tag[8];
	uint32_t jited_bytes;
	uint64_t memory_bytes;
	uint64_t run_count; /* 0 unless kernel.bpf_stats_enabled */
	uint64_t run_ns;
	struct sl_pin_path pin;
};

struct sl_link_info {
	enum sl_pin_hook hook;
	int ifindex; /* 0: sock_ops */
	char ifname[SL_CONFIG_IFNAME_BYTES];
	struct sl_attachment attachment;
	struct sl_pin_path pin;
};

/* Arrays of all; free(@ret). -ENOENT: nothing is pinned under @pin_dir. */
int sl_inspect_maps(struct sl_map_info **ret, size_t *ret_count, const char *pin_dir,
		    struct sl_dp_error *error);
int sl_inspect_progs(struct sl_prog_info **ret, size_t *ret_count, const char *pin_dir,
		     struct sl_dp_error *error);
int sl_inspect_links(struct sl_link_info **ret, size_t *ret_count, const char *pin_dir,
		     struct sl_dp_error *error);
