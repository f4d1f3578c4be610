/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration as exact map contents: which tenant has which id, what every
 * limit, service line, prefix and control word is to hold. Deterministic, and
 * free of effects: the agent makes a plan, dataplane/ writes it.
 *
 * Overrides of an operator are applied to a copy of the configuration first
 * (overrides.h), so that a plan knows only one source of truth.
 *
 * Owner:  sl_plan_free() frees all of it.
 * Thread: pure functions; a plan is immutable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/domain/config.h"
#include "userspace/domain/prefix.h"
#include "userspace/domain/sources.h"
#include "userspace/domain/text.h"

/* What a plan depends on beside the configuration. */
struct sl_plan_input {
	const struct sl_name *names; /* [tenants] as pinned; NULL: no name was given yet */
	uint32_t tenants;	     /* of the maps: 1..SL_TENANTS_MAX */
	uint32_t services4_lines;    /* of one half: a power of two, sl_services_lines() */
	uint32_t services6_lines;
	uint64_t now_ns;  /* CLOCK_MONOTONIC: leases and blocks count from here */
	uint64_t tick_ns; /* length of a jiffy */
	uint64_t seed;	  /* random: of the service tables */
};

struct sl_block_entry {
	union sl_prefix_key key;
	uint64_t until_ns; /* CLOCK_MONOTONIC, 0 = for good; at least that of any covering block */
};

struct sl_cgroup_entry {
	char *path; /* below the cgroup2 mount */
	uint32_t tenant;
};

struct sl_mark_entry {
	uint32_t mark; /* not 0 */
	uint32_t tenant;
};

/* The fields of struct sl_ctl that have no halves. */
struct sl_plan_ctl {
	uint32_t mode; /* enum sl_mode */
	uint32_t event_mask;
	uint64_t event_cost_cu; /* 0: no events */
	uint64_t event_burst_cu;
	uint64_t reset_cost_cu; /* 0: no RSTs */
	uint64_t reset_burst_cu;
};

struct sl_plan {
	uint32_t tenants;	      /* length of names and limits */
	struct sl_name *names;	      /* sl_names */
	struct sl_limit *limits;      /* the coming half of sl_limits */
	struct sl_requests *requests; /* the coming half of sl_req_limits */
	uint32_t *ids;		      /* [config->tenant_count]: the id of each */
	size_t id_count;

	struct sl_ctl_half half; /* the coming half of sl_ctl */
	struct sl_plan_ctl ctl;

	/* The coming half of sl_services4 and sl_services6. */
	struct sl_service4_line *services4;
	struct sl_service6_line *services6;
	uint32_t services4_lines;
	uint32_t services6_lines;
	uint32_t services4_used; /* entries, those for later fragments among them */
	uint32_t services6_used;

	/* The whole new sets, sorted as by sl_prefix_compare(). */
	struct sl_source_entry *sources4;
	struct sl_source_entry *sources6;
	size_t sources4_count;
	size_t sources6_count;
	struct sl_block_entry *blocks4; /* the counts are sl_ctl.block_count4 and 6 */
	struct sl_block_entry *blocks6;
	size_t blocks4_count;
	size_t blocks6_count;

	struct sl_cgroup_entry *cgroups;
	size_t cgroup_count;
	struct sl_mark_entry *marks;
	size_t mark_count;
};

/*
 * -EINVAL: the input contradicts itself. -ENOSPC: more tenants than ids, or the
 * services do not fit their table. -EEXIST: a name or a service twice. -ENOMEM.
 * On failure @error (may be NULL) says why.
 */
int sl_plan_make(struct sl_plan **ret, const struct sl_config *config,
		 const struct sl_plan_input *in, struct sl_text_error *error);

/* NULL is fine. */
void sl_plan_free(struct sl_plan *plan);
