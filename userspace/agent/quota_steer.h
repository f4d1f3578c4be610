/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators say of global limits, for all nodes: another rate, or that a node shall
 * hold no leases. It goes to Redis first (quota_ledger.h), where every agent looks once a
 * period; a node's own leases are changed at once.
 *
 * Thread: the event loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/agent/quota.h"
#include "userspace/agent/quota_ledger.h"

/* @err 0: it is in Redis and in force here. Else as of sl_redis_done. Comes from the loop. */
typedef void sl_quota_said_done(void *context, int err);

/* Writes @record for all nodes. On 0 @done comes, at the latest with sl_quota_free(). */
int sl_quota_say(struct sl_quota *quota, const struct sl_said_record *record,
		 sl_quota_said_done *done, void *context);

/* Here alone and at once; Redis gets it when it can be asked. 1: that was news; 0; -ENOSPC,
 * -ENOMEM. */
int sl_quota_learn(struct sl_quota *quota, const struct sl_said_record *record);

/* @record of @key's subject as this agent knows it; NULL: nothing was said. */
const struct sl_said_record *sl_quota_said_of(const struct sl_quota *quota,
					      const struct sl_said_record *key);
const struct sl_said *sl_quota_ledger(const struct sl_quota *quota);
const char *sl_quota_node(const struct sl_quota *quota);
bool sl_quota_is_drained(const struct sl_quota *quota);
