/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of limits of requests that are no tenant's own. They have ids, words and
 * overrides as tenants do, and names that no tenant can have:
 *
 *   "acme/premium"  what acme asks of the policy premium
 *   "any/premium"   written with a star: what all tenants together ask of it
 *   a star alone    all requests of the node
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "sluice/abi.h"
#include "userspace/base/span.h"
#include "userspace/domain/text.h"

#define SL_ROW_ALL "*" /* in place of a tenant */

/*
 * @tenant empty: all of them; @policy empty: whatever it is. -ENAMETOOLONG: longer than
 * any name is, so there is no such row.
 */
int sl_request_row_name(char ret[SL_TENANT_NAME_BYTES], struct sl_span tenant,
			struct sl_span policy);

/* It is a row's name and no tenant's. */
bool sl_request_row_is(struct sl_span name);

/* A tenant's name or a row's, as sl_parse_name(). */
int sl_request_row_parse(char ret[SL_TENANT_NAME_BYTES], const char *text,
			 struct sl_text_error *error);
