/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's connection to the agent, for the maps: asked for once each connection, and
 * then held, so that the agent's end is noticed. It is made again after 100 ms to 5 s.
 *
 * Owner:  sl_kernel_link_free(); from no callback.
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>

#include "userspace/base/loop.h"
#include "userspace/gateway/kernel_maps.h"

struct sl_kernel_link;

struct sl_kernel_link_calls {
	/* Maps of the agent, which the callee owns. The link is up. */
	void (*came)(void *context, struct sl_kernel_maps *maps);
	/* It is not up, or not any more. Once until it is up again. */
	void (*went)(void *context, const char *reason);
	/* The other end answered what the agent would not. */
	void (*wrong)(void *context, const char *reason);
};

/* @calls and @path stay. 0 or -ENOMEM; no agent is needed for it. */
int sl_kernel_link_new(struct sl_kernel_link **ret, struct sl_loop *loop, const char *path,
		       const struct sl_kernel_link_calls *calls, void *context);
void sl_kernel_link_free(struct sl_kernel_link *link);
