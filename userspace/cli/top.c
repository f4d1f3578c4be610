// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/live.h"

const struct sl_choice sl_choices_top_sort[] = {
	{ "drops", SL_TOP_BY_DROPS }, { "offered", SL_TOP_BY_OFFERED },
	{ "bytes", SL_TOP_BY_BYTES }, { "used", SL_TOP_BY_USED },
	{ "name", SL_TOP_BY_NAME },   { NULL, 0 },
};

struct history {
	double offered[SL_TOP_HISTORY]; /* oldest first */
	double dropped[SL_TOP_HISTORY];
	size_t count;
	uint32_t gen; /* whose */
};

struct sl_top {
	struct sl_top_row *rows;
	size_t count;
	struct history *histories; /* [tenant] */
	size_t history_count;
};

int sl_top_new(struct sl_top **ret)
{
	struct sl_top *top = calloc(1, sizeof(*top));

	if (!top)
		return -ENOMEM;
	*ret = top;
	return 0;
}

void sl_top_free(struct sl_top *top)
{
	if (!top)
		return;
	free(top->rows);
	free(top->histories);
	free(top);
}

void sl_top_freep(struct sl_top **top)
{
	sl_top_free(*top);
}

static void remember(double *values, size_t count, double value)
{
	if (count == SL_TOP_HISTORY)
		memmove(values, values + 1, (SL_TOP_HISTORY - 1) * sizeof(*values));
	else
		count++;
	values[count - 1] = value;
}

static void add_history(struct history *history, uint32_t gen, const struct sl_top_row *row)
{
	if (history->gen != gen)
		*history = (struct history){ .gen = gen };
	remember(history->offered, history->count, row->offered);
	remember(history->dropped, history->count, row->dropped);
	if (history->count < SL_TOP_HISTORY)
		history->count++;
}

static double part_of(double value, const struct sl_rate_spec *limit)
{
	if (limit->unlimited || !limit->per_s)
		return -1.0;
	return value / (double)limit->per_s;
}

static void read_limits(struct sl_top_row *row, const struct sl_maps_view *view, uint64_t now_ns)
{
	struct sl_limit limit;
	bool blocked;
	double by_packets, by_bytes;

	sl_live_limit(&limit, view, row->tenant);
	blocked = sl_live_is_blocked(&limit, &limit.ingress, now_ns);
	row->mode = sl_live_mode(view, &limit);
	row->limit = sl_live_rate(&limit.ingress.packets, SL_UNIT_COUNT, blocked);
	row->limit_bytes = sl_live_rate(&limit.ingress.bytes, SL_UNIT_BYTES, blocked);
	by_packets = part_of(row->passed, &row->limit);
	by_bytes = part_of(row->passed_bytes, &row->limit_bytes);
	row->used = by_packets > by_bytes ? by_packets : by_bytes;
}

static void fill_row(struct sl_top_row *row, const struct sl_snapshot *before,
		     const struct sl_snapshot *after, const struct sl_maps_view *view,
		     uint32_t tenant)
{
	struct sl_tally in = sl_tally_between(before, after, tenant, SL_INGRESS);
	struct sl_tally out = sl_tally_between(before, after, tenant, SL_EGRESS);
	double seconds = (double)(after->now_ns - before->now_ns) / 1e9;
	double per_s = seconds > 0.0 ? 1.0 / seconds : 0.0;

	*row = (struct sl_top_row){
		.tenant = tenant,
		.offered = (double)in.offered.packets * per_s,
		.passed = (double)in.passed.packets * per_s,
		.dropped = (double)in.dropped.packets * per_s,
		.shadow = (double)in.shadow.packets * per_s,
		.offered_bytes = (double)in.offered.bytes * per_s,
		.passed_bytes = (double)in.passed.bytes * per_s,
		.egress = (double)out.offered.packets * per_s,
		.egress_dropped = (double)out.dropped.packets * per_s,
	};
	(void)sl_live_name(row->name, view, tenant);
	read_limits(row, view, after->now_ns);
}

static int make_room(struct sl_top *top, size_t count)
{
	struct sl_top_row *rows = reallocarray(top->rows, count, sizeof(*rows));
	struct history *histories;

	if (!rows)
		return -ENOMEM;
	top->rows = rows;
	if (count <= top->history_count)
		return 0;
	histories = reallocarray(top->histories, count, sizeof(*histories));
	if (!histories)
		return -ENOMEM;
	memset(histories + top->history_count, 0,
	       (count - top->history_count) * sizeof(*histories));
	top->histories = histories;
	top->history_count = count;
	return 0;
}

int sl_top_update(struct sl_top *top, const struct sl_snapshot *before,
		  const struct sl_snapshot *after, const struct sl_maps_view *view)
{
	int err = make_room(top, after->count);

	if (err)
		return err;
	top->count = 0;
	for (uint32_t tenant = 0; tenant < after->count; tenant++) {
		struct sl_top_row *row = &top->rows[top->count];

		if (!sl_live_exists(view, tenant, false))
			continue;
		fill_row(row, before, after, view, tenant);
		add_history(&top->histories[tenant], view->names[tenant].gen, row);
		top->count++;
	}
	return 0;
}

static int by_number(double a, double b)
{
	return (a < b) - (a > b); /* the larger first */
}

static int by_name(const void *a, const void *b)
{
	const struct sl_top_row *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->tenant > right->tenant) - (left->tenant < right->tenant);
}

static int by_offered(const void *a, const void *b)
{
	const struct sl_top_row *left = a, *right = b;
	int order = by_number(left->offered, right->offered);

	return order ? order : by_name(a, b);
}

static int by_drops(const void *a, const void *b)
{
	const struct sl_top_row *left = a, *right = b;
	int order = by_number(left->dropped + left->shadow, right->dropped + right->shadow);

	return order ? order : by_offered(a, b);
}

static int by_bytes(const void *a, const void *b)
{
	const struct sl_top_row *left = a, *right = b;
	int order = by_number(left->offered_bytes, right->offered_bytes);

	return order ? order : by_name(a, b);
}

static int by_used(const void *a, const void *b)
{
	const struct sl_top_row *left = a, *right = b;
	int order = by_number(left->used, right->used);

	return order ? order : by_offered(a, b);
}

void sl_top_sort(struct sl_top *top, enum sl_top_sort sort)
{
	int (*order)(const void *, const void *) = by_drops;

	switch (sort) {
	case SL_TOP_BY_DROPS:
		break;
	case SL_TOP_BY_OFFERED:
		order = by_offered;
		break;
	case SL_TOP_BY_BYTES:
		order = by_bytes;
		break;
	case SL_TOP_BY_USED:
		order = by_used;
		break;
	case SL_TOP_BY_NAME:
		order = by_name;
		break;
	}
	if (top->count)
		qsort(top->rows, top->count, sizeof(*top->rows), order);
}

size_t sl_top_count(const struct sl_top *top)
{
	return top->count;
}

const struct sl_top_row *sl_top_row(const struct sl_top *top, size_t i)
{
	return &top->rows[i];
}

const double *sl_top_offered(size_t *ret_count, const struct sl_top *top, uint32_t tenant)
{
	*ret_count = top->histories[tenant].count;
	return top->histories[tenant].offered;
}

const double *sl_top_dropped(size_t *ret_count, const struct sl_top *top, uint32_t tenant)
{
	*ret_count = top->histories[tenant].count;
	return top->histories[tenant].dropped;
}
