/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of cost (requests.cost of the agent's configuration): a decide that has work done
 * reserves an estimate in the node's bucket, and is settled by the usage event of its
 * result, which every worker hears. What is heard of neither within five minutes stays at
 * its estimate.
 *
 * Owner:  part of the gateway of one worker; sl_cost_free().
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sl_cost;
struct sl_exchange;
struct sl_gateway;

/* False: over the limit, answered 429. */
bool sl_cost_admit(struct sl_exchange *exchange);

/* It came to nothing for sure: gives back what was reserved. Fine when nothing was. */
void sl_cost_return(struct sl_exchange *exchange);

/* Once a second: what nothing was heard of. */
void sl_cost_tick(struct sl_gateway *gateway, uint64_t now_ns);
void sl_cost_free(struct sl_cost *cost);
