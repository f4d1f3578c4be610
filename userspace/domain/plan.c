// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/hash.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/limit.h"
#include "userspace/domain/names.h"
#include "userspace/domain/plan_prefixes.h"
#include "userspace/domain/rate.h"
#include "userspace/domain/requests.h"
#include "userspace/domain/services.h"
#include "userspace/domain/text_error.h"

static void plan_freep(struct sl_plan **plan)
{
	sl_plan_free(*plan);
}

void sl_plan_free(struct sl_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->cgroup_count; i++)
		free(plan->cgroups[i].path);
	free(plan->names);
	free(plan->limits);
	free(plan->requests);
	free(plan->ids);
	free(plan->services4);
	free(plan->services6);
	free(plan->sources4);
	free(plan->sources6);
	free(plan->blocks4);
	free(plan->blocks6);
	free(plan->cgroups);
	free(plan->marks);
	free(plan);
}

static int check_input(const struct sl_plan_input *in, struct sl_text_error *error)
{
	if (in->tenants == 0 || in->tenants > SL_TENANTS_MAX)
		return sl_text_refuse(error, -EINVAL, "maps of %u tenants; allowed: 1 to %u",
				      in->tenants, SL_TENANTS_MAX);
	return 0;
}

/* ---- tenants ---------------------------------------------------------------------- */

static int plan_names(struct sl_plan *plan, const struct sl_config *config,
		      const struct sl_plan_input *in, struct sl_text_error *error)
{
	plan->tenants = in->tenants;
	plan->id_count = config->tenant_count;
	plan->names = calloc(in->tenants, sizeof(*plan->names));
	plan->ids = calloc(config->tenant_count + 1, sizeof(*plan->ids));
	if (!plan->names || !plan->ids)
		return -ENOMEM;
	if (in->names)
		memcpy(plan->names, in->names, in->tenants * sizeof(*plan->names));
	return sl_names_assign(plan->names, in->tenants, plan->ids, config->tenants,
			       config->tenant_count, error);
}

static int plan_limits(struct sl_plan *plan, const struct sl_config *config,
		       const struct sl_plan_input *in)
{
	struct sl_limit_input limit = { .now_ns = in->now_ns, .tick_ns = in->tick_ns };

	plan->limits = calloc(in->tenants, sizeof(*plan->limits));
	if (!plan->limits)
		return -ENOMEM;
	limit.gen = plan->names[SL_TENANT_UNKNOWN].gen;
	sl_limit_make_unknown(&plan->limits[SL_TENANT_UNKNOWN], &config->unknown, &limit);
	for (size_t i = 0; i < config->tenant_count; i++) {
		limit.gen = plan->names[plan->ids[i]].gen;
		sl_limit_make(&plan->limits[plan->ids[i]], &config->tenants[i], &limit);
	}
	for (uint32_t id = 1; id < in->tenants; id++)
		if (plan->names[id].retired || plan->names[id].name[0] == '\0')
			sl_limit_make_unused(&plan->limits[id], plan->names[id].gen);
	return 0;
}

static int plan_requests(struct sl_plan *plan, const struct sl_config *config,
			 const struct sl_plan_input *in)
{
	plan->requests = calloc(in->tenants, sizeof(*plan->requests));
	if (!plan->requests)
		return -ENOMEM;
	for (uint32_t id = 0; id < in->tenants; id++)
		plan->requests[id].gen = plan->names[id].gen;
	for (size_t i = 0; i < config->tenant_count; i++)
		sl_requests_make(&plan->requests[plan->ids[i]], &config->tenants[i],
				 plan->names[plan->ids[i]].gen, in->now_ns);
	return 0;
}

static int plan_egress(struct sl_plan *plan, const struct sl_config *config)
{
	size_t total = 0;

	for (size_t i = 0; i < config->tenant_count; i++)
		total += config->tenants[i].cgroup_count;
	plan->cgroups = calloc(total + 1, sizeof(*plan->cgroups));
	plan->marks = calloc(config->tenant_count + 1, sizeof(*plan->marks));
	if (!plan->cgroups || !plan->marks)
		return -ENOMEM;
	for (size_t i = 0; i < config->tenant_count; i++) {
		const struct sl_tenant_spec *tenant = &config->tenants[i];

		for (size_t j = 0; j < tenant->cgroup_count; j++) {
			char *path = strdup(tenant->cgroups[j]);

			if (!path)
				return -ENOMEM;
			plan->cgroups[plan->cgroup_count++] =
				(struct sl_cgroup_entry){ .path = path, .tenant = plan->ids[i] };
		}
		if (tenant->mark)
			plan->marks[plan->mark_count++] =
				(struct sl_mark_entry){ .mark = tenant->mark,
							.tenant = plan->ids[i] };
	}
	return 0;
}

/* ---- services ---------------------------------------------------------------------- */

static int plan_services4(struct sl_plan *plan, const struct sl_config *config,
			  const struct sl_plan_input *in, struct sl_text_error *error)
{
	struct sl_service_table table = { .line_count = in->services4_lines };
	int err;

	plan->services4_lines = in->services4_lines;
	plan->services4 = calloc(in->services4_lines + 1ul, sizeof(*plan->services4));
	if (!plan->services4)
		return -ENOMEM;
	table.lines4 = plan->services4;
	err = sl_services_fill(&table, 4, config, plan->ids, in->seed, error);
	if (err)
		return err;
	plan->services4_used = table.used;
	plan->half.services4_seed = table.seed;
	plan->half.shapes4 = table.shapes;
	plan->half.shapes4_count = table.shapes_count;
	return 0;
}

static int plan_services6(struct sl_plan *plan, const struct sl_config *config,
			  const struct sl_plan_input *in, struct sl_text_error *error)
{
	struct sl_service_table table = { .line_count = in->services6_lines };
	int err;

	plan->services6_lines = in->services6_lines;
	plan->services6 = calloc(in->services6_lines + 1ul, sizeof(*plan->services6));
	if (!plan->services6)
		return -ENOMEM;
	table.lines6 = plan->services6;
	err = sl_services_fill(&table, 6, config, plan->ids, sl_mix(~in->seed), error);
	if (err)
		return err;
	plan->services6_used = table.used;
	plan->half.services6_seed = table.seed;
	plan->half.shapes6 = table.shapes;
	plan->half.shapes6_count = table.shapes_count;
	return 0;
}

/* ---- control ------------------------------------------------------------------------ */

static uint32_t features_of(const struct sl_plan *plan, const struct sl_config *config)
{
	uint32_t features = 0;

	for (size_t i = 0; i < config->service_count && config->sizes.flows; i++)
		if (config->services[i].bind)
			features |= SL_FEATURE_FLOWS;
	if (plan->sources4_count)
		features |= SL_FEATURE_SOURCES4;
	if (plan->sources6_count)
		features |= SL_FEATURE_SOURCES6;
	if (config->sizes.sockets)
		features |= SL_FEATURE_SOCKETS;
	if (plan->mark_count)
		features |= SL_FEATURE_MARKS;
	if (plan->cgroup_count)
		features |= SL_FEATURE_CGROUPS;
	return features;
}

/* So many per second over the whole node; 0: none. */
static struct sl_rate node_rate(uint32_t per_s)
{
	struct sl_rate_spec spec = { .per_s = per_s,
				     .burst = sl_rate_default_burst(per_s, SL_UNIT_COUNT) };

	return sl_rate_cost(&spec, SL_UNIT_COUNT);
}

static void plan_ctl(struct sl_plan *plan, const struct sl_config *config)
{
	const struct sl_rate events = node_rate(config->events_per_s);
	const struct sl_rate resets = node_rate(config->resets_per_s);

	plan->ctl = (struct sl_plan_ctl){
		.mode = (uint32_t)config->mode,
		.event_mask = config->event_sample ? config->event_sample - 1 : 0,
		.event_cost_cu = events.cost,
		.event_burst_cu = events.burst_cu,
		.reset_cost_cu = resets.cost,
		.reset_burst_cu = resets.burst_cu,
	};
	plan->half.features = features_of(plan, config);
	plan->half.overhead_ingress_bytes = config->overhead_ingress_bytes;
	plan->half.overhead_egress_bytes = config->overhead_egress_bytes;
	sl_limit_fill_half(&plan->half, &config->unknown);
}

static int make(struct sl_plan *plan, const struct sl_config *config,
		const struct sl_plan_input *in, struct sl_text_error *error)
{
	int err = check_input(in, error);

	if (!err)
		err = plan_names(plan, config, in, error);
	if (!err)
		err = plan_limits(plan, config, in);
	if (!err)
		err = plan_requests(plan, config, in);
	if (!err)
		err = plan_egress(plan, config);
	if (!err)
		err = plan_services4(plan, config, in, error);
	if (!err)
		err = plan_services6(plan, config, in, error);
	if (!err)
		err = sl_plan_prefixes(plan, config, in->now_ns);
	if (!err)
		plan_ctl(plan, config);
	return err;
}

int sl_plan_make(struct sl_plan **ret, const struct sl_config *config,
		 const struct sl_plan_input *in, struct sl_text_error *error)
{
	sl_cleanup(plan_freep) struct sl_plan *plan = calloc(1, sizeof(*plan));
	int err = plan ? make(plan, config, in, error) : -ENOMEM;

	if (err == -ENOMEM)
		return sl_text_refuse(error, err, "out of memory");
	if (err)
		return err;
	*ret = SL_TAKE_PTR(plan);
	return 0;
}
