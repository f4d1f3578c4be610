/* SPDX-License-Identifier: Apache-2.0 */
/* The "set" of limit.set. Private to admin_request.c. */
#pragma once

#include <jansson.h>

#include "userspace/agent/admin_request.h"

#define SL_ADMIN_VALUE_BYTES 24

/*
 * A value as text: a string, a whole number that is not negative (written into
 * @scratch), true or false. NULL: anything else.
 */
const char *sl_admin_text(char scratch[SL_ADMIN_VALUE_BYTES], const json_t *value);

/* The keys of a tenant's limits in the configuration, dotted: "ingress.packets_per_s". */
int sl_admin_read_limits(struct sl_admin_request *ret, const json_t *set,
			 struct sl_text_error *error);
