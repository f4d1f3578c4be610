/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the quota library as former agents made them: with an argument for each number. */
#pragma once

#include <stddef.h>

#include "userspace/quota/wire.h"

/* Of a call whose last argument is @words words for each tenant: the first @kept of them. */
void sl_quota_call_before(struct sl_wire_call *call, size_t words, size_t kept);
/* The same as one argument still: of version 7. */
void sl_quota_call_cut(struct sl_wire_call *call, size_t words, size_t kept);
