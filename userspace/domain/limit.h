/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person asked for a tenant, as the limit that the packet path reads.
 *
 * Exactness: a cost is the nearest whole number of credit units, so that the
 * admitted rate is off by less than 1e-5 up to 20 million packets per second,
 * by at most 5e-5 at 100 million, and by at most 2e-6 for every rate of bytes.
 *
 * Thread: pure functions.
 */
#pragma once

#include "sluice/abi.h"
#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

/* A direction with a burst shorter than this many jiffies needs the fine clock. */
#define SL_LIMIT_COARSE_TICKS 4u

struct sl_limit_input {
	uint32_t gen;	  /* of the tenant's id, see struct sl_name */
	uint64_t now_ns;  /* CLOCK_MONOTONIC: the lease begins here */
	uint64_t tick_ns; /* length of a jiffy */
};

/*
 * @unit: SL_UNIT_BYTES costs per byte, SL_UNIT_COUNT per packet or connection.
 * Unlimited, and 0, which only its place can say: cost 0. Out of the bounds of
 * abi.h: as if at the bound.
 */
struct sl_rate sl_rate_cost(const struct sl_rate_spec *rate, enum sl_unit unit);

/* The way back, for people: exact but for the rounding above. Never "0". */
struct sl_rate_spec sl_rate_of_cost(const struct sl_rate *rate, enum sl_unit unit);

/* Does the burst last so few ticks that its side needs SL_SIDE_KTIME? */
bool sl_rate_is_short(const struct sl_rate *rate, uint64_t tick_ns);

/*
 * A rate 0 of packets or bytes blocks its direction; of new connections or
 * fragments it admits none; in the safe rates it makes the fallback closed.
 * Both directions share one end of a block: where a rate is 0, a block that was
 * to end lasts until the next limit is written.
 */
void sl_limit_make(struct sl_limit *ret, const struct sl_tenant_spec *tenant,
		   const struct sl_limit_input *in);

/* Tenant 0: no lease, no count of connections. */
void sl_limit_make_unknown(struct sl_limit *ret, const struct sl_unknown_spec *unknown,
			   const struct sl_limit_input *in);

/* An id that is nobody's: only a binding left over can lead here. Blocked. */
void sl_limit_make_unused(struct sl_limit *ret, uint32_t gen);

/* Tenant 0's part of a control half; of the features it may add SL_FEATURE_PROVEN. */
void sl_limit_fill_half(struct sl_ctl_half *half, const struct sl_unknown_spec *unknown);
