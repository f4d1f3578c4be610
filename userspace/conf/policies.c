// SPDX-License-Identifier: Apache-2.0
/*
 * Limits of requests that are no tenant's own: of policies, and of the node. Each is a row
 * behind the tenants: an id, words, a mode and overrides like theirs, and no packets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/read.h"
#include "userspace/conf/schema.h"
#include "userspace/domain/names.h"
#include "userspace/domain/request_rows.h"

#define S_NS 1000000000ull

#define MEMBER(member) SL_CONF_MEMBER(sl_conf_policy, member)

/* ---- the table ------------------------------------------------------------------ */

/* Offsets count from .row.requests. */
#define REQUESTS(member) SL_CONF_MEMBER(sl_requests_spec, member)

static const struct sl_conf_field requests_fields[] = {
	{ "window", &sl_conf_duration, .fallback = "60s", REQUESTS(window_ns), .min = S_NS,
	  .max = SL_REQUESTS_WINDOW_NS_MAX, .help = "What requests are counted in." },
	{ "global", &sl_conf_allowance, .fallback = "unlimited",
	  REQUESTS(per_window[SL_REQUEST_GLOBAL]), .min = 0, .max = SL_REQUESTS_MAX,
	  .help = "Requests to all routes in a window, all of them at once at most; 0: none." },
	{ "routes_decide", &sl_conf_allowance, .fallback = "unlimited",
	  REQUESTS(per_window[SL_REQUEST_ROUTES_DECIDE]), .min = 0, .max = SL_REQUESTS_MAX,
	  .help = "Those to /api/v1/routes." },
	{ "messages", &sl_conf_allowance, .fallback = "unlimited",
	  REQUESTS(per_window[SL_REQUEST_MESSAGES]), .min = 0, .max = SL_REQUESTS_MAX,
	  .help = "Those to /api/v1/messages." },
	{ "registry_blocks", &sl_conf_allowance, .fallback = "unlimited",
	  REQUESTS(per_window[SL_REQUEST_REGISTRY_BLOCKS]), .min = 0, .max = SL_REQUESTS_MAX,
	  .help = "Those to /api/v1/registry, which name no policy: only without `name`." },
};
static const struct sl_conf_table requests_table = {
	"What gateways of this node admit by it, all of them together.",
	SL_CONF_TABLE(requests_fields), 0
};

static const struct sl_conf_field policy_fields[] = {
	{ "name", &sl_conf_name, MEMBER(name),
	  .help = "The policy that requests name by policy_id; `default` are those that name "
		  "none. Left out: all requests, whatever they name." },
	{ "tenant", &sl_conf_name, MEMBER(tenant),
	  .help = "Whose requests. Left out: those of all tenants together." },
	{ "each", &sl_conf_bool, .fallback = "false", MEMBER(each),
	  .help = "true, in place of tenant: the same limits for each tenant that has none of "
		  "its own for this policy." },
	{ "mode", &sl_conf_choice, .fallback = "enforce", MEMBER(row.mode),
	  .choices = sl_choices_mode, .help = "As of a tenant." },
	{ "global", &sl_conf_bool, .fallback = "false", MEMBER(row.global.requests),
	  .help = "true: requests.global is of all nodes together (quota)." },
	{ "requests", .table = &requests_table, MEMBER(row.requests) },
};
const struct sl_conf_table sl_conf_policy_table = {
	"Limits of requests beside those of tenants. A request has to pass its tenant's, its "
	"policy's and the node's, and is charged to all of them or to none. Each is a row: it "
	"takes an id as a tenant does (sizes.tenants) and is called TENANT/NAME in commands, with "
	"* for all tenants; the node's is called *.",
	SL_CONF_TABLE(policy_fields), offsetof(struct sl_conf_policy, line)
};

/* ---- rows ------------------------------------------------------------------------- */

static const struct sl_rate_spec unlimited = { .unlimited = true };

static void make_row(struct sl_tenant_spec *ret, const struct sl_conf_policy *policy,
		     const char *name)
{
	*ret = policy->row;
	memcpy(ret->name, name, strlen(name));
	ret->class = SL_TENANT_CRITICAL;
	ret->ingress_packets = ret->ingress_bytes = unlimited;
	ret->egress_packets = ret->egress_bytes = unlimited;
	ret->new_connections = ret->fragments = unlimited;
	ret->safe_packets = ret->safe_bytes = unlimited;
	ret->requests.set = (1u << SL_REQUEST_CLASSES) - 1;
	ret->requests.per_window[SL_REQUEST_COST] = SL_REQUESTS_UNLIMITED;
	ret->requests.cost_window_ns = ret->requests.window_ns;
	if (ret->global.requests) {
		ret->on_lease_expiry = SL_FALLBACK_BLEND;
		ret->global.guarantee_percent = ret->global.ceiling_percent = 100;
		ret->global.weight = 100;
	}
	ret->line = policy->line;
}

static int add(struct sl_conf_context *ctx, struct sl_conf_draft *draft,
	       const struct sl_conf_policy *policy, const char *tenant, const struct sl_yaml *node)
{
	struct sl_config *config = &draft->config;
	char name[SL_TENANT_NAME_BYTES];

	if (sl_request_row_name(name, sl_span_of(tenant), sl_span_of(policy->name)))
		return sl_conf_fail(ctx, node, "%s/%s: longer together than %u characters", tenant,
				    policy->name, SL_TENANT_NAME_BYTES - 1);
	if (config->tenant_count >= config->sizes.tenants - 1)
		return sl_conf_fail(ctx, node,
				    "tenants and limits of policies together are more than "
				    "sizes.tenants leaves room for, which is %u",
				    config->sizes.tenants - 1);
	make_row(&config->tenants[config->tenant_count++], policy, name);
	return 0;
}

static int check(struct sl_conf_context *ctx, const struct sl_conf_policy *policy,
		 const struct sl_name_index *tenants, const struct sl_yaml *node)
{
	char quoted[SL_QUOTE_BYTES];

	if (policy->each && policy->tenant[0])
		return sl_conf_fail(ctx, sl_yaml_get(node, "each"),
				    "either each tenant or the one that is named");
	if (!policy->name[0] && (policy->each || policy->tenant[0]))
		return sl_conf_fail(
			ctx, node,
			"name: which policy? What a tenant asks of all of them is limited "
			"by its own requests, under tenants");
	if (policy->tenant[0] && sl_name_index_find(tenants, policy->tenant) < 0)
		return sl_conf_fail(ctx, sl_yaml_get(node, "tenant"), "no tenant is called %s",
				    sl_text_quote(quoted, policy->tenant));
	if (policy->row.global.requests &&
	    policy->row.requests.per_window[SL_REQUEST_GLOBAL] == SL_REQUESTS_UNLIMITED)
		return sl_conf_fail(ctx, sl_yaml_get(node, "global"),
				    "global shares requests.global, which is unlimited");
	return 0;
}

/* Those that say whose they are. */
static int add_named(struct sl_conf_context *ctx, struct sl_conf_draft *draft,
		     const struct sl_name_index *tenants, const struct sl_yaml *node)
{
	int err = 0;

	for (size_t i = 0; node && !err; i++, node = node->next) {
		err = check(ctx, &draft->policies[i], tenants, node);
		if (!err && !draft->policies[i].each)
			err = add(ctx, draft, &draft->policies[i], draft->policies[i].tenant, node);
	}
	return err;
}

static int add_each(struct sl_conf_context *ctx, struct sl_conf_draft *draft, size_t tenants,
		    const struct sl_name_index *named, const struct sl_yaml *node)
{
	struct sl_tenant_spec *at = draft->config.tenants;
	int err = 0;

	for (size_t i = 0; node && !err; i++, node = node->next) {
		const struct sl_conf_policy *policy = &draft->policies[i];

		for (size_t j = 0; policy->each && j < tenants && !err; j++) {
			char name[SL_TENANT_NAME_BYTES];

			if (sl_request_row_name(name, sl_span_of(at[j].name),
						sl_span_of(policy->name)) ||
			    sl_name_index_find(named, name) < 0)
				err = add(ctx, draft, policy, at[j].name, node);
		}
	}
	return err;
}

static int refuse_doubles(struct sl_conf_context *ctx, const struct sl_config *config,
			  const struct sl_yaml *node)
{
	sl_cleanup(sl_name_index_release) struct sl_name_index all = { 0 };

	if (sl_name_index_make(&all, config->tenants, sizeof(*config->tenants),
			       config->tenant_count))
		return -ENOMEM;
	for (size_t i = 0; i < config->tenant_count; i++) {
		int64_t first = sl_name_index_find(&all, config->tenants[i].name);

		if (first == (int64_t)i)
			continue;
		while (node->next && node->line != config->tenants[i].line)
			node = node->next;
		return sl_conf_fail(ctx, node, "%s has limits already, at line %u",
				    config->tenants[i].name, config->tenants[first].line);
	}
	return 0;
}

int sl_conf_add_policies(struct sl_conf_context *ctx, struct sl_conf_draft *draft)
{
	sl_cleanup(sl_name_index_release) struct sl_name_index known = { 0 };
	sl_cleanup(sl_name_index_release) struct sl_name_index named = { 0 };
	const struct sl_yaml *list = sl_yaml_get(ctx->root, "policies");
	struct sl_config *config = &draft->config;
	const size_t tenants = config->tenant_count;
	struct sl_tenant_spec *grown;
	int err;

	if (!draft->policy_count)
		return 0;
	grown = realloc(config->tenants, config->sizes.tenants * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->tenants = grown;
	if (sl_name_index_make(&known, grown, sizeof(*grown), tenants))
		return -ENOMEM;
	err = add_named(ctx, draft, &known, list->first);
	if (!err && sl_name_index_make(&named, grown, sizeof(*grown), config->tenant_count))
		err = -ENOMEM;
	if (!err)
		err = add_each(ctx, draft, tenants, &named, list->first);
	if (!err)
		err = refuse_doubles(ctx, config, list->first);
	if (err)
		return err;
	free(draft->policies);
	draft->policies = NULL;
	draft->policy_count = 0;
	return 0;
}
