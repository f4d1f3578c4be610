/* SPDX-License-Identifier: Apache-2.0 */
/*
 * the library in a Redis of the test's own, with a clock of the test's in the place of TIME, so
 * that it can stand, jump and go back. All else is what the product loads. Ends the program
 * with a message when that fails.
 */
#pragma once

#include "tests/harness/resp.h"

/* Removes all functions and all keys first. */
void sl_quota_clock_load(struct sl_resp *resp);
void sl_quota_clock_set(struct sl_resp *resp, int64_t now_us);
