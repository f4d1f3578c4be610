/* SPDX-License-Identifier: Apache-2.0 */
/* The tracestate header by itself. Private to domain/. */
#pragma once

#include "sluice/envelope.h"
#include "userspace/base/span.h"

#define SL_TRACESTATE_MEMBERS_MAX 32

/*
 * The list as it goes on: members in order, without the space and the empty members
 * between them; of members with one key the first; as many whole ones as fit. "" when
 * one of them is malformed, or when there are more than SL_TRACESTATE_MEMBERS_MAX.
 */
void sl_trace_state(char ret[SL_TRACESTATE_MAX + 1], struct sl_span header);
