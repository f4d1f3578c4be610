/* SPDX-License-Identifier: Apache-2.0 */
/* The prefixes of a plan; for plan.c. Thread: pure functions. */
#pragma once

#include "userspace/domain/plan.h"

/*
 * Fills the sources and blocks of @plan, which has its ids. A trie answers with
 * the longest prefix only, so a block inside a wider one that lasts longer gets
 * the wider one's end. -ENOMEM: what is there is freed with the plan.
 */
int sl_plan_prefixes(struct sl_plan *plan, const struct sl_config *config, uint64_t now_ns);
