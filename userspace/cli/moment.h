/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them on the command line. */
#pragma once

#include <stdint.h>

#include "userspace/domain/text.h"

/*
 * "2026-11-24" (its beginning, UTC), "2026-11-24T10:30:00Z", or how long ago: "24h",
 * "7d". Milliseconds since 1970. -EINVAL, -ERANGE with @error.
 */
int sl_parse_moment(uint64_t *ret_ms, const char *text, uint64_t now_ms,
		    struct sl_text_error *error);

#define SL_MOMENT_BYTES 32

/* "2026-11-24T10:30:00Z"; returns @buffer. */
const char *sl_format_moment(char buffer[SL_MOMENT_BYTES], uint64_t ms);
