/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's limits of requests as a worker sees them. They are read by system calls
 * (kernel_maps.h) and then kept for SL_KERNEL_REQUESTS_NS, so that a busy tenant costs
 * some twenty of them a second; what the agent changes acts that much later.
 *
 * Owner:  sl_kernel_requests_clear().
 * Thread: one at a time.
 */
#pragma once

#include "userspace/gateway/kernel_maps.h"

#define SL_KERNEL_REQUESTS_NS 50000000ull

struct sl_kernel_requests_kept;

struct sl_kernel_requests {
	struct sl_kernel_requests_kept *kept; /* [count]; NULL: no memory, all is read anew */
	uint32_t count;			      /* a power of two */
};

void sl_kernel_requests_clear(struct sl_kernel_requests *requests);

struct sl_kernel_limits {
	struct sl_requests limits;
	enum sl_mode node;   /* the mode of the node */
	uint64_t generation; /* sl_ctl.config_generation that they were read in */
	struct sl_request_words *words;
};

/*
 * Of the tenant whose id has been its own since @gen. -ENOENT: the agent has no such
 * limits; -ESTALE: the id is another's by now; or why the kernel does not tell.
 */
int sl_kernel_requests_get(struct sl_kernel_limits *ret, struct sl_kernel_requests *requests,
			   const struct sl_kernel_maps *maps, uint32_t tenant, uint32_t gen,
			   uint64_t now_ns);
