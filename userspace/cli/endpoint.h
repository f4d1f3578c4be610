/* SPDX-License-Identifier: Apache-2.0 */
/* Address and port as one word: 192.0.2.1:443, [2001:db8::1]:443. Pure. */
#pragma once

#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

#define SL_ENDPOINT_BYTES (SL_ADDRESS_BYTES + 9)

/* Port 1..65535, in host order. -EINVAL or -ERANGE with @error (may be NULL). */
int sl_endpoint_parse(struct sl_address *ret, uint16_t *ret_port, const char *text,
		      struct sl_text_error *error);

/* Into @buffer of SL_ENDPOINT_BYTES; without a port when it is 0. Returns it. */
const char *sl_endpoint_format(char *buffer, const struct sl_address *address, uint16_t port);
