/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that a dead worker left behind. A worker that is killed unbinds nothing, so
 * those that live look for bound flows to this gateway's own listeners whose socket
 * is gone or nobody's: the kernel is asked for each (sock_diag, which needs no
 * privilege), a little at a time. Flows to other ports or other addresses are somebody
 * else's and stay.
 *
 * Owner:  sl_kernel_sweep_free(); the table's memory is the caller's.
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/flow_table.h"

struct sl_kernel_sweep;

/*
 * @ports: of the listeners, in host order; copied. -ENOMEM, or why the kernel cannot be
 * asked (-EPROTONOSUPPORT: no sock_diag).
 */
int sl_kernel_sweep_new(struct sl_kernel_sweep **ret, const uint16_t *ports, size_t count);
void sl_kernel_sweep_free(struct sl_kernel_sweep *sweep);

/* From the beginning; reads anew which addresses are this node's. */
int sl_kernel_sweep_begin(struct sl_kernel_sweep *sweep);

/*
 * A part: about a millisecond. True: there is more. @ret_freed is added to. On an error
 * of the kernel nothing more is freed in this run.
 */
bool sl_kernel_sweep_step(struct sl_kernel_sweep *sweep, const struct sl_flow_table *flows4,
			  const struct sl_flow_table *flows6, uint64_t *ret_freed);
