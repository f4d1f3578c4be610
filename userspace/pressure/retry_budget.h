/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retries that do not make an overload worse: together at most a tenth of the requests
 * (and a few, so that the first may be repeated), each request at most three tries, and
 * none after an answer that says "overloaded".
 *
 * Owner:  plain data, zeroed at first.
 * Thread: one at a time.
 * Source: Beyer et al., "Site Reliability Engineering", chapter 21.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SL_RETRY_TRIES_MAX	3u
#define SL_RETRY_PERMILLE	100u
#define SL_RETRY_SAVED_MAX	100u /* retries: an hour of quiet is no licence to flood */
#define SL_RETRY_SAVED_AT_FIRST 10u

struct sl_retry_budget {
	uint32_t saved_permille; /* thousandths of a retry */
	bool begun;
};

/* A first try goes out. */
void sl_retry_budget_request(struct sl_retry_budget *budget);
/* @tries were made. True: one more may be, and is charged. */
bool sl_retry_budget_take(struct sl_retry_budget *budget, unsigned int tries, bool overloaded);
