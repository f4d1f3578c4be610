/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router's status map (contract, section 3): how loaded it is, in its own words.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdint.h>

#include "userspace/domain/fields.h"

#define SL_PRESSURE_BYTES_MAX 16384u /* of a status map; what is longer is not read */

enum sl_pressure_level {
	SL_PRESSURE_UNKNOWN = 0, /* nothing is shed on a guess */
	SL_PRESSURE_INACTIVE,
	SL_PRESSURE_WARNING,
	SL_PRESSURE_ACTIVE,
};

const char *sl_pressure_name(enum sl_pressure_level level); /* "inactive" */

struct sl_pressure_status {
	enum sl_pressure_level level;
	uint32_t retry_after_s; /* 1..SL_RETRY_AFTER_MAX_S; 0: it does not say */
	uint64_t pending, p95_ms, in_flight;
};

/*
 * -EINVAL with @error (may be NULL): too long, not JSON, without a status or with
 * another than the contract's words, or a figure that is none.
 */
int sl_pressure_status_read(struct sl_pressure_status *ret, struct sl_span text,
			    struct sl_fields_error *error);
