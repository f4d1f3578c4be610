/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two clocks on one time base. The coarse one steps by a jiffy and costs under
 * a nanosecond; the fine one costs about 44. Both read CLOCK_MONOTONIC, the
 * coarse one at most a tick behind, so a bucket may move from one to the other
 * without gaining more than a tick. Source of the costs: docs/adr/0003.
 */
#pragma once

#include "bpf/config.h"
#include <bpf/bpf_helpers.h>

static __always_inline __u64 sl_coarse_ns(void)
{
	return bpf_jiffies64() * sl_load.tick_ns + sl_load.clock_offset_ns;
}
