/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a connection to a pull consumer at work: its streams, its durable, its pull, one
 * step after the other, and from the first step again after what failed.
 *
 * Owner:  terms, their streams and texts, bus and log outlive it; it is freed after the
 *         bus, which ends what is under way. The pull is the caller's from @begun on.
 * Thread: the bus's loop.
 */
#pragma once

#include "userspace/bus/jetstream.h"
#include "userspace/obs/log.h"

struct sl_consuming;

struct sl_consuming_terms {
	const struct sl_js_stream *const *streams; /* made if they are not there; ends with NULL */
	struct sl_js_consumer consumer;
	uint32_t window; /* of the pull */
	sl_js_handler *handler;
	void (*begun)(void *context, struct sl_js_pull *pull); /* once */
	void *context;					       /* of both */
};

int sl_consuming_new(struct sl_consuming **ret, struct sl_bus *bus, struct sl_log *log,
		     const struct sl_consuming_terms *terms);
/* Now and then: tries, when connected and two seconds after what failed last. */
void sl_consuming_tick(struct sl_consuming *consuming, uint64_t now_ns);
/* @begun will not come any more. */
void sl_consuming_stop(struct sl_consuming *consuming);
void sl_consuming_free(struct sl_consuming *consuming); /* NULL is fine */
