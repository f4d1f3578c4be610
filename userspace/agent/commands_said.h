/* SPDX-License-Identifier: Apache-2.0 */
/* quota.set and its like, for commands_quota.c. Thread: the event loop's. */
#pragma once

#include "userspace/agent/agent_private.h"

/* @agent shares limits. The answer comes when Redis has it, or does not answer. */
void sl_agent_quota_say(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			struct sl_agent *agent);
