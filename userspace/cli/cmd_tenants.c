// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/cli/tenant_requests.h"
#include "userspace/cli/snapshot.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/domain/counters.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sl_column list_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "id", "ID", SL_KIND_PLAIN, 0 },
	{ "mode", "MODE", SL_KIND_TEXT, 0 },
	{ "limit_packets_per_s", "LIMIT", SL_KIND_RATE, 0 },
	{ "limit_bytes_per_s", "LIMIT BYTES", SL_KIND_BYTE_RATE, 0 },
	{ "offered_packets", "OFFERED", SL_KIND_COUNT, 0 },
	{ "passed_packets", "PASSED", SL_KIND_COUNT, 0 },
	{ "dropped_packets", "DROPPED", SL_KIND_COUNT, 0 },
	{ "shadow_packets", "SHADOW", SL_KIND_COUNT, 0 },
	{ "egress_packets", "EGRESS", SL_KIND_COUNT, 0 },
	{ "egress_dropped_packets", "EGRESS DROPPED", SL_KIND_COUNT, 0 },
	{ "connections_open", "CONNS", SL_KIND_COUNT, 0 },
	{ "state", "STATE", SL_KIND_TEXT, 0 },
};

void sl_put_rate(struct sl_sheet *sheet, const struct sl_rate_spec *rate)
{
	if (rate->unlimited) {
		sl_put_word(sheet, "unlimited");
		sl_shade(sheet, SL_SHADE_DIM);
		return;
	}
	sl_put_number(sheet, rate->per_s);
	if (!rate->per_s)
		sl_shade(sheet, SL_SHADE_BAD);
}

static void put_dropped(struct sl_sheet *sheet, uint64_t packets)
{
	sl_put_number(sheet, packets);
	if (packets)
		sl_shade(sheet, SL_SHADE_BAD);
}

/* What is special about the tenant now, in one word; "ok" when nothing is. */
static const char *state_of(const struct sl_maps_view *view, uint32_t tenant,
			    const struct sl_limit *limit, uint64_t now_ns)
{
	const struct sl_side *side = &limit->ingress;

	if (tenant != SL_TENANT_UNKNOWN && view->names[tenant].retired)
		return "retired";
	if (sl_live_is_blocked(limit, side, now_ns))
		return "blocked";
	if (side->lease_until_ns && now_ns >= side->lease_until_ns)
		return "lease over";
	if (side->shed_until_ns && now_ns < side->shed_until_ns && side->shed_permille)
		return "shedding";
	return "ok";
}

static void put_state(struct sl_sheet *sheet, const char *state)
{
	sl_put_text(sheet, state);
	sl_shade(sheet, strcmp(state, "ok") == 0 ? SL_SHADE_GOOD : SL_SHADE_WARN);
}

static void put_list_row(struct sl_sheet *sheet, const struct sl_maps_view *view,
			 const struct sl_snapshot *snapshot, uint32_t tenant)
{
	struct sl_tally in = sl_tally_between(NULL, snapshot, tenant, SL_INGRESS);
	struct sl_tally out = sl_tally_between(NULL, snapshot, tenant, SL_EGRESS);
	char name[SL_TENANT_NAME_BYTES * 4];
	struct sl_rate_spec packets, bytes;
	struct sl_limit limit;
	bool blocked;

	sl_live_limit(&limit, view, tenant);
	blocked = sl_live_is_blocked(&limit, &limit.ingress, snapshot->now_ns);
	packets = sl_live_rate(&limit.ingress.packets, SL_UNIT_COUNT, blocked);
	bytes = sl_live_rate(&limit.ingress.bytes, SL_UNIT_BYTES, blocked);
	sl_put_text(sheet, sl_live_name(name, view, tenant));
	sl_put_number(sheet, tenant);
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)sl_live_mode(view, &limit)));
	sl_put_rate(sheet, &packets);
	sl_put_rate(sheet, &bytes);
	sl_put_number(sheet, in.offered.packets);
	sl_put_number(sheet, in.passed.packets);
	put_dropped(sheet, in.dropped.packets);
	sl_put_number(sheet, in.shadow.packets);
	sl_put_number(sheet, out.offered.packets);
	put_dropped(sheet, out.dropped.packets);
	sl_put_number(sheet, view->conns[tenant].open);
	put_state(sheet, state_of(view, tenant, &limit, snapshot->now_ns));
}

int sl_cmd_tenants_list(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_cleanup(sl_snapshot_freep) struct sl_snapshot *snapshot = NULL;
	const struct sl_maps_view *view;
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	int code = sl_live_open(&maps, cli, SL_MAPS_READ);

	if (!code)
		code = sl_snapshot_take(&snapshot, cli, maps);
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	view = sl_maps_view(maps);
	sheet = sl_doc_table(doc, "tenants", NULL, list_columns, COUNT(list_columns));
	for (uint32_t tenant = 0; tenant < snapshot->count; tenant++)
		if (sl_live_exists(view, tenant, sl_args_option(args, "all") != NULL))
			put_list_row(sheet, view, snapshot, tenant);
	return sl_doc_finish(doc, cli);
}

static const struct sl_column tenant_columns[] = {
	{ "name", "tenant", SL_KIND_TEXT, 0 },
	{ "id", "id", SL_KIND_PLAIN, 0 },
	{ "generation", "generation", SL_KIND_PLAIN, 0 },
	{ "mode", "mode", SL_KIND_TEXT, 0 },
	{ "state", "state", SL_KIND_TEXT, 0 },
	{ "blocked_until_ns", "blocked for", SL_KIND_DURATION, 0 },
	{ "lease_left_ns", "lease ends in", SL_KIND_DURATION, 0 },
	{ "on_lease_expiry", "then", SL_KIND_TEXT, 0 },
	{ "shed_permille", "shed", SL_KIND_PART, 0 },
	{ "shed_left_ns", "shed for", SL_KIND_DURATION, 0 },
	{ "over_new_connections", "SYN over the limit", SL_KIND_TEXT, 0 },
	{ "connections_open", "connections open", SL_KIND_EXACT, 0 },
	{ "connections_max", "at most", SL_KIND_EXACT, 0 },
	{ "connections_total", "opened in all", SL_KIND_EXACT, 0 },
};

static void put_left(struct sl_sheet *sheet, uint64_t until_ns, uint64_t now_ns)
{
	if (!until_ns)
		sl_put_word(sheet, "never");
	else
		sl_put_number(sheet, until_ns > now_ns ? until_ns - now_ns : 0);
}

static void put_shed(struct sl_sheet *sheet, const struct sl_side *side, uint64_t now_ns)
{
	if (!side->shed_until_ns || now_ns >= side->shed_until_ns || !side->shed_permille) {
		sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	sl_put_real(sheet, side->shed_permille / 1000.0);
	sl_put_number(sheet, side->shed_until_ns - now_ns);
}

static void put_connections(struct sl_sheet *sheet, const struct sl_maps_view *view,
			    uint32_t tenant, const struct sl_limit *limit)
{
	sl_put_word(sheet, limit->ingress.flags & SL_SIDE_RESET ? "reset" : "drop");
	sl_put_number(sheet, view->conns[tenant].open);
	if (limit->ingress.flags & SL_SIDE_CONNS)
		sl_put_number(sheet, limit->conns_max);
	else
		sl_put_word(sheet, "unlimited");
	sl_put_number(sheet, view->conns[tenant].opened_total);
}

static void add_tenant(struct sl_doc *doc, const struct sl_maps_view *view, uint32_t tenant,
		       const struct sl_limit *limit, uint64_t now_ns)
{
	struct sl_sheet *sheet =
		sl_doc_record(doc, "tenant", NULL, tenant_columns, COUNT(tenant_columns));
	const struct sl_side *side = &limit->ingress;
	char name[SL_TENANT_NAME_BYTES * 4];

	sl_put_text(sheet, sl_live_name(name, view, tenant));
	sl_put_number(sheet, tenant);
	sl_put_number(sheet, view->names[tenant].gen);
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)sl_live_mode(view, limit)));
	put_state(sheet, state_of(view, tenant, limit, now_ns));
	if (sl_live_is_blocked(limit, side, now_ns) && !limit->blocked_until_ns)
		sl_put_word(sheet, "good");
	else if (sl_live_is_blocked(limit, side, now_ns))
		sl_put_number(sheet, limit->blocked_until_ns - now_ns);
	else
		sl_put_none(sheet);
	put_left(sheet, side->lease_until_ns, now_ns);
	sl_put_text(sheet, sl_choice_name(sl_choices_fallback, (int)sl_side_fallback(side->flags)));
	put_shed(sheet, side, now_ns);
	put_connections(sheet, view, tenant, limit);
}

static const struct sl_column limit_columns[] = {
	{ "limit", "LIMIT", SL_KIND_TEXT, 0 },	    { "unit", NULL, SL_KIND_TEXT, 0 },
	{ "per_s", "PER SECOND", SL_KIND_TEXT, 0 }, { "burst", "BURST", SL_KIND_TEXT, 0 },
	{ "fill", "BUCKET", SL_KIND_PART, 0 },
};

/* How much of the bucket is left: 1 = the whole burst. */
static void put_fill(struct sl_sheet *sheet, const struct sl_rate *rate, uint64_t tat_cu,
		     bool is_ours, uint64_t now_ns)
{
	int64_t ahead = (int64_t)(tat_cu - (now_ns << SL_CREDIT_SHIFT));
	double part;

	if (!rate->cost || rate->cost == SL_COST_NEVER || !rate->burst_cu) {
		sl_put_none(sheet);
		return;
	}
	part = !is_ours || ahead <= 0 ? 1.0 : 1.0 - (double)ahead / (double)rate->burst_cu;
	sl_put_real(sheet, part < 0.0 ? 0.0 : part);
	if (part < 0.05)
		sl_shade(sheet, SL_SHADE_BAD);
}

struct bucket_line {
	const char *name;
	const struct sl_rate *rate;
	enum sl_unit unit;
	bool blocked;
	bool limited; /* false: unlimited whatever the rate says */
	bool is_ours; /* the bucket is of this tenant */
	uint64_t tat_cu;
};

static void put_limit(struct sl_sheet *sheet, const struct bucket_line *line, uint64_t now_ns)
{
	struct sl_rate_spec rate = sl_live_rate(line->rate, line->unit, line->blocked);
	char amount[SL_AMOUNT_BYTES];

	if (!line->limited)
		rate = (struct sl_rate_spec){ .unlimited = true };
	sl_put_text(sheet, line->name);
	sl_put_word(sheet, line->unit == SL_UNIT_BYTES ? "bytes" : "count");
	sl_put_text(sheet, sl_format_rate(amount, sizeof(amount), &rate, line->unit));
	if (rate.unlimited || !rate.per_s) {
		sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	sl_put_text(sheet, sl_format_amount(amount, sizeof(amount), rate.burst, line->unit));
	put_fill(sheet, line->rate, line->tat_cu, line->is_ours, now_ns);
}

static void add_limits(struct sl_doc *doc, const struct sl_limit *limit,
		       const struct sl_bucket *bucket, uint64_t now_ns)
{
	const struct sl_side *in = &limit->ingress, *out = &limit->egress;
	const struct sl_bucket_side *fill_in = &bucket->ingress, *fill_out = &bucket->egress;
	bool shut_in = sl_live_is_blocked(limit, in, now_ns);
	bool shut_out = sl_live_is_blocked(limit, out, now_ns);
	bool ours_in = fill_in->gen == in->gen, ours_out = fill_out->gen == out->gen;
	const struct bucket_line lines[] = {
		{ "ingress packets", &in->packets, SL_UNIT_COUNT, shut_in, true, ours_in,
		  fill_in->packets_tat_cu },
		{ "ingress bytes", &in->bytes, SL_UNIT_BYTES, shut_in, true, ours_in,
		  fill_in->bytes_tat_cu },
		{ "egress packets", &out->packets, SL_UNIT_COUNT, shut_out, true, ours_out,
		  fill_out->packets_tat_cu },
		{ "egress bytes", &out->bytes, SL_UNIT_BYTES, shut_out, true, ours_out,
		  fill_out->bytes_tat_cu },
		{ "new connections", &limit->new_conns, SL_UNIT_COUNT, shut_in,
		  in->flags & SL_SIDE_NEW_CONNS, ours_in, fill_in->new_conns_tat_cu },
		{ "later fragments", &limit->fragments, SL_UNIT_COUNT, shut_in,
		  in->flags & SL_SIDE_FRAGMENTS, ours_in, fill_in->fragments_tat_cu },
		{ "safe packets", &limit->safe_packets, SL_UNIT_COUNT, false, true, false, 0 },
		{ "safe bytes", &limit->safe_bytes, SL_UNIT_BYTES, false, true, false, 0 },
		{ "safe connections", &limit->safe_new_conns, SL_UNIT_COUNT, false,
		  in->flags & SL_SIDE_NEW_CONNS, false, 0 },
	};
	struct sl_sheet *sheet = sl_doc_table(doc, "limits", "Limits and what is left of them",
					      limit_columns, COUNT(limit_columns));

	for (size_t i = 0; i < COUNT(lines); i++)
		put_limit(sheet, &lines[i], now_ns);
}

static const struct sl_column reason_columns[] = {
	{ "direction", "DIRECTION", SL_KIND_TEXT, 0 },
	{ "reason", "REASON", SL_KIND_TEXT, 0 },
	{ "packets", "PACKETS", SL_KIND_EXACT, 0 },
	{ "bytes", "BYTES", SL_KIND_EXACT, 0 },
	{ "shadow_packets", "SHADOW", SL_KIND_EXACT, 0 },
	{ "shadow_bytes", NULL, SL_KIND_EXACT, 0 },
	{ "meaning", "", SL_KIND_TEXT, 0 },
};

static void put_reasons(struct sl_sheet *sheet, const char *direction,
			const struct sl_reason_counts *counts,
			const struct sl_reason_counts *shadow)
{
	for (unsigned reason = 0; reason < SL_REASON_COUNT_; reason++) {
		const struct sl_reason_info *info = sl_reason_info(reason);
		const struct sl_count *happened = sl_reason_count(counts, (enum sl_reason)reason);
		const struct sl_count *shadowed = sl_reason_count(shadow, (enum sl_reason)reason);

		if (!info || (!happened->packets && !shadowed->packets))
			continue;
		sl_put_text(sheet, direction);
		sl_put_text(sheet, info->name);
		sl_put_number(sheet, happened->packets);
		sl_put_number(sheet, happened->bytes);
		sl_put_number(sheet, shadowed->packets);
		sl_put_number(sheet, shadowed->bytes);
		sl_put_text(sheet, info->text);
		sl_shade(sheet, SL_SHADE_DIM);
	}
}

static int add_reasons(struct sl_doc *doc, const struct sl_cli *cli, const struct sl_maps *maps,
		       uint32_t tenant)
{
	struct sl_counters counters, shadow;
	struct sl_dp_error error = { "" };
	struct sl_sheet *sheet;

	if (sl_counters_read_one(&counters, &shadow, maps, tenant, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	sheet = sl_doc_table(doc, "reasons", "Packets by verdict", reason_columns,
			     COUNT(reason_columns));
	sl_sheet_when_empty(sheet, "none yet");
	put_reasons(sheet, "ingress", &counters.ingress, &shadow.ingress);
	put_reasons(sheet, "egress", &counters.egress, &shadow.egress);
	return 0;
}

int sl_cmd_tenants_get(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_cleanup(sl_doc_freep) struct sl_doc *doc = NULL;
	uint64_t now_ns = sl_monotonic_ns();
	const struct sl_maps_view *view;
	struct sl_limit limit;
	uint32_t tenant = 0;
	int code = sl_live_open(&maps, cli, SL_MAPS_READ);

	if (code)
		return code;
	view = sl_maps_view(maps);
	code = sl_live_find(&tenant, cli, view, args->positionals[0]);
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sl_live_limit(&limit, view, tenant);
	add_tenant(doc, view, tenant, &limit, now_ns);
	add_limits(doc, &limit, &view->buckets[tenant], now_ns);
	sl_tenant_requests_put(doc, view, tenant, now_ns);
	code = add_reasons(doc, cli, maps, tenant);
	return code ? code : sl_doc_finish(SL_TAKE_PTR(doc), cli);
}
