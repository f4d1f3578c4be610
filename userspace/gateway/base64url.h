/* SPDX-License-Identifier: Apache-2.0 */
/* Base64url without padding (RFC 4648, 5; RFC 7515, 2), strictly: one text for each value. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

/* -EINVAL: not such a text; -ENOBUFS: more than @size bytes. */
int sl_base64url_decode(uint8_t *buffer, size_t size, size_t *ret_length, struct sl_span text);
