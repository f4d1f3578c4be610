// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/agent_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "userspace/agent/state.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"

int sl_agent_fail(struct sl_agent_error *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return code;
}

uint64_t sl_agent_seed(void)
{
	uint64_t seed = 0;

	/* Early in a boot there may be no entropy yet; waiting for it would be worse. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = sl_monotonic_ns();
	return seed;
}

static struct sl_snapshot take_snapshot(const struct sl_agent *agent,
					const struct sl_config *config,
					const struct sl_overrides *overrides)
{
	const struct sl_maps_view *view = sl_maps_view(agent->maps);
	uint64_t now_ns = sl_monotonic_ns();

	return (struct sl_snapshot){
		.config = config,
		/* A new one was read just now. */
		.config_age_ns = config == agent->config ? now_ns - agent->config_read_ns : 0,
		.overrides = overrides,
		.sheds = &agent->sheds,
		.now_unix_ns = sl_wall_ns(),
		.in = { .names = view->names,
			.tenants = view->tenants,
			.services4_lines = view->services4_lines,
			.services6_lines = view->services6_lines,
			.now_ns = now_ns,
			.tick_ns = sl_dataplane_tick_ns(agent->dataplane),
			.seed = sl_agent_seed() },
	};
}

static int apply(struct sl_agent *agent, const struct sl_snapshot *snapshot,
		 struct sl_agent_error *error)
{
	struct sl_text_error why = { .message = "" };
	struct sl_dp_error dp_error = { .message = "" };
	struct sl_sync_result synced = { .epoch = 0 };
	struct sl_config *effective = NULL;
	struct sl_plan *plan = NULL;
	int err = sl_reconcile(&plan, &effective, snapshot, &why);

	if (err)
		return sl_agent_fail(error, err, "%s",
				     why.message[0] ? why.message : strerror(-err));
	err = sl_agent_share(agent, effective, plan, error);
	if (err) {
		sl_plan_free(plan);
		sl_config_free(effective);
		return err;
	}
	err = sl_sync_apply(&synced, agent->maps, plan, effective->cgroup_dir, &dp_error);
	if (err) {
		sl_plan_free(plan);
		sl_config_free(effective);
		return sl_agent_fail(error, err, "%s", dp_error.message);
	}
	if (synced.cgroups_missing && synced.cgroups_missing != agent->synced.cgroups_missing)
		sl_log(agent->log, SL_LOG_WARN, "cgroups do not exist (yet)",
		       SL_NUM("count", synced.cgroups_missing), SL_STR("first", synced.missing));
	sl_plan_free(agent->plan);
	sl_config_free(agent->effective);
	agent->plan = plan;
	agent->effective = effective;
	agent->synced = synced;
	return 0;
}

int sl_agent_apply(struct sl_agent *agent, const struct sl_config *config,
		   const struct sl_overrides *overrides, struct sl_agent_error *error)
{
	const struct sl_snapshot snapshot = take_snapshot(agent, config, overrides);
	int err = apply(agent, &snapshot, error);

	agent->stats.applies_total++;
	agent->stats.apply_failures_total += err != 0;
	agent->stats.apply_ns = sl_monotonic_ns() - snapshot.in.now_ns;
	return err;
}

int sl_agent_copy_overrides(struct sl_overrides *ret, const struct sl_overrides *from)
{
	struct sl_overrides copy = { .count = from->count };

	if (from->count) {
		copy.at = calloc(from->count, sizeof(copy.at[0]));
		if (!copy.at)
			return -ENOMEM;
		memcpy(copy.at, from->at, from->count * sizeof(copy.at[0]));
	}
	*ret = copy;
	return 0;
}

int sl_agent_change(struct sl_agent *agent, struct sl_overrides *changed,
		    struct sl_agent_error *ret_unsaved, struct sl_agent_error *error)
{
	struct sl_text_error why = { .message = "" };
	int err = sl_agent_apply(agent, agent->config, changed, error);

	if (err) {
		sl_overrides_release(changed);
		return err;
	}
	sl_overrides_release(&agent->overrides);
	agent->overrides = *changed;
	*changed = (struct sl_overrides){ .count = 0 };
	ret_unsaved->message[0] = '\0';
	/* In force all the same: an operator who blocks an attack must not fail for a full disk. */
	if (sl_state_save(agent->config->state_dir, &agent->overrides, &why) != 0) {
		agent->stats.state_failures_total++;
		(void)sl_agent_fail(ret_unsaved, 0, "%s", why.message);
		sl_log(agent->log, SL_LOG_ERROR, "in force, but not saved: a restart forgets it",
		       SL_STR("error", why.message));
	}
	return 0;
}

void sl_agent_expire(struct sl_agent *agent)
{
	struct sl_overrides left = { .count = 0 };
	struct sl_agent_error error, unsaved;

	sl_sheds_expire(&agent->sheds, sl_monotonic_ns());
	if (!agent->overrides.count || sl_agent_copy_overrides(&left, &agent->overrides) != 0)
		return;
	(void)sl_overrides_expire(&left, sl_wall_ns());
	if (left.count == agent->overrides.count) {
		sl_overrides_release(&left);
		return;
	}
	sl_log(agent->log, SL_LOG_INFO, "overrides ended",
	       SL_NUM("count", agent->overrides.count - left.count));
	if (sl_agent_change(agent, &left, &unsaved, &error) != 0)
		sl_log_limited(agent->log, SL_LOG_SYNC, SL_LOG_ERROR,
			       "cannot end overrides; trying again",
			       SL_STR("error", error.message));
}

void sl_agent_renew(struct sl_agent *agent)
{
	uint64_t now_ns = sl_monotonic_ns();

	sl_sync_heartbeat(agent->maps, now_ns);
	for (size_t i = 0; i < agent->plan->id_count; i++) {
		uint64_t lease_ns = agent->effective->tenants[i].lease_ns;

		if (lease_ns)
			(void)sl_sync_renew_lease(agent->maps, agent->plan->ids[i],
						  now_ns + lease_ns);
	}
}

int64_t sl_agent_tenant_id(const struct sl_agent *agent, const char *name)
{
	if (strcmp(name, SL_NAME_UNKNOWN) == 0)
		return SL_TENANT_UNKNOWN;
	for (size_t i = 0; i < agent->plan->id_count; i++)
		if (strcmp(agent->effective->tenants[i].name, name) == 0)
			return agent->plan->ids[i];
	return -1;
}
