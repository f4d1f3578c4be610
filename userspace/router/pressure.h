/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools of workers: their signals come, ours go out, requests are held against them.
 * Private to router/.
 *
 * Owner:  sl_pressure_free(). At most SL_ROUTER_POOLS_MAX pools; one that nobody spoke for
 *         in five minutes makes room.
 * Thread: the loop's.
 */
#pragma once

#include "userspace/pressure/pool.h"

#define SL_ROUTER_POOLS_MAX 64u

struct sl_router;
struct sl_bus_message;
struct sl_request;
struct sl_provider;
struct sl_pressure;

int sl_pressure_new(struct sl_pressure **ret, struct sl_router *router);
void sl_pressure_free(struct sl_pressure *pressure); /* NULL is fine */
/* From now on signals are sent, until the end. -errno. */
int sl_pressure_begin(struct sl_pressure *pressure);
/* Says that this router takes no more requests. */
void sl_pressure_leave(struct sl_pressure *pressure);

/* @context: the router. */
void sl_pressure_heard(void *context, const struct sl_bus_message *message);

struct sl_pressure_refusal {
	const char *why;
	uint32_t retry_after_s;
};
/* True: refused, with @ret. */
bool sl_pressure_refuses(struct sl_pressure_refusal *ret, struct sl_pressure *pressure,
			 const struct sl_request *request, const struct sl_provider *provider);

/*
 * A job's way: opened when it is let through, accepted by a worker, closed with its result
 * or when it came to nothing. What opens it is a mark of its pool and class, 0 when there is
 * no pool.
 */
uint32_t sl_pressure_open(struct sl_pressure *pressure, const struct sl_provider *provider,
			  enum sl_criticality criticality);
void sl_pressure_accepted(struct sl_pressure *pressure, uint32_t mark);
void sl_pressure_close(struct sl_pressure *pressure, uint32_t mark, bool accepted);

bool sl_pressure_has_pools(const struct sl_pressure *pressure);
/* The pools one after the other, from 0; false: there are no more. */
bool sl_pressure_next(struct sl_pool_view *ret, const struct sl_pressure *pressure, uint32_t *at);
/* The worst state of all, but for stale; @ret_stale: one of them is. */
enum sl_pressure_state sl_pressure_worst(const struct sl_pressure *pressure, bool *ret_stale);
