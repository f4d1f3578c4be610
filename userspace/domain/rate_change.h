/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rate that changes under a bucket in use: what the bucket holds is kept. Growth never
 * mints tokens; a smaller burst cuts what does not fit; debt stays debt.
 *
 * Thread: pure functions. Units as in sluice/abi.h; milli-units ("_mu") are a thousandth
 *         of a packet or connection, and of bytes a byte.
 */
#pragma once

#include <stdint.h>

#include "sluice/abi.h"
#include "userspace/domain/text.h"

/*
 * @rate_mu_per_s with room for @burst_mu; of bytes at least SL_BYTES_PER_S_MIN. A rate of 0
 * lets nothing pass (a unit in 2.4 hours, of a bucket that sl_rate_change_tat() emptied).
 * Never cost 0, which would be unlimited.
 */
struct sl_rate sl_rate_of_mu(uint64_t rate_mu_per_s, uint64_t burst_mu, enum sl_unit unit);

/* The way back, rounded down: never more than @rate came from. 0: nothing passes, or no limit. */
uint64_t sl_rate_to_mu(const struct sl_rate *rate, enum sl_unit unit);

/*
 * The word of a bucket at @tat_cu under @old, so that it holds as many units under @new.
 * Where @old was unlimited the bucket counts as full; with a new rate of 0 it is empty.
 */
uint64_t sl_rate_change_tat(uint64_t tat_cu, uint64_t now_cu, const struct sl_rate *old,
			    const struct sl_rate *new);
