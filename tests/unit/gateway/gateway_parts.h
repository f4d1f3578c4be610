/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway is put together from, in memory of the test's own. */
#pragma once

#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/gateway/gateway_private.h"
#include "userspace/gateway/shared.h"

#define PARTS_LINE 64u

/* Zeroed memory of whole cache lines; free() it. */
static inline void *parts_zeroed(size_t bytes)
{
	const size_t lines = (bytes + PARTS_LINE - 1) / PARTS_LINE * PARTS_LINE;
	void *at = aligned_alloc(PARTS_LINE, lines);

	assert_non_null(at);
	memset(at, 0, lines);
	return at;
}

/* What all workers share, of 64 tenants; free() it. */
static inline struct sl_shared *parts_shared(struct sl_settings *settings, uint64_t window_ns)
{
	struct sl_shared *shared;

	settings->limits.tenants_max = settings->limits.addresses_max = 64;
	settings->limits.window_ns = window_ns;
	shared = parts_zeroed(sl_shared_bytes(settings));
	sl_shared_init(shared, settings, (const uint64_t[2]){ 1, 2 });
	return shared;
}

/* Without a bus and without the agent's maps. @shared may be NULL. */
static inline void parts_gateway(struct sl_gateway *ret, struct sl_loop *loop,
				 const struct sl_settings *settings,
				 struct sl_worker_counters *counters, struct sl_shared *shared)
{
	const struct sl_kernel_options options = { .loop = loop,
						   .settings = settings,
						   .counters = counters };

	*ret = (struct sl_gateway){ .loop = loop,
				    .settings = settings,
				    .shared = shared,
				    .counters = counters,
				    .out = SL_JSON_OUT(4096) };
	assert_int_equal(sl_kernel_new(&ret->kernel, &options), 0);
}
