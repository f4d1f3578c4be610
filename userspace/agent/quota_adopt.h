/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one agent of a node to the next: what it leases stands in the maps (sl_limit.leases,
 * the rates and their end), with the incarnation under which Redis counts it. The next agent
 * goes on with both, so that nothing is cold and nothing held twice: it is the same instance
 * of the node, as the lock on the pins says that the former agent has ended. A node that was
 * fenced leaves no incarnation; nor do limits of another node, prefix or generation.
 *
 * Thread: the agent's.
 */
#pragma once

#include "userspace/agent/quota_private.h"

/* sl_limit.leases of @slot's tenant: 4 bits for each enum sl_quota_kind, 0 where it is not
 * leased, else enum sl_quota_mode + 1. And .lease_nodes: how many nodes lease. */
struct sl_quota_marks {
	uint32_t leases;
	uint32_t nodes;
};
struct sl_quota_marks sl_quota_marks_of(const struct sl_quota *quota,
					const struct sl_quota_slot *slot, uint64_t now_ns);

/* Into the slots that begin, all of them new, before the first question. */
void sl_quota_adopt(struct sl_quota *quota, struct sl_maps *maps, const struct sl_plan *plan,
		    uint64_t now_ns);

/* For the next agent: whose leases the maps hold. */
void sl_quota_own(struct sl_quota *quota);
