// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/diff_sets.h"
#include "userspace/cli/live.h"
#include "userspace/domain/gcra.h"
#include "userspace/domain/requests.h"

const struct sl_column sl_diff_columns[] = {
	{ "subject", "SUBJECT", SL_KIND_TEXT, 0 },
	{ "field", "FIELD", SL_KIND_TEXT, 0 },
	{ "maps", "IN THE MAPS", SL_KIND_TEXT, 0 },
	{ "config", "IN THE CONFIGURATION", SL_KIND_TEXT, 0 },
};

_Static_assert(sizeof(sl_diff_columns) / sizeof(sl_diff_columns[0]) == SL_DIFF_COLUMNS,
	       "diff: a column for each cell");

static void put_side(struct sl_sheet *sheet, const char *text)
{
	if (text)
		sl_put_text(sheet, text);
	else
		sl_put_none(sheet);
}

void sl_diff_row(struct sl_sheet *sheet, const char *subject, const char *field, const char *maps,
		 const char *config)
{
	if (maps && config && strcmp(maps, config) == 0)
		return;
	sl_put_text(sheet, subject);
	sl_put_text(sheet, field);
	put_side(sheet, maps);
	put_side(sheet, config);
}

struct pair {
	struct sl_sheet *sheet;
	const char *subject;
	struct sl_global_spec global; /* of the tenant: the configuration's */
};

static bool is_leased(const struct pair *pair)
{
	return pair->global.packets || pair->global.bytes || pair->global.new_connections;
}

static void diff_text(const struct pair *pair, const char *field, const char *maps,
		      const char *config)
{
	sl_diff_row(pair->sheet, pair->subject, field, maps, config);
}

static void diff_number(const struct pair *pair, const char *field, uint64_t maps, uint64_t config)
{
	char a[24], b[24];

	(void)snprintf(a, sizeof(a), "%llu", (unsigned long long)maps);
	(void)snprintf(b, sizeof(b), "%llu", (unsigned long long)config);
	diff_text(pair, field, a, b);
}

#define RATE_BYTES (2 * SL_AMOUNT_BYTES + 16)

static const char *rate_text(char *buffer, const struct sl_rate *rate, enum sl_unit unit)
{
	struct sl_rate_spec spec = sl_live_rate(rate, unit, false);
	char per_s[SL_AMOUNT_BYTES], burst[SL_AMOUNT_BYTES];

	(void)sl_format_rate(per_s, sizeof(per_s), &spec, unit);
	if (spec.unlimited || !spec.per_s)
		(void)snprintf(buffer, RATE_BYTES, "%s", per_s);
	else
		(void)snprintf(buffer, RATE_BYTES, "%s/s burst %s", per_s,
			       sl_format_amount(burst, sizeof(burst), spec.burst, unit));
	return buffer;
}

static void diff_rate(const struct pair *pair, const char *field, const struct sl_rate *maps,
		      const struct sl_rate *config, enum sl_unit unit)
{
	char a[RATE_BYTES], b[RATE_BYTES];

	if (maps->cost != config->cost || maps->burst_cu != config->burst_cu)
		diff_text(pair, field, rate_text(a, maps, unit), rate_text(b, config, unit));
}

static const char *yes(bool value)
{
	return value ? "yes" : "no";
}

static void diff_flag(const struct pair *pair, const char *field, uint32_t maps, uint32_t config,
		      uint32_t flag)
{
	diff_text(pair, field, yes(maps & flag), yes(config & flag));
}

static void diff_side(const struct pair *pair, bool is_in, const struct sl_side *maps,
		      const struct sl_side *config)
{
	diff_flag(pair, is_in ? "ingress blocked" : "egress blocked", maps->flags, config->flags,
		  SL_SIDE_BLOCKED);
	if (!is_in || !pair->global.packets)
		diff_rate(pair, is_in ? "ingress packets" : "egress packets", &maps->packets,
			  &config->packets, SL_UNIT_COUNT);
	if (!is_in || !pair->global.bytes)
		diff_rate(pair, is_in ? "ingress bytes" : "egress bytes", &maps->bytes,
			  &config->bytes, SL_UNIT_BYTES);
}

static const char *mode_name(uint32_t flags)
{
	return sl_choice_name(sl_choices_mode, (int)(flags & SL_SIDE_MODE_MASK));
}

static const char *fallback_name(uint32_t flags)
{
	return sl_choice_name(sl_choices_fallback, (int)sl_side_fallback(flags));
}

/* The rate of what is not looked at without its flag. */
static struct sl_rate flagged(const struct sl_rate *rate, uint32_t flags, uint32_t flag)
{
	return flags & flag ? *rate : (struct sl_rate){ 0 };
}

static void diff_optional(const struct pair *pair, const struct sl_limit *maps,
			  const struct sl_limit *config)
{
	uint32_t a = maps->ingress.flags, b = config->ingress.flags;
	struct sl_rate conns_a = flagged(&maps->new_conns, a, SL_SIDE_NEW_CONNS);
	struct sl_rate conns_b = flagged(&config->new_conns, b, SL_SIDE_NEW_CONNS);
	struct sl_rate fragments_a = flagged(&maps->fragments, a, SL_SIDE_FRAGMENTS);
	struct sl_rate fragments_b = flagged(&config->fragments, b, SL_SIDE_FRAGMENTS);

	if (!pair->global.new_connections)
		diff_rate(pair, "new connections", &conns_a, &conns_b, SL_UNIT_COUNT);
	diff_rate(pair, "fragments", &fragments_a, &fragments_b, SL_UNIT_COUNT);
	diff_number(pair, "connections", a & SL_SIDE_CONNS ? maps->conns_max : 0,
		    b & SL_SIDE_CONNS ? config->conns_max : 0);
	diff_flag(pair, "reset", a, b, SL_SIDE_RESET);
}

static void diff_lease(const struct pair *pair, const struct sl_limit *maps,
		       const struct sl_limit *config)
{
	diff_text(pair, "lease", maps->ingress.lease_until_ns ? "ends" : "never ends",
		  config->ingress.lease_until_ns ? "ends" : "never ends");
	diff_text(pair, "on lease expiry", fallback_name(maps->ingress.flags),
		  fallback_name(config->ingress.flags));
	diff_rate(pair, "safe packets", &maps->safe_packets, &config->safe_packets, SL_UNIT_COUNT);
	diff_rate(pair, "safe bytes", &maps->safe_bytes, &config->safe_bytes, SL_UNIT_BYTES);
}

static void diff_limit(const struct pair *pair, const struct sl_limit *maps,
		       const struct sl_limit *config)
{
	diff_text(pair, "mode", mode_name(maps->ingress.flags), mode_name(config->ingress.flags));
	diff_side(pair, true, &maps->ingress, &config->ingress);
	diff_side(pair, false, &maps->egress, &config->egress);
	diff_optional(pair, maps, config);
	if (!is_leased(pair))
		diff_lease(pair, maps, config);
}

static const char *rule_text(char buffer[SL_AMOUNT_BYTES + SL_DURATION_BYTES + 8],
			     const struct sl_requests *requests, enum sl_request_class which)
{
	const struct sl_request_rule *rule = &requests->rule[which];
	char amount[SL_AMOUNT_BYTES], window[SL_DURATION_BYTES];

	if (!(requests->set >> which & 1))
		return "the gateway's";
	if (!rule->limit.period_ns)
		return "unlimited";
	(void)snprintf(
		buffer, SL_AMOUNT_BYTES + SL_DURATION_BYTES + 8, "%s in %s",
		sl_format_amount(amount, sizeof(amount), sl_gcra_size(&rule->limit), SL_UNIT_COUNT),
		sl_format_duration(window, sizeof(window), rule->window_ns));
	return buffer;
}

static void diff_requests(const struct pair *pair, const struct sl_requests *maps,
			  const struct sl_requests *config)
{
	char a[SL_AMOUNT_BYTES + SL_DURATION_BYTES + 8], b[sizeof(a)], field[40];

	for (size_t i = 0; i < SL_REQUEST_CLASSES; i++) {
		enum sl_request_class which = (enum sl_request_class)i;

		if ((which == SL_REQUEST_GLOBAL && pair->global.requests) ||
		    (which == SL_REQUEST_COST && pair->global.cost))
			continue;
		(void)snprintf(field, sizeof(field), "requests %s", sl_request_class_name(which));
		diff_text(pair, field, rule_text(a, maps, which), rule_text(b, config, which));
	}
	diff_number(pair, "cost estimate", maps->cost_estimate_milli, config->cost_estimate_milli);
}

static bool is_there(const struct sl_name *name)
{
	return name->name[0] && !name->retired;
}

/* What is global of each tenant, by id. */
static struct sl_global_spec *globals_of(const struct sl_config *config, const struct sl_plan *plan)
{
	struct sl_global_spec *globals = calloc(plan->tenants, sizeof(*globals));

	for (size_t i = 0; globals && i < plan->id_count; i++)
		globals[plan->ids[i]] = config->tenants[i].global;
	return globals;
}

static int diff_tenants(struct sl_sheet *sheet, const struct sl_diff_live *live,
			const struct sl_config *config, const struct sl_plan *plan)
{
	sl_autofree struct sl_global_spec *globals = globals_of(config, plan);

	if (!globals)
		return -ENOMEM;
	char subject[SL_TENANT_NAME_BYTES + 16];

	for (uint32_t tenant = 0; tenant < plan->tenants; tenant++) {
		const struct sl_name *planned = &plan->names[tenant];
		const struct sl_name *held = &live->view->names[tenant];
		const struct pair pair = { sheet, subject, globals[tenant] };
		bool wanted = !tenant || is_there(planned), there = !tenant || is_there(held);
		struct sl_limit limit;
		struct sl_requests requests;

		if (!wanted && !there)
			continue;
		(void)snprintf(subject, sizeof(subject), "tenant %.55s",
			       !tenant	? SL_NAME_UNKNOWN
			       : wanted ? planned->name
					: held->name);
		diff_text(&pair, "exists", yes(there), yes(wanted));
		sl_live_limit(&limit, live->view, tenant);
		if (wanted && there)
			diff_limit(&pair, &limit, &plan->limits[tenant]);
		if (wanted && there && sl_live_requests(&requests, live->view, tenant))
			diff_requests(&pair, &requests, &plan->requests[tenant]);
	}
	return 0;
}

static void diff_node(struct sl_sheet *sheet, const struct sl_diff_live *live,
		      const struct sl_plan *plan)
{
	const struct pair pair = { sheet, "node", { 0 } };
	const struct sl_ctl *ctl = live->view->ctl;
	struct sl_ctl_half half;

	sl_live_half(&half, live->view);
	diff_text(&pair, "mode", sl_choice_name(sl_choices_mode, (int)ctl->mode),
		  sl_choice_name(sl_choices_mode, (int)plan->ctl.mode));
	diff_text(&pair, "on_miss", sl_choice_name(sl_choices_on_miss, (int)half.on_miss),
		  sl_choice_name(sl_choices_on_miss, (int)plan->half.on_miss));
	diff_rate(&pair, "share of a source", &half.source_share, &plan->half.source_share,
		  SL_UNIT_COUNT);
	diff_rate(&pair, "proven sources", &half.proven_packets, &plan->half.proven_packets,
		  SL_UNIT_COUNT);
	diff_number(&pair, "proven for seconds", half.proven_s, plan->half.proven_s);
	diff_number(&pair, "overhead ingress", half.overhead_ingress_bytes,
		    plan->half.overhead_ingress_bytes);
	diff_number(&pair, "overhead egress", half.overhead_egress_bytes,
		    plan->half.overhead_egress_bytes);
	diff_number(&pair, "one event in", (uint64_t)ctl->event_mask + 1,
		    (uint64_t)plan->ctl.event_mask + 1);
	diff_number(&pair, "cost of an event", ctl->event_cost_cu, plan->ctl.event_cost_cu);
	diff_number(&pair, "cost of a reset", ctl->reset_cost_cu, plan->ctl.reset_cost_cu);
}

int sl_diff_put(struct sl_sheet *sheet, const struct sl_diff_live *live,
		const struct sl_config *config, const struct sl_plan *plan)
{
	int err;

	diff_node(sheet, live, plan);
	err = diff_tenants(sheet, live, config, plan);
	if (!err)
		err = sl_diff_services(sheet, live, plan);
	if (!err)
		err = sl_diff_sources(sheet, live, plan);
	return err ? err : sl_diff_blocks(sheet, live, plan);
}
