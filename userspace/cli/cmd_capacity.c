// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/cli/snapshot.h"
#include "userspace/domain/capacity.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define SAMPLES_MAX	100000u
#define INTERVAL_NS	10000000000ull
#define INTERVAL_NS_MIN 100000000ull

static const struct sl_column capacity_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "resource", "RESOURCE", SL_KIND_TEXT, 0 },
	{ "limit_per_s", "LIMIT", SL_KIND_RATE, 0 },
	{ "demand_per_s", "DEMAND", SL_KIND_RATE, 0 },
	{ "demand_peak_per_s", "PEAK", SL_KIND_RATE, 0 },
	{ "admitted_per_s", "ADMITTED", SL_KIND_RATE, 0 },
	{ "unmet_per_s", "UNMET", SL_KIND_RATE, 0 },
	{ "utilisation", "USED", SL_KIND_PART, 0 },
	{ "headroom_per_s", "HEADROOM", SL_KIND_RATE, 0 },
	{ "suggested_per_s", "SUGGESTED", SL_KIND_RATE, 0 },
	{ "advice", "ADVICE", SL_KIND_TEXT, 0 },
	{ "advice_text", "", SL_KIND_TEXT, 0 },
};

struct resource {
	const char *name;
	enum sl_direction direction;
	enum sl_unit unit;
};

static const struct resource resources[] = {
	{ "ingress packets", SL_INGRESS, SL_UNIT_COUNT },
	{ "ingress bytes", SL_INGRESS, SL_UNIT_BYTES },
	{ "egress packets", SL_EGRESS, SL_UNIT_COUNT },
	{ "egress bytes", SL_EGRESS, SL_UNIT_BYTES },
};

#define RESOURCES COUNT(resources)

/* All windows so far, [tenant][resource]. */
struct sums {
	struct sl_capacity_sum *at;
	uint32_t tenants;
};

static uint64_t amount_of(struct sl_count count, enum sl_unit unit)
{
	return unit == SL_UNIT_BYTES ? count.bytes : count.packets;
}

static void add_window(struct sums *sums, const struct sl_snapshot *before,
		       const struct sl_snapshot *after)
{
	for (uint32_t tenant = 0; tenant < sums->tenants; tenant++) {
		for (size_t i = 0; i < RESOURCES; i++) {
			const struct resource *resource = &resources[i];
			struct sl_tally tally =
				sl_tally_between(before, after, tenant, resource->direction);
			struct sl_capacity_window window = {
				.offered = amount_of(tally.offered, resource->unit),
				.dropped = amount_of(tally.dropped, resource->unit),
				.shadow_dropped = amount_of(tally.shadow, resource->unit),
				.window_ns = after->now_ns - before->now_ns,
			};

			sl_capacity_add(&sums->at[tenant * RESOURCES + i], &window);
		}
	}
}

static void put_rate(struct sl_sheet *sheet, double per_s, enum sl_kind kind, bool is_bad)
{
	sl_put_real(sheet, per_s);
	sl_show_as(sheet, kind);
	if (is_bad)
		sl_shade(sheet, SL_SHADE_BAD);
}

static void put_capacity(struct sl_sheet *sheet, const struct sl_capacity *capacity,
			 enum sl_kind kind)
{
	bool can_use = capacity->has_limit && capacity->limit_per_s > 0;

	if (capacity->has_limit)
		put_rate(sheet, capacity->limit_per_s, kind, false);
	else
		sl_put_word(sheet, "unlimited");
	put_rate(sheet, capacity->demand_per_s, kind, false);
	put_rate(sheet, capacity->demand_peak_per_s, kind, false);
	put_rate(sheet, capacity->admitted_per_s, kind, false);
	put_rate(sheet, capacity->unmet_per_s, kind, capacity->unmet_per_s > 0);
	if (can_use) {
		sl_put_real(sheet, capacity->utilisation);
		put_rate(sheet, capacity->headroom_per_s, kind, capacity->headroom_per_s < 0);
	} else {
		sl_put_none(sheet);
		sl_put_none(sheet);
	}
	if (capacity->suggested_per_s > 0)
		put_rate(sheet, capacity->suggested_per_s, kind, false);
	else
		sl_put_none(sheet);
	sl_put_word(sheet, sl_capacity_advice_name(capacity->advice));
	sl_put_word(sheet, sl_capacity_advice_text(capacity->advice));
	sl_shade(sheet, SL_SHADE_DIM);
}

static const struct sl_rate *rate_of(const struct sl_limit *limit, const struct resource *resource)
{
	const struct sl_side *side =
		resource->direction == SL_INGRESS ? &limit->ingress : &limit->egress;

	return resource->unit == SL_UNIT_BYTES ? &side->bytes : &side->packets;
}

static void put_row(struct sl_sheet *sheet, const struct sl_maps_view *view, uint32_t tenant,
		    const struct resource *resource, const struct sl_capacity_sum *sum)
{
	bool is_in = resource->direction == SL_INGRESS;
	char name[SL_TENANT_NAME_BYTES * 4];
	struct sl_capacity capacity;
	struct sl_rate_spec rate;
	struct sl_limit limit;
	bool blocked;

	sl_live_limit(&limit, view, tenant);
	blocked = sl_live_is_blocked(&limit, is_in ? &limit.ingress : &limit.egress,
				     sl_monotonic_ns());
	rate = sl_live_rate(rate_of(&limit, resource), resource->unit, blocked);
	sl_capacity_of(&capacity, sum, !rate.unlimited, rate.per_s);
	/* What has neither a limit nor a demand says nothing. */
	if (rate.unlimited && capacity.advice == SL_CAPACITY_IDLE)
		return;
	sl_put_text(sheet, sl_live_name(name, view, tenant));
	sl_put_word(sheet, resource->name);
	put_capacity(sheet, &capacity,
		     resource->unit == SL_UNIT_BYTES ? SL_KIND_BYTE_RATE : SL_KIND_RATE);
}

static int watch(struct sums *ret, struct sl_cli *cli, const struct sl_maps *maps,
		 uint64_t interval_ns, uint64_t samples)
{
	sl_cleanup(sl_snapshot_freep) struct sl_snapshot *before = NULL;
	uint64_t next_ns = sl_monotonic_ns() + interval_ns;
	int code = sl_snapshot_take(&before, cli, maps);

	if (code)
		return code;
	ret->tenants = before->count;
	ret->at = calloc(ret->tenants * RESOURCES, sizeof(*ret->at));
	if (!ret->at)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	for (uint64_t i = 0; i < samples; i++, next_ns += interval_ns) {
		struct sl_snapshot *after = NULL;

		sl_live_sleep_until(next_ns);
		code = sl_snapshot_take(&after, cli, maps);
		if (code)
			return code;
		add_window(ret, before, after);
		sl_snapshot_free(before);
		before = after;
	}
	return 0;
}

static int print(struct sl_cli *cli, const struct sl_maps_view *view, const struct sums *sums)
{
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "capacity", NULL, capacity_columns, COUNT(capacity_columns));
	sl_sheet_when_empty(sheet, "no tenant has a limit or traffic");
	for (uint32_t tenant = 0; tenant < sums->tenants; tenant++)
		for (size_t i = 0; i < RESOURCES && sl_live_exists(view, tenant, false); i++)
			put_row(sheet, view, tenant, &resources[i],
				&sums->at[tenant * RESOURCES + i]);
	return sl_doc_finish(doc, cli);
}

int sl_cmd_capacity(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	uint64_t interval_ns = INTERVAL_NS, samples = 1;
	struct sums sums = { 0 };
	int code;

	if (sl_args_duration(&interval_ns, cli, args, "interval") ||
	    sl_args_number(&samples, cli, args, "samples", 1, SAMPLES_MAX))
		return SL_EXIT_USAGE;
	if (interval_ns < INTERVAL_NS_MIN)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--interval: at least 100ms");
	code = sl_live_open(&maps, cli, SL_MAPS_READ);
	if (!code)
		code = watch(&sums, cli, maps, interval_ns, samples);
	if (!code)
		code = print(cli, sl_maps_view(maps), &sums);
	free(sums.at);
	return code;
}
