/* SPDX-License-Identifier: Apache-2.0 */
/* The requests about global limits. Thread: the event loop's. */
#pragma once

#include "userspace/agent/agent_private.h"

/* @request is one of them. The answer may come later. */
void sl_agent_quota_request(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			    struct sl_agent *agent);
