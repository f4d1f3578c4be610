// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/reconcile.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/names.h"
#include "userspace/domain/text_error.h"

static void free_config(struct sl_config **config)
{
	sl_config_free(*config);
}

static void free_plan(struct sl_plan **plan)
{
	sl_plan_free(*plan);
}

int sl_sheds_set(struct sl_sheds *sheds, const struct sl_shed *shed)
{
	size_t at = 0;

	while (at < sheds->count && strcmp(sheds->at[at].tenant, shed->tenant) != 0)
		at++;
	if (shed->permille == 0) {
		if (at < sheds->count)
			sheds->at[at] = sheds->at[--sheds->count];
		return 0;
	}
	if (at == SL_SHEDS_MAX)
		return -ENOSPC;
	sheds->at[at] = *shed;
	if (at == sheds->count)
		sheds->count++;
	return 0;
}

int sl_sheds_add(struct sl_sheds *sheds, const struct sl_shed *shed)
{
	if (sheds->count == SL_SHEDS_MAX)
		return -ENOSPC;
	sheds->at[sheds->count++] = *shed;
	return 0;
}

void sl_sheds_drop_pressure(struct sl_sheds *sheds)
{
	size_t left = 0;

	for (size_t i = 0; i < sheds->count; i++)
		if (!sheds->at[i].by_pressure)
			sheds->at[left++] = sheds->at[i];
	sheds->count = left;
}

void sl_sheds_expire(struct sl_sheds *sheds, uint64_t now_ns)
{
	size_t at = 0;

	while (at < sheds->count) {
		if (sheds->at[at].until_ns > now_ns)
			at++;
		else
			sheds->at[at] = sheds->at[--sheds->count];
	}
}

static void shed_side(struct sl_side *side, const struct sl_shed *shed)
{
	side->shed_permille = shed->permille;
	side->shed_until_ns = shed->until_ns;
}

/* A tenant that is not configured (any more) sheds nothing, and may come back. */
static int apply_sheds(struct sl_plan *plan, const struct sl_config *config,
		       const struct sl_snapshot *snapshot)
{
	struct sl_name_index index = { .slots = NULL };
	int err;

	if (!snapshot->sheds->count)
		return 0;
	err = sl_name_index_make(&index, config->tenants, sizeof(config->tenants[0]),
				 config->tenant_count);
	for (size_t i = 0; !err && i < snapshot->sheds->count; i++) {
		const struct sl_shed *shed = &snapshot->sheds->at[i];
		int64_t at = sl_name_index_find(&index, shed->tenant);

		if (at < 0 || shed->until_ns <= snapshot->in.now_ns)
			continue;
		shed_side(&plan->limits[plan->ids[at]].ingress, shed);
		shed_side(&plan->limits[plan->ids[at]].egress, shed);
	}
	sl_name_index_release(&index);
	return err;
}

int sl_reconcile(struct sl_plan **ret, struct sl_config **ret_effective,
		 const struct sl_snapshot *snapshot, struct sl_text_error *error)
{
	sl_cleanup(free_config) struct sl_config *config = NULL;
	sl_cleanup(free_plan) struct sl_plan *plan = NULL;
	int err = sl_config_copy(&config, snapshot->config);

	if (!err)
		err = sl_overrides_apply(config, snapshot->overrides, snapshot->now_unix_ns,
					 snapshot->config_age_ns, NULL);
	if (err)
		return sl_text_refuse(error, err, "%s", strerror(-err));
	err = sl_plan_make(&plan, config, &snapshot->in, error);
	if (!err)
		err = apply_sheds(plan, config, snapshot);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(plan);
	*ret_effective = SL_TAKE_PTR(config);
	return 0;
}
