/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tenants top`: rates of all tenants between two looks, with a short history,
 * sorted and drawn. The model and the drawing are pure; cmd_top.c runs them.
 *
 * Owner:  sl_top_free().
 * Thread: one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/cli/snapshot.h"
#include "userspace/cli/spark.h"
#include "userspace/dataplane/maps.h"
#include "userspace/domain/text.h"

#define SL_TOP_HISTORY SL_SPARK_CELLS_MAX

enum sl_top_sort {
	SL_TOP_BY_DROPS,
	SL_TOP_BY_OFFERED,
	SL_TOP_BY_BYTES,
	SL_TOP_BY_USED, /* part of the limit that is used */
	SL_TOP_BY_NAME,
};

extern const struct sl_choice sl_choices_top_sort[];

/* One tenant over the last interval; ingress but for egress_*. Per second. */
struct sl_top_row {
	uint32_t tenant;
	char name[SL_TENANT_NAME_BYTES * 4];
	enum sl_mode mode;
	double offered;
	double passed;
	double dropped;
	double shadow;
	double offered_bytes;
	double passed_bytes;
	double egress;
	double egress_dropped;
	struct sl_rate_spec limit; /* packets */
	struct sl_rate_spec limit_bytes;
	double used; /* of the tighter limit, by what passed; -1: no limit */
};

struct sl_top;

int sl_top_new(struct sl_top **ret);  /* -ENOMEM */
void sl_top_free(struct sl_top *top); /* NULL is fine */
void sl_top_freep(struct sl_top **top);

/*
 * Takes what happened between two snapshots. A tenant seen for the first time has
 * an empty history. -ENOMEM: @top is as it was.
 */
int sl_top_update(struct sl_top *top, const struct sl_snapshot *before,
		  const struct sl_snapshot *after, const struct sl_maps_view *view);

/* Orders the rows; a second key, then the name, so that they do not dance. */
void sl_top_sort(struct sl_top *top, enum sl_top_sort sort);

size_t sl_top_count(const struct sl_top *top);
const struct sl_top_row *sl_top_row(const struct sl_top *top, size_t i);
/* Offered and dropped per second of the tenant, oldest first; *ret_count of each. */
const double *sl_top_offered(size_t *ret_count, const struct sl_top *top, uint32_t tenant);
const double *sl_top_dropped(size_t *ret_count, const struct sl_top *top, uint32_t tenant);

struct sl_top_look {
	size_t columns;
	size_t rows;
	size_t first; /* row of the table that stands first: scrolled */
	enum sl_top_sort sort;
	bool paused;
	bool help;
	bool colour;
	bool unicode;
	bool agent;
	enum sl_mode mode;
	uint64_t interval_ns;
};

/* Draws a whole screen: free(*ret). -ENOMEM. */
int sl_top_draw(char **ret, size_t *ret_length, const struct sl_top *top,
		const struct sl_top_look *look);
