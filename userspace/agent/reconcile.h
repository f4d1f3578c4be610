/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where everything that decides about limits comes together: a
 * snapshot of the configuration, of what operators set, of shed levels and of
 * the time becomes a plan of map contents. Pure: no clock, no map, no file.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/overrides.h"
#include "userspace/domain/plan.h"

#define SL_SHEDS_MAX 4096u

/* A share of a tenant's traffic to shed, until a time that comes. */
struct sl_shed {
	char tenant[SL_TENANT_NAME_BYTES];
	uint32_t permille; /* 1..1000 */
	uint64_t until_ns; /* CLOCK_MONOTONIC */
	bool by_pressure;  /* else an operator said so */
};

struct sl_sheds {
	struct sl_shed at[SL_SHEDS_MAX];
	size_t count;
};

/* Replaces the tenant's level; permille 0 removes it. -ENOSPC: too many tenants shed. */
int sl_sheds_set(struct sl_sheds *sheds, const struct sl_shed *shed);

/* Anew after sl_sheds_drop_pressure(), of a tenant without a level. -ENOSPC as above. */
int sl_sheds_add(struct sl_sheds *sheds, const struct sl_shed *shed);

/* Leaves what operators said. */
void sl_sheds_drop_pressure(struct sl_sheds *sheds);

/* Forgets levels that ended by @now_ns. */
void sl_sheds_expire(struct sl_sheds *sheds, uint64_t now_ns);

struct sl_snapshot {
	const struct sl_config *config; /* as it was read */
	uint64_t config_age_ns;		/* since then: its blocks count from there */
	const struct sl_overrides *overrides;
	const struct sl_sheds *sheds;
	uint64_t now_unix_ns;
	struct sl_plan_input in;
};

/*
 * *ret_effective: the configuration with the overrides on it, in the same order of
 * tenants as plan->ids; sl_config_free() it. Errors as of sl_plan_make(); on failure
 * both are untouched and @error says why.
 */
int sl_reconcile(struct sl_plan **ret, struct sl_config **ret_effective,
		 const struct sl_snapshot *snapshot, struct sl_text_error *error);
