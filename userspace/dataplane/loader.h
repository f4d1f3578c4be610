/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF programs and their maps, from nothing, from the pins of an agent
 * before us, or from maps of other sizes.
 *
 * Order of a start:
 *   sl_dataplane_open()          maps and programs exist and are pinned; the live
 *                                half protects nothing until a plan is applied
 *   sl_sync_apply()              a plan (sync.h)
 *   sl_dataplane_carry()         what moved since, when maps were migrated
 *   sl_attach_interface() ...    (attach.h)
 *   sl_dataplane_close()         frees memory; programs, maps and links stay pinned
 *
 * Restart: maps with the right ABI and sizes are adopted as they are; the programs
 * are loaded anew around them and take over in attach.h.
 *
 * Migration (@migrate): maps whose sizes differ are made anew in PIN_DIR/v1_new,
 * their state is copied as far as it fits, v1 and v1_new are exchanged in one
 * rename, links move over, the old folder is removed. At each point of that order
 * one complete set of maps is pinned as v1, and the next start finishes or drops
 * what was left of v1_new. The attached programs keep the old maps alive and judge
 * by them until attach.h updates their links. Maps of an unchanged size are not
 * copied but shared: counters of tenants survive a larger flow table to the packet.
 *
 * Needs:  CAP_BPF, CAP_NET_ADMIN and, for sl_dataplane_open() only, CAP_PERFMON: without
 *         it the verifier also walks what the CPU might speculate, runs into its limit
 *         of a million instructions, and would compile slower programs. It may be
 *         dropped after that; everything else in this folder works with the first two.
 *         A failing setrlimit() does not matter on kernels that charge BPF memory to
 *         the cgroup (5.11 and later).
 * Owner:  sl_dataplane_close().
 * Thread: one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/dataplane/maps.h"
#include "userspace/domain/config.h"

struct sl_dataplane_options {
	const char *pin_dir;
	struct sl_sizes sizes;
	uint64_t hash_seed; /* for new maps; 0 = random */
	uint64_t now_ns;    /* CLOCK_MONOTONIC */
	bool migrate;	    /* other sizes or another ABI: copy instead of refuse */
};

enum sl_dataplane_origin {
	SL_DATAPLANE_CREATED,
	SL_DATAPLANE_ADOPTED,
	SL_DATAPLANE_MIGRATED,
};

struct sl_dataplane;

/*
 * -ESTALE: the pinned maps have other sizes. -EPROTO: another ABI. Both messages
 * tell what is and what is wanted, and that `sluiced --migrate` copies the state.
 * -EPERM: capabilities; -ENOTSUP: no bpffs at pin_dir. When the verifier refuses
 * a program, the message ends with the last lines of its log.
 */
int sl_dataplane_open(struct sl_dataplane **ret, const struct sl_dataplane_options *options,
		      struct sl_dp_error *error);

/* NULL is fine. */
void sl_dataplane_close(struct sl_dataplane *dp);

static inline void sl_dataplane_closep(struct sl_dataplane **dp)
{
	sl_dataplane_close(*dp);
}

/* The maps, writable; they stay the dataplane's. */
struct sl_maps *sl_dataplane_maps(const struct sl_dataplane *dp);

enum sl_dataplane_origin sl_dataplane_origin(const struct sl_dataplane *dp);

/* Length of a jiffy: plan.h chooses the clock of a bucket by it. */
uint64_t sl_dataplane_tick_ns(const struct sl_dataplane *dp);

/* A program by its name in bpf/ ("sl_xdp_ingress"); -ENOENT. The descriptor stays ours. */
int sl_dataplane_prog_fd(const struct sl_dataplane *dp, const char *name);

/*
 * After a migration, just before attaching: copies buckets, counters and connection
 * counts once more, since the old programs went on. What they judge from here until
 * their links are updated (milliseconds) is not carried over. Else does nothing.
 */
int sl_dataplane_carry(struct sl_dataplane *dp, struct sl_dp_error *error);
