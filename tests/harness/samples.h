/* SPDX-License-Identifier: Apache-2.0 */
/* One packet of every kind that the parser reads to its end. */
#pragma once

#include "tests/harness/packet.h"

struct sl_sample {
	const char *name;
	struct sl_pkt_spec packet; /* to SL_LOCAL4 or SL_LOCAL6 */
};

extern const struct sl_sample sl_samples[];
extern const unsigned sl_sample_count;
