/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's maps in a gateway's memory: what the agent handed over, checked. What a
 * gateway writes is mapped: plain memory, without agent or system call. What it may only
 * read is read by a system call, for the kernel maps no descriptor that is read-only;
 * that is seldom: names, when there are other ones.
 *
 * Owner:  sl_kernel_maps_free() unmaps and closes. The packet path goes on with its maps.
 * Thread: one at a time; other processes have the same memory mapped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/base/span.h"
#include "userspace/domain/flow_table.h"
#include "userspace/domain/refusals.h"

#define SL_KERNEL_FDS_MAX 16

enum sl_kernel_map {
	SL_KERNEL_FLOWS4 = 0,
	SL_KERNEL_FLOWS6,
	SL_KERNEL_BUCKETS,
	SL_KERNEL_REFUSALS,
	SL_KERNEL_CTL,
	SL_KERNEL_NAMES,
	/* Both or none: an older agent has not got them. */
	SL_KERNEL_REQUEST_LIMITS,
	SL_KERNEL_REQUEST_WORDS,
	SL_KERNEL_MAPS,
};

struct sl_kernel_mapping {
	void *at; /* NULL: read through fd */
	int fd;	  /* -1: mapped */
	size_t bytes;
	uint32_t entries;
	uint32_t id; /* the kernel's */
};

struct sl_kernel_maps {
	struct sl_kernel_mapping map[SL_KERNEL_MAPS];
	struct sl_flow_table flows4;
	struct sl_flow_table flows6;
	struct sl_refusals refusals;
	struct sl_bucket *buckets;		/* [tenants] */
	struct sl_request_words *request_words; /* [tenants]; NULL: the agent has none */
	uint32_t tenants;
};

struct sl_kernel_error {
	char message[160];
};

/*
 * From a line of the agent and the descriptors that came with it, which stay the
 * caller's. -EINVAL: the line is not an answer to maps.fds; -EACCES: the agent refused;
 * -EPROTO: another ABI, or a descriptor that is not the map it is called; why it could
 * not be mapped. All with @error.
 */
int sl_kernel_maps_new(struct sl_kernel_maps **ret, struct sl_span answer, const int *fds,
		       size_t count, struct sl_kernel_error *error);
void sl_kernel_maps_free(struct sl_kernel_maps *maps);
void sl_kernel_maps_freep(struct sl_kernel_maps **maps);

/* Both are of the same maps of the kernel. */
bool sl_kernel_maps_equal(const struct sl_kernel_maps *a, const struct sl_kernel_maps *b);

/* Fills the rest from `map`. -EPROTO: sizes or versions that do not fit; or as below. */
int sl_kernel_maps_view(struct sl_kernel_maps *maps, struct sl_kernel_error *error);

/* One element of a map, whatever way there is to it; or why the kernel does not tell. */
int sl_kernel_maps_get(void *ret, const struct sl_kernel_maps *maps, enum sl_kernel_map which,
		       uint32_t index);

/*
 * What the kernel says of a descriptor (/proc/self/fdinfo) that should be @which: its
 * entries and id. -EPROTO: it is another map, or none. The kernel's word, so that no
 * file of a stranger is ever mapped, which could shrink under us.
 */
int sl_kernel_map_read(struct sl_kernel_mapping *ret, enum sl_kernel_map which,
		       struct sl_span fdinfo);
