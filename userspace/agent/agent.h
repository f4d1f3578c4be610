/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of a node: it keeps the kernel's maps what the configuration and its
 * operators say, and tells what the kernel counted.
 *
 * Start:  configuration, lock, sockets, maps and programs, overrides, plan,
 *         interfaces, then privileges away, then ready.
 * End:    at once. Programs, maps and links stay; limits stay in force.
 *
 * Owner:  sl_agent_free().
 * Thread: one.
 */
#pragma once

#include "userspace/agent/options.h"
#include "userspace/obs/log.h"

struct sl_agent;

/* Everything up to readiness. -EINVAL: a bad configuration; else -errno. It was logged. */
int sl_agent_start(struct sl_agent **ret, const struct sl_agent_options *options,
		   struct sl_log *log);

/* Until SIGTERM or SIGINT. */
int sl_agent_run(struct sl_agent *agent);

/* NULL is fine. */
void sl_agent_free(struct sl_agent *agent);
