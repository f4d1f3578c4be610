// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/retry_budget.h"

#define PERMILLE 1000u

static void begin(struct sl_retry_budget *budget)
{
	if (!budget->begun)
		budget->saved_permille = SL_RETRY_SAVED_AT_FIRST * PERMILLE;
	budget->begun = true;
}

void sl_retry_budget_request(struct sl_retry_budget *budget)
{
	begin(budget);
	budget->saved_permille += SL_RETRY_PERMILLE;
	if (budget->saved_permille > SL_RETRY_SAVED_MAX * PERMILLE)
		budget->saved_permille = SL_RETRY_SAVED_MAX * PERMILLE;
}

bool sl_retry_budget_take(struct sl_retry_budget *budget, unsigned int tries, bool overloaded)
{
	begin(budget);
	if (overloaded || tries >= SL_RETRY_TRIES_MAX || budget->saved_permille < PERMILLE)
		return false;
	budget->saved_permille -= PERMILLE;
	return true;
}
