/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity across tenants (quota/share.h): the agents that know a capacity
 * (quota.capacity) ask for the leader's lock once a second (quota/turns.h). Who has it
 * reads what tenants want and what is in force, shares the capacity out, and writes the
 * rates that changed under its token; of a leader that lost the lock Redis takes nothing
 * more. The others stand by: the lock of one that is gone ends after five seconds.
 *
 * Calls of a round follow one another, up to fifty tenants in each; a round that has not
 * ended delays the next, and one without an answer is begun anew soon after. Without a
 * capacity nothing of this runs.
 *
 * Owner:  a part of struct sl_quota; a round frees itself with its end.
 * Thread: the event loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/agent/quota.h"

struct sl_quota_lead_stats {
	uint64_t rounds_total;
	uint64_t failed_total; /* rounds that did not come to their end */
	uint64_t writes_total; /* rates that were written */
	uint64_t stale_total;  /* and not taken: a newer leader wrote */
};

/* Does some capacity have to be shared here, and by this agent? */
bool sl_quota_may_lead(const struct sl_quota *quota);
bool sl_quota_leads(const struct sl_quota *quota);
struct sl_quota_lead_stats sl_quota_lead_stats(const struct sl_quota *quota);
