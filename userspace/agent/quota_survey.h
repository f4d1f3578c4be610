/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Redis knows of the global limits of this node's configuration: who holds what, on
 * all nodes. One tenant after the other is asked for, so that neither Redis nor an answer
 * is burdened, and at most SL_SURVEY_ROWS_MAX rows are listed.
 *
 * Owner:  a survey frees itself with its end.
 * Thread: the event loop's.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "userspace/agent/quota.h"

#define SL_SURVEY_ROWS_MAX 20000u

/* The end, exactly once and from the loop: @body is the receiver's; NULL: @error says why. */
typedef void sl_survey_done(void *context, json_t *body, const char *error);

/*
 * @tenant "": all. On 0 @done comes, at the latest with sl_quota_free(). Else it does not:
 * -ENOENT: no limit of the tenant is global; -ENOMEM; as of sl_redis_call().
 */
int sl_quota_survey(struct sl_quota *quota, const char *tenant, uint64_t now_ns,
		    sl_survey_done *done, void *context);
