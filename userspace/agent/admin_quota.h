/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of quota.set and its like. Private to admin_request.c. Pure functions. */
#pragma once

#include "userspace/agent/admin_request.h"

/* "packets" ... "cost". */
int sl_admin_read_limit(struct sl_admin_request *ret, const char *text,
			struct sl_text_error *error);
/* Kept as text: what its unit is says another key. */
int sl_admin_read_amount(struct sl_admin_request *ret, const char *text,
			 struct sl_text_error *error);
int sl_admin_read_node(struct sl_admin_request *ret, const char *text, struct sl_text_error *error);

/* When all keys were read: the amount in the unit of its limit, or a percentage. */
int sl_admin_finish_amount(struct sl_admin_request *ret, struct sl_text_error *error);
